"""How is a rule kept? Writes the tree with a version and reads exactly that tree back."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, NoReturn

from patronage.vocabulary.fields import FieldCatalog
from patronage.vocabulary.predicates.errors import PredicateError
from patronage.vocabulary.predicates.limits import DEEPEST_NESTING, MOST_NODES
from patronage.vocabulary.predicates.nodes import (
    All,
    Always,
    Arithmetic,
    Between,
    Compare,
    Condition,
    FieldRef,
    IsUnknown,
    Kind,
    Literal,
    Negate,
    Node,
    Not,
    OneOf,
    Some,
    StartsWith,
    fields_of,
)
from patronage.vocabulary.predicates.shape import refuse_length, refuse_shape
from patronage.vocabulary.predicates.types import check_condition, kind_of_field
from patronage.vocabulary.sentences import Sentence

#: Raised when the shape of the stored tree changes; older ones stay readable.
VERSION = 1
#: Characters of a stored rule; what the longest text is stored as has fewer.
LONGEST_DOCUMENT = 200_000
_OPERATORS = frozenset(["=", "<>", "<", "<=", ">", ">="])
_ADVICE = Sentence("Store what Predicate.to_json gives, unchanged.")


def to_document(root: Condition) -> dict[str, Any]:
    """Give the tree as plain lists, texts and numbers."""
    return {"version": VERSION, "tree": _written(root)}


def from_document(document: str | Mapping[str, Any], fields: FieldCatalog | None) -> Condition:
    """Read a stored tree, checking it as strictly as a text.

    ``fields`` may be None, where only the types stored with the tree are relied on; with a
    catalogue every field must still be there with its type.
    """
    try:
        tree = _tree(document)
        root: Condition = _read(tree, 0)
        check_tree(root, fields)
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        if isinstance(error, PredicateError):
            raise
        raise PredicateError(
            Sentence("The stored rule is damaged: %(error)s.", error=f"{error!r:.200}"), _ADVICE
        ) from error
    return root


def check_tree(root: Condition, fields: FieldCatalog | None) -> None:
    """Refuse a tree that ``parse`` could not have given, or whose fields are not as it says."""
    refuse_shape(root, _refuse)
    units = {} if fields is None else {name: each.unit for name, each in fields.items()}
    check_condition(root, _refuse, units)
    refuse_length(root, _refuse)
    _check_fields(root, fields)


def _tree(document: str | Mapping[str, Any]) -> Any:
    if isinstance(document, str):
        if len(document) > LONGEST_DOCUMENT:
            raise PredicateError("The stored rule is too long.", "Split it into several rules.")
        if document.count('"node"') > MOST_NODES:
            raise PredicateError("The stored rule has too many parts.", "Split it into several.")
        document = json.loads(document)
    if not isinstance(document, Mapping) or set(document) != {"version", "tree"}:
        raise PredicateError("A stored rule holds a version and a tree.", _ADVICE)
    if document["version"] != VERSION or type(document["version"]) is not int:
        raise PredicateError(
            Sentence(
                "The stored rule has version %(found).40r, expected %(version)s.",
                found=document["version"],
                version=VERSION,
            ),
            "Use the program that wrote it, or upgrade the rule.",
        )
    return document["tree"]


def _check_fields(root: Node, fields: FieldCatalog | None) -> None:
    for field in fields_of(root):
        known = fields.get(field.name) if fields is not None else None
        if fields is not None and (known is None or kind_of_field(known) is not field.kind):
            raise PredicateError(
                Sentence(
                    "The stored rule asks about %(name)s as %(asked)s; the catalogue has no such "
                    "field.",
                    name=field.name,
                    asked=field.kind.value,
                )
                if known is None
                else Sentence(
                    "The stored rule asks about %(name)s as %(asked)s; the catalogue has it as "
                    "%(known)s.",
                    name=field.name,
                    asked=field.kind.value,
                    known=kind_of_field(known).value,
                ),
                "Write the rule anew.",
            )


def _written(node: Node) -> dict[str, Any]:
    match node:
        case FieldRef(kind, name):
            return {"node": "field", "kind": kind.value, "name": name}
        case Literal(kind, value):
            plain = value.isoformat() if isinstance(value, date) else value
            return {"node": "literal", "kind": kind.value, "value": plain}
        case Negate(operand):
            return {"node": "negate", "operand": _written(operand)}
        case Arithmetic(kind, operator, left, right):
            sides = {"left": _written(left), "right": _written(right)}
            return {"node": "arithmetic", "kind": kind.value, "operator": operator, **sides}
        case Compare(operator, left, right):
            sides = {"left": _written(left), "right": _written(right)}
            return {"node": "compare", "operator": operator, **sides}
        case Always(truth):
            return {"node": "always", "value": truth}
        case _:
            return _written_condition(node)


def _written_condition(node: Node) -> dict[str, Any]:
    match node:
        case All(parts):
            return {"node": "and", "parts": [_written(part) for part in parts]}
        case Some(parts):
            return {"node": "or", "parts": [_written(part) for part in parts]}
        case Not(part):
            return {"node": "not", "part": _written(part)}
        case OneOf(operand, options):
            listed = [_written(option) for option in options]
            return {"node": "in", "operand": _written(operand), "options": listed}
        case Between(operand, low, high):
            bounds = {"low": _written(low), "high": _written(high)}
            return {"node": "between", "operand": _written(operand), **bounds}
        case IsUnknown(field):
            return {"node": "is_null", "field": _written(field)}
        case StartsWith(operand, prefix):
            return {"node": "starts_with", "operand": _written(operand), "prefix": prefix}
    raise AssertionError(f"{type(node).__name__} has no stored form")


def _read(stored: Any, level: int) -> Any:
    """Read one node. The tree is checked as a whole afterwards: a wrong child is found there."""
    if level > DEEPEST_NESTING + 2:
        raise PredicateError("The stored rule is nested too deeply.", "Split it into several.")
    if not isinstance(stored, dict) or stored.get("node") not in _READERS:
        raise PredicateError(
            Sentence("A stored node is unknown: %(stored).80r.", stored=stored), _ADVICE
        )
    keys, reader = _READERS[stored["node"]]
    if set(stored) != {"node", *keys}:
        raise PredicateError(
            Sentence(
                "A stored %(node)s holds %(keys)s; found %(found).80r.",
                node=stored["node"],
                keys=", ".join(keys),
                found=sorted(stored),
            ),
            _ADVICE,
        )
    return reader(stored, level + 1)


def _many(stored: Any, level: int, fewest: int) -> tuple[Any, ...]:
    if not isinstance(stored, list) or len(stored) < fewest:
        raise PredicateError(
            Sentence("A stored list has %(fewest)s or more parts.", fewest=fewest), _ADVICE
        )
    return tuple(_read(each, level) for each in stored)


def _read_field(stored: dict[str, Any], _: int) -> FieldRef:
    name, kind = stored["name"], Kind(stored["kind"])
    if not isinstance(name, str) or not name.isascii() or not name.isidentifier():
        raise PredicateError(Sentence("%(name).80r does not name a field.", name=name), _ADVICE)
    if kind is Kind.DAYS:
        raise PredicateError("No field holds an interval.", _ADVICE)
    return FieldRef(kind, name)


def _read_literal(stored: dict[str, Any], _: int) -> Literal:
    kind, value = Kind(stored["kind"]), stored["value"]
    return Literal(kind, date.fromisoformat(value) if kind is Kind.DATE else value)


def _read_always(stored: dict[str, Any], _: int) -> Always:
    if not isinstance(stored["value"], bool):
        raise PredicateError("Always is true or false.", _ADVICE)
    return Always(stored["value"])


def _read_compare(stored: dict[str, Any], level: int) -> Compare:
    if stored["operator"] not in _OPERATORS:
        raise PredicateError(
            Sentence("%(operator).40r compares nothing.", operator=stored["operator"]), _ADVICE
        )
    return Compare(stored["operator"], _read(stored["left"], level), _read(stored["right"], level))


def _read_arithmetic(stored: dict[str, Any], level: int) -> Arithmetic:
    if stored["operator"] not in ("+", "-", "*", "/"):
        raise PredicateError(
            Sentence("%(operator).40r calculates nothing.", operator=stored["operator"]), _ADVICE
        )
    left, right = _read_value(stored["left"], level), _read_value(stored["right"], level)
    return Arithmetic(Kind(stored["kind"]), stored["operator"], left, right)


def _read_negate(stored: dict[str, Any], level: int) -> Negate:
    return Negate(_read_value(stored["operand"], level))


def _read_value(stored: Any, level: int) -> Any:
    node = _read(stored, level)
    if not isinstance(node, FieldRef | Literal | Negate | Arithmetic):
        raise PredicateError("A stored condition stands where a value belongs.", _ADVICE)
    return node


def _read_unknown(stored: dict[str, Any], level: int) -> IsUnknown:
    field = _read(stored["field"], level)
    if not isinstance(field, FieldRef):
        raise PredicateError("IS NULL asks about a field.", _ADVICE)
    return IsUnknown(field)


def _read_in(stored: dict[str, Any], level: int) -> OneOf:
    options = _many(stored["options"], level, 1)
    if not all(isinstance(option, Literal) for option in options):
        raise PredicateError("IN lists constants only.", _ADVICE)
    return OneOf(_read(stored["operand"], level), options)


def _read_between(stored: dict[str, Any], level: int) -> Between:
    operand, low, high = (_read(stored[key], level) for key in ("operand", "low", "high"))
    return Between(operand, low, high)


_READERS: dict[str, tuple[tuple[str, ...], Callable[[dict[str, Any], int], Node]]] = {
    "field": (("kind", "name"), _read_field),
    "literal": (("kind", "value"), _read_literal),
    "always": (("value",), _read_always),
    "negate": (("operand",), _read_negate),
    "arithmetic": (("kind", "operator", "left", "right"), _read_arithmetic),
    "compare": (("operator", "left", "right"), _read_compare),
    "and": (("parts",), lambda stored, level: All(_many(stored["parts"], level, 2))),
    "or": (("parts",), lambda stored, level: Some(_many(stored["parts"], level, 2))),
    "not": (("part",), lambda stored, level: Not(_read(stored["part"], level))),
    "in": (("operand", "options"), _read_in),
    "between": (("operand", "low", "high"), _read_between),
    "is_null": (("field",), _read_unknown),
    "starts_with": (
        ("operand", "prefix"),
        lambda stored, level: StartsWith(_read(stored["operand"], level), stored["prefix"]),
    ),
}


def _refuse(_: Node, reason: str, advice: str) -> NoReturn:
    raise PredicateError(reason, advice)
