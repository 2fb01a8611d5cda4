"""Which words is a rule made of? Cuts the text into the few tokens the language has."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import date

from patronage.vocabulary.fields import RESERVED_WORDS, FieldCatalog
from patronage.vocabulary.predicates.errors import PredicateError
from patronage.vocabulary.predicates.limits import (
    LARGEST_INTERVAL_DAYS,
    LARGEST_LITERAL,
    LONGEST_TEXT,
    MOST_LISTED,
    MOST_PREFIXES,
    MOST_WORDS,
    SMALLEST_LITERAL,
)
from patronage.vocabulary.predicates.nodes import FieldRef, Kind, Literal
from patronage.vocabulary.predicates.strange import CLOSED, unreadable
from patronage.vocabulary.predicates.types import kind_of_field
from patronage.vocabulary.sentences import Sentence

_TOKEN = re.compile(
    r"""
    (?P<space>[ \t\r\n]+)
  | (?P<comment>--|/\*|\*/|\#)
  | (?P<dated>DATE[ \t\r\n]*'(?P<day>[^']*)')
  | (?P<interval>INTERVAL(?:[ \t\r\n]*(?P<quoted>'[^']*')|[ \t\r\n]+(?P<bare>[0-9]+))
      (?:[ \t\r\n]*(?P<unit>[A-Z]+))?)
  | (?P<number>(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:E[+-]?[0-9]+)?)(?![A-Z0-9_.])
  | (?P<string>'(?:[^']|'')*')
  | (?P<word>[A-Z_][A-Z0-9_]*)
  | (?P<operator><>|!=|<=|>=|[=<>+\-*/(),](?!=))
    """,
    re.VERBOSE | re.IGNORECASE | re.ASCII,
)
_SIGNED = re.compile(
    r"([+-]?)[ ]*((?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:E[+-]?[0-9]+)?)", re.IGNORECASE | re.ASCII
)
_OPENING = re.compile(r"[ \t\r\n]*\(")
_UNITS = {"DAY": 1, "DAYS": 1, "WEEK": 7, "WEEKS": 7}
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_AMOUNT = re.compile(r"[+-]?[0-9]{1,9}", re.ASCII)
_LONGEST_SHOWN = 63


@dataclass(frozen=True, slots=True)
class Token:
    """One word of a rule and where it stands."""

    #: An operator or upper-case keyword; "value" where ``value`` holds a field or a literal.
    symbol: str
    #: Characters before it.
    offset: int
    value: FieldRef | Literal | None = None


def tokenize(text: str, fields: FieldCatalog) -> list[Token]:
    """Cut the text into tokens; refuse everything that is not in the language, with its place."""
    if not isinstance(text, str):
        raise PredicateError(
            Sentence("A rule is text, found %(name)s.", name=type(text).__name__),
            "Write it as in: orders_90d > 3",
        )
    if len(text) > LONGEST_TEXT:
        raise PredicateError.at(
            text,
            LONGEST_TEXT,
            Sentence(
                "The rule has %(length)s characters, the most is %(longest_text)s.",
                length=f"{len(text):,}",
                longest_text=f"{LONGEST_TEXT:,}",
            ),
            "Split it into several rules.",
        )
    refuse_many_words(text)
    tokens: list[Token] = []
    at = 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            raise unreadable(text, at, fields)
        if found.lastgroup != "space":
            tokens.append(_token(text, found, fields))
        at = found.end()
    _refuse_long_prefixes(text, tokens)
    return tokens


def refuse_many_words(text: str) -> None:
    """Refuse a text of more words than can be read at once, at the first word too many."""
    words, listed, inside, before = 0, 0, False, ""
    for found in _TOKEN.finditer(text):
        if found.lastgroup == "space":
            continue
        word = found[0]
        if inside:
            listed += 1
            inside = word != ")"
        else:
            words += 1
            inside = word == "(" and before.upper() == "IN"
        before = word
        if words > MOST_WORDS:
            raise PredicateError.at(
                text,
                found.start(),
                Sentence(
                    "The rule has more than %(most_words)s words and signs, not counting "
                    "its lists.",
                    most_words=MOST_WORDS,
                ),
                "Split it into several rules.",
            )
        # Each constant has a comma or the closing parenthesis after it.
        if listed > 2 * MOST_LISTED:
            raise PredicateError.at(
                text,
                found.start(),
                Sentence(
                    "The lists of the rule hold more than %(most_listed)s constants.",
                    most_listed=MOST_LISTED,
                ),
                "Ask for what they have in common, or split the rule.",
            )


def _token(text: str, found: re.Match[str], fields: FieldCatalog) -> Token:
    at, written = found.start(), found[0]
    match found.lastgroup:
        case "operator":
            return Token("<>" if written == "!=" else written, at)
        case "number":
            return Token("value", at, _number(text, at, written))
        case "word":
            return _word(text, found, fields)
        case "string":
            return Token("value", at, _string(text, at, written))
        case "dated":
            return Token("value", at, _date(text, at, found["day"]))
        case "interval":
            amount = found["quoted"] or found["bare"]
            return Token("value", at, _interval(text, at, amount, found["unit"]))
    raise PredicateError.at(
        text, at, "Comments are not part of a rule.", "Put the explanation in its description."
    )


def _word(text: str, found: re.Match[str], fields: FieldCatalog) -> Token:
    word, at, end = found["word"], found.start(), found.end()
    if not text[end : end + 1].isascii():
        # A look-alike within a name is what is wrong, not the part of the name before it.
        raise unreadable(text, end, fields)
    if word.lower() in RESERVED_WORDS:
        if word.upper() in ("DATE", "INTERVAL"):
            raise PredicateError.at(
                text,
                at,
                Sentence("%(upper)s needs a quoted value after it.", upper=word.upper()),
                "Write DATE '2024-12-31' or INTERVAL '30' DAY.",
            )
        return Token(word.upper(), at)
    if _OPENING.match(text, end):
        raise PredicateError.at(
            text,
            at,
            Sentence("%(shown)s is used as a function; rules have none.", shown=_shown(word)),
            CLOSED,
        )
    if word not in fields:
        near = fields.closest(word) if len(word) <= _LONGEST_SHOWN else None
        advice = (
            Sentence("Did you mean %(near)s?", near=near)
            if near
            else Sentence("Known fields: %(some)s.", some=_some(fields))
        )
        raise PredicateError.at(
            text, at, Sentence("There is no field %(shown)s.", shown=_shown(word)), advice
        )
    return Token("value", at, FieldRef(kind_of_field(fields[word]), word))


def literal_of(kind: Kind, written: str) -> Literal:
    """Read one constant for a field of a kind, as an input field of a form holds it.

    Texts are taken as they are; numbers, dates and "true" or "false" may have spaces around them.
    """
    plain = written.strip(" \t\r\n")
    match kind:
        case Kind.TEXT:
            doubled = written.replace("'", "''")
            return _string(written, 0, f"'{doubled}'")
        case Kind.DATE:
            return _date(plain, 0, plain)
        case Kind.BOOLEAN if plain.lower() in ("true", "false"):
            return Literal(kind, plain.lower() == "true")
        case Kind.INTEGER | Kind.NUMBER if (found := _SIGNED.fullmatch(plain)) is not None:
            number = _number(plain, 0, found[2])
            if found[1] == "-" and isinstance(number.value, int | float):
                return Literal(number.kind, -number.value)
            return number
    shown = _shown(written)
    if kind is Kind.BOOLEAN:
        raise PredicateError(
            Sentence("%(shown)s is not true or false.", shown=shown), "Write true or false."
        )
    raise PredicateError(
        Sentence("%(shown)s is not a number.", shown=shown), "Write digits, as in 1234.5"
    )


def _number(text: str, at: int, written: str) -> Literal:
    whole = written.isdigit()
    # A double first: it reads any number of digits in no time, where int() would refuse 5,000.
    value = float(written)
    if value > LARGEST_LITERAL:
        raise PredicateError.at(
            text,
            at,
            Sentence("%(shown)s is too large.", shown=_shown(written)),
            Sentence(
                "The largest number in a rule is %(largest_literal)s.",
                largest_literal=LARGEST_LITERAL,
            ),
        )
    mantissa = written.upper().partition("E")[0]
    if 0 < value < SMALLEST_LITERAL or (value == 0 and mantissa.strip("0.")):
        raise PredicateError.at(
            text,
            at,
            Sentence("%(shown)s is too close to zero.", shown=_shown(written)),
            Sentence(
                "The smallest number in a rule is %(smallest_literal)s.",
                smallest_literal=SMALLEST_LITERAL,
            ),
        )
    return Literal(Kind.INTEGER, int(value)) if whole else Literal(Kind.NUMBER, value)


def _string(text: str, at: int, written: str) -> Literal:
    value = written[1:-1].replace("''", "'")
    if "\x00" in value or any("\ud800" <= character <= "\udfff" for character in value):
        raise PredicateError.at(
            text,
            at,
            "The text holds a character that no database can store.",
            "Remove NUL characters and broken Unicode from it.",
        )
    return Literal(Kind.TEXT, value)


def _date(text: str, at: int, written: str) -> Literal:
    try:
        if _DAY.fullmatch(written):
            return Literal(Kind.DATE, date.fromisoformat(written))
    except ValueError:
        pass
    raise PredicateError.at(
        text,
        at,
        Sentence("%(shown)s is not a date.", shown=_shown(written)),
        "Write it as DATE '2024-12-31'.",
    )


def _interval(text: str, at: int, amount: str, unit: str | None) -> Literal:
    written = amount.strip("'")
    if unit is None or unit.upper() not in _UNITS or _AMOUNT.fullmatch(written) is None:
        raise PredicateError.at(
            text,
            at,
            "An interval is a whole number of days or weeks.",
            "Write INTERVAL '30' DAY; months and years have no fixed length, so write days.",
        )
    days = int(written) * _UNITS[unit.upper()]
    if not math.fabs(days) <= LARGEST_INTERVAL_DAYS:
        raise PredicateError.at(
            text,
            at,
            Sentence("An interval of %(days)s days is too long.", days=f"{days:,}"),
            Sentence(
                "The longest is %(largest_interval_days)s days.",
                largest_interval_days=f"{LARGEST_INTERVAL_DAYS:,}",
            ),
        )
    return Literal(Kind.DAYS, days)


def _refuse_long_prefixes(text: str, tokens: list[Token]) -> None:
    run, previous = 0, "("
    for token in tokens:
        sign = token.symbol in ("-", "+") and previous not in ("value", ")")
        run = run + 1 if sign or token.symbol == "NOT" else 0
        previous = token.symbol
        if run > MOST_PREFIXES:
            raise PredicateError.at(
                text,
                token.offset,
                Sentence(
                    "More than %(most_prefixes)s NOTs or signs follow one another.",
                    most_prefixes=MOST_PREFIXES,
                ),
                "Two of them cancel out: remove them in pairs.",
            )


def _shown(word: str) -> str:
    return repr(word if len(word) <= _LONGEST_SHOWN else word[:_LONGEST_SHOWN] + "…")


def _some(fields: FieldCatalog) -> str:
    names = list(fields)
    return ", ".join(names[:10]) + (", …" if len(names) > 10 else "") if names else "none"
