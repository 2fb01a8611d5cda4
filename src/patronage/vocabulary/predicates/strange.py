"""What is wrong with a character that no rule has? Names it, and the letter that it looks like."""

from __future__ import annotations

import re
import unicodedata

from patronage.vocabulary.fields import FieldCatalog
from patronage.vocabulary.predicates.errors import PredicateError
from patronage.vocabulary.sentences import Sentence

CLOSED = Sentence(
    "Rules know AND, OR, NOT, = <> < <= > >=, IN, BETWEEN, IS NULL, LIKE 'start%', + - * / and "
    "the fields of the catalogue."
)
#: Letters of other scripts and the Latin ones that they look like; what Unicode itself calls
#: compatible (full-width and mathematical letters) is left to its normal form.
_LOOKS_LIKE = str.maketrans(
    "авеѕіјкӏморстухһԁԛԝпαβικνορτυχωɑɡıАВЕЅІЈКМНОРСТУХΑΒΕΖΗΙΚΜΝΟΡΤΥΧ‘’‚“”„–—‐‑‒−×÷∗",
    "abesijklmopctyxhdqwnabikvoptuxwagiABESIJKMHOPCTYXABEZHIKMNOPTYX'''\"\"\"------*/*",
)
_SIGNS = {"≠": "<>", "≤": "<=", "≥": ">="}
_NAME = re.compile(r"\w+")


def unreadable(text: str, at: int, fields: FieldCatalog) -> PredicateError:
    """Build the error for the character at a place where no word of a rule begins."""
    character = text[at]
    if character == "'":
        reason, advice = "The text that begins here never ends.", "Close it with a quote."
    elif character in '"`[]':
        reason, advice = "Quoted names are not part of a rule.", "Write the field's plain name."
    elif character in "?:$@{%":
        reason, advice = "Parameters are not part of a rule.", "Write the value itself."
    elif character == ".":
        reason, advice = "Names have no parts.", "Write the field's plain name, without a dot."
    elif character.isdigit() and character.isascii():
        reason, advice = "This number cannot be read.", "Write digits, as in 1234.5"
    elif text.startswith("==", at):
        reason, advice = "'==' is not part of a rule.", "Write = to compare."
    elif character.isascii() and character.isprintable():
        reason, advice = (
            Sentence("%(character)r is not part of a rule.", character=character),
            CLOSED,
        )
    else:
        reason = Sentence("The character %(named)s is not part of a rule.", named=_named(character))
        advice = _advice(text, at, fields)
    return PredicateError.at(text, at, reason, advice)


def _named(character: str) -> str:
    name = unicodedata.name(character, "")
    return f"{character!a} ({name})" if name else f"{character!a}"


def _advice(text: str, at: int, fields: FieldCatalog) -> str:
    plain = _plain(text[at])
    if not plain:
        return "Remove it: it cannot be seen, or is in no name, number or sign of a rule."
    seen = Sentence("a space") if plain == " " else plain
    meant = _field_meant(text, at, fields)
    if meant:
        return Sentence(
            "It looks like %(seen)s: type that instead. Did you mean %(meant)s?",
            seen=seen,
            meant=meant,
        )
    return Sentence("It looks like %(seen)s: type that instead.", seen=seen)


def _plain(character: str) -> str:
    """Give the plain character, or the two of a sign, that one looks like; empty if none."""
    compatible = unicodedata.normalize("NFKC", character)
    plain = compatible.translate(_LOOKS_LIKE)
    plain = _SIGNS.get(plain, plain)
    return plain if plain.isascii() and plain.isprintable() else ""


def _field_meant(text: str, at: int, fields: FieldCatalog) -> str | None:
    """Give the field that the word around a place would name with look-alikes made plain."""
    for found in _NAME.finditer(text, max(0, at - 63), at + 63):
        if found.start() <= at < found.end():
            plain = "".join(_plain(each) or each for each in found[0]).lower()
            return plain if plain in fields else fields.closest(plain)
    return None
