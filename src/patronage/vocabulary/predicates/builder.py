"""How is a rule shown as rows and groups? The condition builder's view, and back again.

A group has ``match`` (all, any or none of its rows); a row asks one thing of one field; what rows
cannot say, such as arithmetic, is a row of kind text that holds it in words. Values are written as
texts: JSON's numbers do not tell 3 from 3.0, and rules do.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from patronage.vocabulary.fields import Field, FieldCatalog
from patronage.vocabulary.predicates.errors import PredicateError
from patronage.vocabulary.predicates.lexer import literal_of
from patronage.vocabulary.predicates.limits import DEEPEST_NESTING, MOST_WORDS
from patronage.vocabulary.predicates.nodes import (
    All,
    Between,
    Compare,
    Condition,
    FieldRef,
    IsUnknown,
    Kind,
    Literal,
    Not,
    OneOf,
    Some,
    StartsWith,
)
from patronage.vocabulary.predicates.parser import parse
from patronage.vocabulary.predicates.stored import LONGEST_DOCUMENT, check_tree
from patronage.vocabulary.predicates.text import condition_text, literal_text
from patronage.vocabulary.predicates.types import kind_of_field
from patronage.vocabulary.sentences import Sentence, as_sentence

#: A place in the builder: positions of rows from 1, outermost first.
_Path = tuple[int, ...]

_EQUALS = ("=", "<>")
_ORDER = ("<", "<=", ">", ">=")
_LISTED = ("in", "not in")
_BETWEEN = ("between", "not between")
_BEGINS = ("begins with", "does not begin with")
_HOLDS = ("holds", "does not hold")
_KNOWN = ("is unknown", "is known")
_NUMBERS = (*_EQUALS, *_ORDER, *_LISTED, *_BETWEEN, *_KNOWN)
_OPERATORS: dict[Kind, tuple[str, ...]] = {
    Kind.INTEGER: _NUMBERS,
    Kind.NUMBER: _NUMBERS,
    Kind.DATE: _NUMBERS,
    Kind.TEXT: (*_EQUALS, *_LISTED, *_BEGINS, *_ORDER, *_BETWEEN, *_KNOWN),
    Kind.BOOLEAN: (*_HOLDS, *_EQUALS, *_LISTED, *_KNOWN),
}
_ADVICE = Sentence("Give what Predicate.to_builder gives: groups of rows.")


def operators_of(field: Field) -> tuple[str, ...]:
    """Give the operators that a row may have for a field, the commonest first."""
    return _OPERATORS[kind_of_field(field)]


def to_builder(root: Condition) -> dict[str, Any]:
    """Give a condition as a group of rows and groups."""
    written = _written(root)
    return written if written["kind"] == "group" else _group("all", [written])


def from_builder(document: str | Mapping[str, Any], fields: FieldCatalog) -> Condition:
    """Read a group, checking it as strictly as a text; the refusal names the row, as in Row 2.1."""
    if isinstance(document, str):
        document = _loaded(document)
    _refuse_many_rows(document)
    root = _read(document, fields, ())
    check_tree(root, fields)
    return root


def _loaded(document: str) -> Any:
    if len(document) > LONGEST_DOCUMENT:
        raise PredicateError("The rows are too many to read.", "Split them into several rules.")
    try:
        return json.loads(document)
    except (ValueError, RecursionError) as error:
        raise PredicateError(
            Sentence("The rows are damaged: %(error)s.", error=f"{error!r:.200}"), _ADVICE
        ) from error


def _refuse_many_rows(document: Any) -> None:
    """Refuse more rows than a rule has words, before any is read."""
    waiting, rows = [document], 0
    while waiting:
        group = waiting.pop()
        inner = group.get("rows") if isinstance(group, Mapping) else None
        if isinstance(inner, list):
            rows += len(inner)
            waiting.extend(inner)
        if rows > MOST_WORDS:
            raise PredicateError(
                Sentence("The rule has more than %(most_words)s rows.", most_words=MOST_WORDS),
                "Split it into several rules.",
            )


def _group(match: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
    return {"kind": "group", "match": match, "rows": rows}


def _written(node: Condition) -> dict[str, Any]:
    match node:
        case All(parts):
            return _group("all", [_written(part) for part in parts])
        case Some(parts):
            return _group("any", [_written(part) for part in parts])
        case Not(FieldRef() | OneOf() | Between() | IsUnknown() | StartsWith() as part):
            row = _row(part, turned=True)
            return row or {"kind": "text", "text": condition_text(node)}
        case Not(Some(parts)):
            return _group("none", [_written(part) for part in parts])
        case Not(part):
            return _group("none", [_written(part)])
        case _:
            return _row(node, turned=False) or {"kind": "text", "text": condition_text(node)}


def _row(node: Condition, *, turned: bool) -> dict[str, Any] | None:
    """Give the row of a question about one field; None for what rows cannot say."""
    match node:
        case FieldRef():
            return _asked(node, _HOLDS[turned])
        case Compare(operator, FieldRef() as field, Literal() as value):
            return _asked(field, operator, _shown(value))
        case OneOf(FieldRef() as field, options):
            return _asked(field, _LISTED[turned], [_shown(each) for each in options])
        case Between(FieldRef() as field, Literal() as low, Literal() as high):
            return _asked(field, _BETWEEN[turned], [_shown(low), _shown(high)])
        case IsUnknown(field):
            return _asked(field, _KNOWN[turned])
        case StartsWith(FieldRef() as field, prefix):
            return _asked(field, _BEGINS[turned], prefix)
    return None


def _asked(field: FieldRef, operator: str, value: str | list[str] | None = None) -> dict[str, Any]:
    row = {"kind": "row", "field": field.name, "operator": operator}
    return row if value is None else row | {"value": value}


def _shown(value: Literal) -> str:
    if isinstance(value.value, date):
        return value.value.isoformat()
    return value.value if isinstance(value.value, str) else literal_text(value).lower()


def _read(stored: Any, fields: FieldCatalog, path: _Path) -> Condition:
    if len(path) > DEEPEST_NESTING + 2:
        raise _fault(path[:3], "Groups are nested too deeply.", "Split the rule into several.")
    kind = stored.get("kind") if isinstance(stored, Mapping) else None
    if kind == "group" and set(stored) == {"kind", "match", "rows"}:
        return _read_group(stored, fields, path)
    if kind == "text" and set(stored) == {"kind", "text"}:
        return _at(path, lambda: parse(stored["text"], fields))
    if kind == "row" and {"field", "operator"} <= set(stored) <= {*_ROW, "kind"}:
        return _at(path, lambda: _read_row(stored, fields))
    raise _fault(
        path, Sentence("This is no group, row or text: %(stored).80r.", stored=stored), _ADVICE
    )


_ROW = ("field", "operator", "value")


def _read_group(stored: Mapping[str, Any], fields: FieldCatalog, path: _Path) -> Condition:
    rows, match = stored["rows"], stored["match"]
    if not isinstance(rows, list) or not rows:
        raise _fault(path, "The group is empty.", "Add a row to it, or remove it.")
    if match not in ("all", "any", "none"):
        raise _fault(
            path,
            Sentence("%(match).40r says nothing of a group.", match=match),
            "Match all, any or none of it.",
        )
    parts = tuple(_read(row, fields, (*path, at)) for at, row in enumerate(rows, start=1))
    if match == "all":
        return parts[0] if len(parts) == 1 else All(parts)
    either = parts[0] if len(parts) == 1 else Some(parts)
    return Not(either) if match == "none" else either


def _read_row(stored: Mapping[str, Any], fields: FieldCatalog) -> Condition:
    name, operator, value = (stored.get(key) for key in _ROW)
    if not isinstance(name, str) or name not in fields:
        # The reader of texts says what is wrong with a name, look-alikes included.
        parse(f"{name} IS NULL" if isinstance(name, str) and name else "?", fields)
        raise PredicateError(
            Sentence("There is no field %(name).80r.", name=name), "Choose one of the catalogue."
        )
    field = FieldRef(kind_of_field(fields[name]), name)
    if operator not in _OPERATORS[field.kind]:
        raise PredicateError(
            Sentence("%(operator).40r cannot be asked of %(name)s.", operator=operator, name=name),
            Sentence("Choose one of %(operators)s.", operators=", ".join(_OPERATORS[field.kind])),
        )
    if operator in (*_HOLDS, *_KNOWN):
        if value is not None:
            raise PredicateError(
                Sentence("'%(operator)s' takes no value.", operator=operator), "Remove the value."
            )
        asked: Condition = field if operator in _HOLDS else IsUnknown(field)
        return Not(asked) if operator in (_HOLDS[1], _KNOWN[1]) else asked
    return _with_value(field, str(operator), value)


def _with_value(field: FieldRef, operator: str, value: Any) -> Condition:
    if operator in _BEGINS:
        starts = StartsWith(field, _text(value))
        return Not(starts) if operator == _BEGINS[1] else starts
    if operator not in (*_LISTED, *_BETWEEN):
        return Compare(operator, field, literal_of(field.kind, _text(value)))
    if not isinstance(value, list):
        raise PredicateError(
            Sentence("'%(operator)s' takes a list of values.", operator=operator),
            "Write them as a list.",
        )
    values = tuple(literal_of(field.kind, _text(each)) for each in value)
    if operator in _LISTED:
        listed = OneOf(field, values)
        return Not(listed) if operator == _LISTED[1] else listed
    if len(values) != 2:
        raise PredicateError(
            Sentence("'%(operator)s' takes two values.", operator=operator),
            "Write the lowest and the highest.",
        )
    between = Between(field, *values)
    return Not(between) if operator == _BETWEEN[1] else between


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise PredicateError(
            Sentence("A value is written as a text, found %(value).40r.", value=value), _ADVICE
        )
    return value


def _at(path: _Path, read: Callable[[], Condition]) -> Condition:
    try:
        return read()
    except PredicateError as error:
        raise PredicateError(
            _in_row(path, error.reason),
            error.advice,
            offset=error.offset,
            line=error.line,
            column=error.column,
            row=_place(path),
        ) from error


def _in_row(path: _Path, reason: str) -> Sentence:
    said = as_sentence(reason)
    if not path:
        return Sentence("The rule: %(reason)s", reason=said)
    return Sentence("Row %(row)s: %(reason)s", row=_place(path), reason=said)


def _place(path: _Path) -> str:
    return ".".join(map(str, path))


def _fault(path: _Path, reason: str, advice: str) -> PredicateError:
    return PredicateError(_in_row(path, reason), advice, row=_place(path))
