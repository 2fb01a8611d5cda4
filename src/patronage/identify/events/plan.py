"""What may sources send? Reads a tracking plan and judges events by it; keeps nothing.

A plan is TOML or JSON. Each event it names has properties; each property has a type, may be
required, and is personal unless the plan says that it is not. What the plan does not declare is
kept sealed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from patronage.access.texts import is_encodable
from patronage.identify.events.envelope import Arrived
from patronage.identify.events.errors import PlanError
from patronage.identify.models import EVENT_TYPES
from patronage.vocabulary.money import currency_decimals

MEANINGS: Final = {"order": "sale", "return": "return"}
_LONGEST_NAME: Final = 200
_LONGEST_TEXT: Final = 400
_MOST_EVENTS: Final = 1_000
_MOST_PROPERTIES: Final = 500
_BIGGEST: Final = 2**53


@dataclass(frozen=True, slots=True, kw_only=True)
class Property:
    """What an event may say under one name."""

    name: str
    #: text, integer, number, boolean, instant, list or object
    type: str
    required: bool = False
    #: sealed with the event; what is not personal stands in the open
    personal: bool = True
    #: the only texts allowed; empty allows all
    values: frozenset[str] = frozenset()
    #: kind of identifier that it is of the customer; empty for none
    identifies: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderWords:
    """Under which names an event tells an order."""

    #: sale or return
    kind: str
    order_id: str
    #: list of lines; empty where the event is the one line
    lines: str
    product: str
    quantity: str
    #: amount of the whole line in major units; else price times quantity
    amount: str
    price: str
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EventKind:
    """One event that the plan names."""

    name: str
    description: str
    properties: tuple[Property, ...]
    order: OrderWords | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What sources may send."""

    #: number of its version; 0 where none was ever published
    number: int
    #: by name: tracked events, and identify, page, screen and group where it says more of them
    events: Mapping[str, EventKind]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of an order."""

    order_id: str
    line_number: int
    product_id: str
    quantity: float
    amount_minor: int
    currency: str
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Fits:
    """What is kept of an event that fits."""

    properties: Mapping[str, Any]
    lines: tuple[Line, ...] = ()
    #: (kind of identifier, value) that it says beside those it came under
    names: tuple[tuple[str, str], ...] = ()


NOTHING: Final = Plan(number=0, events={})


def plan_of(content: Mapping[str, Any], number: int = 0) -> Plan:
    """Read a plan.

    Raises:
        PlanError: it says something that cannot be used; names where.
    """
    _known_keys(content, {"events"}, "the plan")
    events = _table(content.get("events", {}), "events")
    if len(events) > _MOST_EVENTS:
        raise PlanError(at="events", found=f"{len(events)} events", mend="Name at most 1,000.")
    return Plan(number=number, events={name: _event(name, said) for name, said in events.items()})


def judged(plan: Plan, event: Arrived, currency: str) -> Fits | str:
    """Say what is kept of an event, or why it does not fit: words that hold nothing of it.

    Args:
        currency: the company's own; an order in another one does not fit.
    """
    kind = plan.events.get(event.name)
    if kind is None:
        if event.type != "track":
            return _NOTHING_OPEN
        return "no event of this name is in the plan" if plan.number else "no plan is published"
    said, kept, names = event.properties, {}, []
    for each in kind.properties:
        value = said.get(each.name)
        if value is None:
            if each.required:
                return f"{each.name} is missing"
            continue
        if not _CHECKS[each.type](value):
            return f"{each.name} is no {each.type}"
        if each.values and value not in each.values:
            return f"{each.name} is none of the values that the plan names"
        if not each.personal:
            kept[each.name] = value
        if each.identifies:
            names.append((each.identifies, str(value)))
    lines = _lines(kind.order, said, currency) if kind.order else ()
    if isinstance(lines, str):
        return lines
    return Fits(properties=kept, lines=lines, names=tuple(names))


_NOTHING_OPEN: Final = Fits(properties={})


def _lines(words: OrderWords, said: Mapping[str, Any], currency: str) -> tuple[Line, ...] | str:
    order_id = said.get(words.order_id)
    if isinstance(order_id, bool) or not isinstance(order_id, str | int):
        return f"{words.order_id} names no order"
    order_id = str(order_id)
    if not _is_short(order_id):
        return f"{words.order_id} has more than {_LONGEST_NAME} characters or none"
    stated = said.get(words.currency) if words.currency else None
    if stated is not None and stated != currency:
        return f"{words.currency} is not {currency}, in which the company keeps its books"
    items = said.get(words.lines) if words.lines else [said]
    if not isinstance(items, list) or not 1 <= len(items) <= _MOST_EVENTS:
        return f"{words.lines} is no list of 1 to {_MOST_EVENTS:,} lines"
    lines = []
    for number, item in enumerate(items, 1):
        line = _line(words, order_id, number, item, currency)
        if isinstance(line, str):
            return f"line {number}: {line}"
        lines.append(line)
    return tuple(lines)


def _line(words: OrderWords, order_id: str, number: int, item: Any, currency: str) -> Line | str:
    if not isinstance(item, dict):
        return "it is no object"
    product = item.get(words.product)
    named = isinstance(product, str | int) and not isinstance(product, bool)
    if not named or not _is_short(str(product)):
        return f"{words.product} names no product"
    quantity = item.get(words.quantity, 1) if words.quantity else 1
    if not _is_number(quantity) or not 0 < abs(quantity) <= _BIGGEST:
        return f"{words.quantity} is no quantity"
    given = item.get(words.amount or words.price)
    if not _is_number(given) and not isinstance(given, str):
        return f"{words.amount or words.price} is no amount"
    try:
        amount = Decimal(str(given)) * (1 if words.amount else abs(Decimal(str(quantity))))
        minor = int((amount.scaleb(currency_decimals(currency))).to_integral_value("ROUND_HALF_UP"))
    except (InvalidOperation, ValueError, OverflowError):
        return f"{words.amount or words.price} is no amount"
    if abs(minor) > _BIGGEST:
        return f"{words.amount or words.price} is too large"
    sign = -1 if words.kind == "return" else 1
    return Line(
        order_id=order_id,
        line_number=number,
        product_id=str(product),
        quantity=sign * abs(float(quantity)),
        amount_minor=sign * abs(minor),
        currency=currency,
        kind=words.kind,
    )


def _is_short(text: str) -> bool:
    return 1 <= len(text) <= _LONGEST_NAME


def _is_number(value: Any) -> bool:
    return (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and math.isfinite(value)
        and abs(value) <= _BIGGEST
    )


def _is_instant(value: Any) -> bool:
    try:
        return isinstance(value, str) and bool(datetime.fromisoformat(value))
    except ValueError:
        return False


_CHECKS: Final[Mapping[str, Callable[[Any], bool]]] = {
    "text": lambda value: isinstance(value, str) and len(value) <= _LONGEST_TEXT,
    "integer": lambda value: type(value) is int and abs(value) <= _BIGGEST,
    "number": _is_number,
    "boolean": lambda value: isinstance(value, bool),
    "instant": _is_instant,
    "list": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
}
TYPES_OF_PROPERTIES: Final = tuple(_CHECKS)


def _event(name: str, said: Any) -> EventKind:
    at = f"events.{name}"
    if not 1 <= len(name) <= _LONGEST_NAME or "\0" in name or not is_encodable(name):
        raise PlanError(at=at, found="no name", mend="Name it in 1 to 200 characters.")
    table = _table(said, at)
    _known_keys(table, {"description", "properties", "means", "order"}, at)
    properties = _table(table.get("properties", {}), f"{at}.properties")
    if len(properties) > _MOST_PROPERTIES:
        raise PlanError(at=at, found=f"{len(properties)} properties", mend="Name at most 500.")
    kinds = {each: _property(each, what, f"{at}.{each}") for each, what in properties.items()}
    means = table.get("means")
    if means is not None and means not in MEANINGS:
        raise PlanError(at=at, found=f"means {means!r}", mend='Write "order" or "return".')
    if means is not None and name in EVENT_TYPES:
        raise PlanError(at=at, found="an order", mend="Orders are tracked events; name one.")
    return EventKind(
        name=name,
        description=_text(table.get("description", ""), f"{at}.description"),
        properties=tuple(kinds.values()),
        order=None if means is None else _order(MEANINGS[means], table.get("order", {}), at),
    )


def _property(name: str, said: Any, at: str) -> Property:
    table = _table(said, at)
    _known_keys(table, {"type", "required", "personal", "values", "identifies", "description"}, at)
    type_, personal = table.get("type"), table.get("personal", True)
    if not isinstance(type_, str) or type_ not in _CHECKS:
        known = ", ".join(_CHECKS)
        raise PlanError(at=at, found=f"type {type_!r}", mend=f"Use one of {known}.")
    for flag in ("required", "personal"):
        if not isinstance(table.get(flag, False), bool):
            raise PlanError(at=at, found=f"{flag} is no boolean", mend="Write true or false.")
    if not personal and type_ in ("list", "object"):
        mend = "Declare texts, numbers, booleans and instants only as not personal."
        raise PlanError(at=at, found=f"a {type_} that is not personal", mend=mend)
    values = table.get("values", [])
    if not isinstance(values, list) or not all(isinstance(each, str) for each in values):
        raise PlanError(at=at, found="values", mend="List the allowed texts.")
    if values and type_ != "text":
        raise PlanError(at=at, found=f"values of a {type_}", mend="Only texts have them.")
    return Property(
        name=name,
        type=type_,
        required=table.get("required", False),
        personal=personal,
        values=frozenset(values),
        identifies=_text(table.get("identifies", ""), f"{at}.identifies")[:40],
    )


def _order(kind: str, said: Any, at: str) -> OrderWords:
    at = f"{at}.order"
    table = _table(said, at)
    words = ("order_id", "lines", "product", "quantity", "amount", "price", "currency")
    _known_keys(table, set(words), at)
    texts = {word: _text(table.get(word, ""), f"{at}.{word}") for word in words}
    missing = [word for word in ("order_id", "product") if not texts[word]]
    if missing or bool(texts["amount"]) == bool(texts["price"]):
        mend = "Name order_id, product and either amount (of the line) or price (of one piece)."
        raise PlanError(at=at, found="an order that cannot be read", mend=mend)
    return OrderWords(kind=kind, **texts)


def _table(said: Any, at: str) -> Mapping[str, Any]:
    if not isinstance(said, dict):
        raise PlanError(at=at, found=f"a {type(said).__name__}", mend="Write a table.")
    return said


def _text(said: Any, at: str) -> str:
    if not isinstance(said, str) or len(said) > _LONGEST_TEXT or "\0" in said:
        raise PlanError(at=at, found="no text", mend="Write up to 400 characters.")
    return said


def _known_keys(table: Mapping[str, Any], known: set[str], at: str) -> None:
    unknown = sorted(set(table) - known)
    if unknown:
        mend = f"Use {', '.join(sorted(known))}."
        raise PlanError(at=at, found=f"unknown {', '.join(map(repr, unknown))[:200]}", mend=mend)
