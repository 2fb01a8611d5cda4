"""What is known of some names: whom each stands for, and what else those customers are called."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from patronage.identify import merged
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
    #: the ids under which a name stands, as recorded; absorbed ones included
    recorded: dict[Key, list[str]] = field(default_factory=dict)
    #: absorbed customer → whom they are now
    became: dict[str, str] = field(default_factory=dict)
    #: customer → the names in `holders` that stand for them
    names: dict[str, set[Key]] = field(default_factory=dict)

    def came_as(self, names: Sequence[Key], customer_id: str) -> str:
        """The id under which the most trusted name that stands for the customer is recorded."""
        ids = (each for key in names for each in self.recorded.get(key, ()))
        mine = (each for each in ids if self.became.get(each, each) == customer_id)
        return next(mine, customer_id)

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
        self.recorded.setdefault(key, []).append(customer_id)
        self.names.setdefault(customer_id, set()).add(key)
        taken = self.places.setdefault(key, set())
        place = next(number for number in range(len(taken) + 1) if number not in taken)
        taken.add(place)
        if not kind.anonymous:
            self.values.setdefault(customer_id, {}).setdefault(kind.name, set()).add(value)
        return place

    def join(self, kept: str, absorbed: str) -> None:
        """From here on what stood for the absorbed customer stands for the kept one."""
        self.became = {
            each: kept if now == absorbed else now for each, now in self.became.items()
        } | {absorbed: kept}
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
                known.recorded.setdefault((kind, value), []).append(customer_id)
                known.places.setdefault((kind, value), set()).add(place)
    recorded = {each for ids in known.recorded.values() for each in ids}
    known.became = merged.ends_of(recorded)
    for key, ids in known.recorded.items():
        known.holders[key] = list(dict.fromkeys(known.became.get(each, each) for each in ids))
        for customer_id in known.holders[key]:
            known.names.setdefault(customer_id, set()).add(key)
    _read_values(known, {known.became.get(each, each) for each in recorded}, kinds)
    return known


def _read_values(known: Known, customer_ids: set[str], kinds: Mapping[str, IdentifierKind]) -> None:
    """Read what these customers, and whom they absorbed, are called by names of persons."""
    anonymous = [kind.name for kind in kinds.values() if kind.anonymous]
    parts = merged.parts_of(sorted(customer_ids))
    known.became |= merged.ends_of(set(parts) - customer_ids)
    for some in _lots(parts):
        others = Identifier.objects.filter(customer_id__in=some).exclude(kind__in=anonymous)
        for customer_id, kind, value in others.values_list("customer_id", "kind", "value"):
            now = known.became.get(customer_id, customer_id)
            known.values.setdefault(now, {}).setdefault(kind, set()).add(value)


def _lots(items: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(items), _AT_ONCE):
        yield items[start : start + _AT_ONCE]
