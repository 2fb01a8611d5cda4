"""What is known of some names: whom each stands for, and what else those customers are called."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from patronage.identify.models import Identifier
from patronage.vocabulary.identifiers import IdentifierKind

#: kind and normal value (of personal kinds its digest)
Key = tuple[str, str]

#: SQLite takes about 32,000 values in one statement.
_AT_ONCE = 10_000


@dataclass(slots=True, kw_only=True)
class Known:
    """A part of the table of identifiers in memory; deciding writes on it as it goes."""

    #: whom a name stands for
    holders: dict[Key, list[str]] = field(default_factory=dict)
    #: the places of a name that are taken
    places: dict[Key, set[int]] = field(default_factory=dict)
    #: customer → kind → values, of kinds that are not anonymous
    values: dict[str, dict[str, set[str]]] = field(default_factory=dict)
    #: customer → the names in `holders` that stand for them
    names: dict[str, set[Key]] = field(default_factory=dict)

    def is_visitor(self, customer_id: str) -> bool:
        """Whether nothing but anonymous names is known of the customer."""
        return not self.values.get(customer_id)

    def room(self, kind: IdentifierKind, customer_id: str) -> bool:
        """Whether the customer may get one more value of the kind."""
        limit = kind.values_a_customer
        return limit is None or len(self.values.get(customer_id, {}).get(kind.name, ())) < limit

    def give(self, kind: IdentifierKind, value: str, customer_id: str) -> int:
        """Let a name stand for one more customer; return the place it takes."""
        key = (kind.name, value)
        self.holders.setdefault(key, []).append(customer_id)
        self.names.setdefault(customer_id, set()).add(key)
        taken = self.places.setdefault(key, set())
        place = next(number for number in range(len(taken) + 1) if number not in taken)
        taken.add(place)
        if not kind.anonymous:
            self.values.setdefault(customer_id, {}).setdefault(kind.name, set()).add(value)
        return place

    def join(self, kept: str, absorbed: str) -> None:
        """From here on what stood for the absorbed customer stands for the kept one."""
        moved = self.names.pop(absorbed, set())
        for key in moved:
            holders = self.holders[key]
            holders[:] = dict.fromkeys(kept if each == absorbed else each for each in holders)
        self.names.setdefault(kept, set()).update(moved)
        mine = self.values.setdefault(kept, {})
        for kind, values in self.values.pop(absorbed, {}).items():
            mine.setdefault(kind, set()).update(values)


def look_up(keys: Iterable[Key], kinds: Mapping[str, IdentifierKind]) -> Known:
    """Read what is known of these names, and of the customers they stand for."""
    known = Known()
    wanted: dict[str, list[str]] = {}
    for kind, value in keys:
        wanted.setdefault(kind, []).append(value)
    live = Identifier.objects.filter(customer__erased_at__isnull=True).order_by("place", "id")
    for kind, values in wanted.items():
        for some in _lots(values):
            rows = live.filter(kind=kind, value__in=some)
            for value, place, customer_id in rows.values_list("value", "place", "customer_id"):
                known.holders.setdefault((kind, value), []).append(customer_id)
                known.places.setdefault((kind, value), set()).add(place)
                known.names.setdefault(customer_id, set()).add((kind, value))
    anonymous = [kind.name for kind in kinds.values() if kind.anonymous]
    customers = {each for holders in known.holders.values() for each in holders}
    for some in _lots(sorted(customers)):
        others = Identifier.objects.filter(customer_id__in=some).exclude(kind__in=anonymous)
        for customer_id, kind, value in others.values_list("customer_id", "kind", "value"):
            known.values.setdefault(customer_id, {}).setdefault(kind, set()).add(value)
    return known


def _lots(items: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(items), _AT_ONCE):
        yield items[start : start + _AT_ONCE]
