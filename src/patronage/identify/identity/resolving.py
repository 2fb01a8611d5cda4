"""Find or make the customer of many bundles of names at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Final

from patronage.access.roles import Actor, Right
from patronage.access.transactions import atomic, take_turns
from patronage.access.vault import digests_of
from patronage.identify import bulk
from patronage.identify.identity.bundles import ADOPT, MERGE, Bundle, LeftOut, Resolution
from patronage.identify.identity.deciding import Decided, decide
from patronage.identify.identity.entering import enter
from patronage.identify.identity.kinds import kinds_in_force
from patronage.identify.identity.known import Key, look_up
from patronage.identify.identity.merging import ADOPTED, NAMED, Pair, merge_all
from patronage.identify.identity.normal import normal
from patronage.identify.models import Identifier
from patronage.vocabulary.identifiers import IdentifierKind
from patronage.vocabulary.ids import IdPrefix, new_id

#: what follows from a bundle that names two → cause and reason of the merge
_CAUSES: Final = (
    (ADOPT, ADOPTED, "The visitor said who they are"),
    (MERGE, NAMED, "Names that came together stand for both"),
)


def resolve(
    *,
    actor: Actor,
    now: datetime,
    bundles: Sequence[Bundle],
    right: Right = Right.IMPORT,
    create: bool = True,
) -> Resolution:
    """Say who each bundle of names is; make and announce customers for whom nobody is known.

    Names that a bundle adds to what was known of its customer are recorded. The number of
    statements does not grow with the number of bundles; those that are alike count once.

    Args:
        bundles: in the order in which they happened; what one decides, the next one knows.
        right: that lets the actor do so, as the audit log will say.
        create: False: only look; nobody is made, and nothing is written.

    Raises:
        NotAllowed: the actor has not the right.
    """
    actor.require(right)
    kinds = dict(kinds_in_force())
    for name in {name for bundle in bundles for name, _ in bundle.names}:
        kinds.setdefault(name, IdentifierKind(name=name))
    rank = {name: place for place, name in enumerate(sorted(kinds, key=lambda n: -kinds[n].trust))}
    alike: dict[tuple[tuple[str, str], ...], list[int]] = {}
    for index, bundle in enumerate(bundles):
        alike.setdefault(bundle.names, []).append(index)
    firsts = [indexes[0] for indexes in alike.values()]
    read, unusable = _read([bundles[each] for each in firsts], kinds)
    ordered = [sorted(set(names), key=lambda key: (rank[key[0]], key[1])) for names in read]
    decided = _decided(
        actor=actor,
        now=now,
        at=[bundles[each].at for each in firsts],
        names=ordered,
        kinds=kinds,
        right=right,
        create=create,
    )
    return _said(decided, unusable, list(alike.values()), len(bundles))


def _read(
    bundles: Sequence[Bundle], kinds: dict[str, IdentifierKind]
) -> tuple[list[list[Key]], list[LeftOut]]:
    """Write every name in its one way; personal ones become digests."""
    read: list[list[Key]] = []
    unusable: list[LeftOut] = []
    personal: dict[Key, None] = {}
    for index, bundle in enumerate(bundles):
        names: list[Key] = []
        for name, value in bundle.names:
            written, why = normal(kinds[name], value)
            if written is None:
                unusable.append(LeftOut(bundle=index, kind=name, why=why))
                continue
            names.append((name, written))
            if kinds[name].personal:
                personal[name, written] = None
        read.append(names)
    digests = dict(zip(personal, digests_of(list(personal)), strict=True))
    hidden = [[(key[0], digests.get(key, key[1])) for key in names] for names in read]
    return hidden, unusable


def _decided(
    *,
    actor: Actor,
    now: datetime,
    at: Sequence[datetime],
    names: Sequence[Sequence[Key]],
    kinds: dict[str, IdentifierKind],
    right: Right,
    create: bool,
) -> Decided:
    """Decide by what is known; where something is to be written, decide again in turn."""
    keys = dict.fromkeys(key for some in names for key in some)
    draw = partial(new_id, IdPrefix.CUSTOMER) if create else None
    decided = decide(names, kinds, look_up(keys, kinds), draw)
    if not decided.changes:
        return decided
    with atomic():
        take_turns("identity")
        decided = decide(names, kinds, look_up(keys, kinds), draw)
        entered = [min(at[index], now) for index in decided.created.values()]
        enter(
            actor=actor,
            now=now,
            customer_ids=list(decided.created),
            entered_at=entered,
            right=right,
        )
        columns = list(zip(*decided.names, strict=True)) or [(), (), (), ()]
        bulk.insert(
            Identifier,
            {
                "customer": columns[0],
                "kind": columns[1],
                "value": columns[2],
                "personal": [kinds[name].personal for name in columns[1]],
                "place": columns[3],
                "recorded_at": [now] * len(columns[0]),
            },
        )
        _merge(decided, actor, now, right)
    return decided


def _merge(decided: Decided, actor: Actor, now: datetime, right: Right) -> None:
    """Let visitors be adopted, and make one of those whom names prove to be one."""
    for then, cause, reason in _CAUSES:
        pairs = [
            Pair(kept_id=two.customer_id, absorbed_id=two.other_id, evidence={"kind": two.kind})
            for two in decided.two
            if two.then == then
        ]
        if pairs:
            merge_all(actor=actor, now=now, pairs=pairs, cause=cause, reason=reason, right=right)


def _said(
    decided: Decided, unusable: Sequence[LeftOut], alike: Sequence[list[int]], count: int
) -> Resolution:
    """Say it of every bundle: what was decided of one holds of those that are alike."""
    customer_ids: list[str | None] = [None] * count
    came_as: list[str | None] = [None] * count
    for indexes, *ids in zip(alike, decided.customer_ids, decided.came_as, strict=True):
        for index in indexes:
            customer_ids[index], came_as[index] = ids
    return Resolution(
        customer_ids=customer_ids,
        came_as=came_as,
        created=frozenset(decided.created),
        unnamed={index: why for first, why in decided.unnamed.items() for index in alike[first]},
        left_out=[
            LeftOut(bundle=index, kind=each.kind, why=each.why)
            for each in (*unusable, *decided.left_out)
            for index in alike[each.bundle]
        ],
        two=[replace(each, bundle=alike[each.bundle][0]) for each in decided.two],
    )
