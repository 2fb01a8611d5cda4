"""Whom do the names of a bundle stand for? Pure: it reads what is known and says what to write.

The most trusted name that stands for exactly one customer decides, unless that customer already has
as many values of a more trusted kind as they may: then it is another customer who shares the weaker
name. Names that stand for several customers decide only together, if they have one in common.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from patronage.identify.identity.bundles import ADOPT, ASK, MERGE, LeftOut, NamesTwo
from patronage.identify.identity.known import Key, Known
from patronage.vocabulary.identifiers import IdentifierKind

NO_NAME: Final = "no name"
UNCLEAR: Final = "unclear"
UNKNOWN: Final = "unknown"


@dataclass(slots=True, kw_only=True)
class Decided:
    """What is to be written, and what is to be said of each bundle."""

    customer_ids: list[str | None] = field(default_factory=list)
    #: the id under which each bundle's rows are kept
    came_as: list[str | None] = field(default_factory=list)
    #: new customer → index of the first bundle that names them
    created: dict[str, int] = field(default_factory=dict)
    #: names to record: customer, kind, value, place
    names: list[tuple[str, str, str, int]] = field(default_factory=list)
    unnamed: dict[int, str] = field(default_factory=dict)
    left_out: list[LeftOut] = field(default_factory=list)
    two: list[NamesTwo] = field(default_factory=list)

    @property
    def changes(self) -> bool:
        """Whether anything is to be written."""
        return bool(self.created or self.names or self.two)


def decide(
    bundles: Sequence[Sequence[Key]],
    kinds: Mapping[str, IdentifierKind],
    known: Known,
    new_id: Callable[[], str] | None,
) -> Decided:
    """Go through the bundles in their order; what one decides, the next one knows.

    Args:
        bundles: usable names of each, the most trusted first.
        kinds: every kind that occurs.
        known: what is known of every name that occurs; written on.
        new_id: draws the id of a new customer; None: nobody is made and nothing is written.
    """
    decided = Decided()
    for index, names in enumerate(bundles):
        customer_id = _whom(names, kinds, known)
        if customer_id is None and not names:
            decided.unnamed[index] = NO_NAME
        elif customer_id is None and all(len(known.holders.get(key, ())) > 1 for key in names):
            decided.unnamed[index] = UNCLEAR
        elif customer_id is None and new_id is None:
            decided.unnamed[index] = UNKNOWN
        elif customer_id is None and new_id is not None:
            customer_id = new_id()
            decided.created[customer_id] = index
        decided.customer_ids.append(customer_id)
        found = customer_id is not None
        decided.came_as.append(known.came_as(names, customer_id or "") if found else None)
        if customer_id is not None and new_id is not None:
            for key in names:
                _attach(decided, index, customer_id, key, kinds, known, names)
    decided.customer_ids = [each and known.became.get(each, each) for each in decided.customer_ids]
    return decided


def _whom(names: Sequence[Key], kinds: Mapping[str, IdentifierKind], known: Known) -> str | None:
    several: list[set[str]] = []
    for place, key in enumerate(names):
        holders = known.holders.get(key, ())
        if len(holders) == 1 and _fits(holders[0], names[:place], kinds, known):
            return holders[0]
        if len(holders) > 1:
            several.append(set(holders))
    common = set.intersection(*several) if len(several) > 1 else set()
    return common.pop() if len(common) == 1 else None


def _fits(
    customer_id: str, stronger: Sequence[Key], kinds: Mapping[str, IdentifierKind], known: Known
) -> bool:
    """Whether the customer may have the more trusted names that nobody has yet."""
    return all(
        value in known.values.get(customer_id, {}).get(kind, ())
        or known.room(kinds[kind], customer_id)
        for kind, value in stronger
    )


def _attach(
    decided: Decided,
    index: int,
    customer_id: str,
    key: Key,
    kinds: Mapping[str, IdentifierKind],
    known: Known,
    names: Sequence[Key],
) -> None:
    """Let a name of the bundle stand for its customer too, or say why it does not."""
    kind, holders = kinds[key[0]], known.holders.get(key, ())
    if customer_id in holders:
        return
    if len(holders) == 1:
        two = _two(index, customer_id, holders[0], key, kinds, known, names)
        if two is not None:
            decided.two.append(two)
            if two.then != ASK:
                known.join(customer_id, holders[0])
                return
    if len(holders) >= kind.customers_a_value:
        decided.left_out.append(LeftOut(bundle=index, kind=kind.name, why="taken"))
    elif not known.room(kind, customer_id):
        decided.left_out.append(LeftOut(bundle=index, kind=kind.name, why="full"))
    else:
        place = known.give(kind, key[1], customer_id)
        decided.names.append((customer_id, *key, place))


def _two(
    index: int,
    customer_id: str,
    other_id: str,
    key: Key,
    kinds: Mapping[str, IdentifierKind],
    known: Known,
    names: Sequence[Key],
) -> NamesTwo | None:
    """Say what follows from a name that stands for one other customer; None: nothing."""
    kind = kinds[key[0]]
    if kind.anonymous:
        is_person = any(not kinds[name].anonymous for name, _ in names)
        then = ADOPT if is_person and known.is_visitor(other_id) else ""
    elif kind.customers_a_value > 1 or not _may_be_one(customer_id, other_id, kinds, known):
        then = ""
    else:
        then = MERGE if kind.merges else ASK
    if not then:
        return None
    return NamesTwo(
        bundle=index, customer_id=customer_id, other_id=other_id, kind=kind.name, then=then
    )


def _may_be_one(one: str, other: str, kinds: Mapping[str, IdentifierKind], known: Known) -> bool:
    """Whether the two together would have no more values of a kind than one customer may."""
    mine, theirs = known.values.get(one, {}), known.values.get(other, {})
    limits = {name: kind.values_a_customer for name, kind in kinds.items()}
    return all(
        limit is None or len(mine.get(name, set()) | theirs.get(name, set())) <= limit
        for name, limit in limits.items()
    )
