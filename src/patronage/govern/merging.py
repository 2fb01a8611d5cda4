"""What becomes of portfolios when two customers become one, or are parted again?

A room of its own because claims, memberships and today's standing change together. The absorbed
customer's memberships stay as they are; only their standing of today is set aside.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import F, Window
from django.db.models.functions import RowNumber

from patronage.access.models import User
from patronage.access.ports import CustomersMerged, CustomersUnmerged
from patronage.access.roles import Actor
from patronage.govern import memberships
from patronage.govern.conflicts import deadline_of
from patronage.govern.models import (
    Accountability,
    Claim,
    Conflict,
    Membership,
    Standing,
    StandingAside,
)
from patronage.govern.suggesting import OWNERSHIP
from patronage.identify.models import Customer

_KEPT_FIELDS = [
    field.attname
    for field in Standing._meta.concrete_fields
    if field.attname not in ("customer_id", "portfolio_id")
]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Held:
    portfolio_id: str
    since: datetime
    #: nobody chose the portfolio: customers enter there
    by_entry: bool


def become_one(event: CustomersMerged) -> None:
    """Set the absorbed aside; over two portfolios the older membership stands until it is ruled on.

    Where one of the two was in a portfolio only because customers enter there, nobody claims them:
    the other membership stands and no conflict opens. Visitors who are adopted bring no claim.
    """
    memberships.take_turns_moving()
    held = _held([each for _, kept, absorbed in event.pairs for each in (kept, absorbed)])
    for merge_id, kept, absorbed in event.pairs:
        mine, theirs = held.get(kept), held.get(absorbed)
        if mine is None or theirs is None or mine.portfolio_id == theirs.portfolio_id:
            continue
        if event.adopted or theirs.by_entry:
            continue
        if (mine.by_entry or theirs.since < mine.since) and mine.since < event.now:
            _move(kept, theirs.portfolio_id, "merge", f"{merge_id}: {event.reason}", event)
            held[kept] = _Held(portfolio_id=theirs.portfolio_id, since=theirs.since, by_entry=False)
        if not mine.by_entry:
            both = (mine.portfolio_id, theirs.portfolio_id)
            _open_conflict(merge_id, kept, both, event.now)
    _set_aside([absorbed for _, _, absorbed in event.pairs], event.now)


def be_parted(event: CustomersUnmerged) -> None:
    """Let the absorbed stand again, and take back what the merge did to the kept ones."""
    memberships.take_turns_moving()
    _stand_again([absorbed for _, _, absorbed in event.pairs])
    for merge_id, kept, _ in event.pairs:
        _close_conflict(merge_id, event.actor, event.now)
        rows = list(Membership.objects.filter(customer=kept).order_by("-starts_at")[:2])
        if len(rows) == 2 and rows[0].cause == "merge" and rows[0].reason.startswith(merge_id):
            why = f"{merge_id} was undone: {event.reason}"
            _move(kept, rows[1].portfolio_id, "unmerge", why, event)


def _held(customer_ids: Sequence[str]) -> dict[str, _Held]:
    """Where each is now, and since when."""
    place = Window(RowNumber(), partition_by=F("customer"), order_by=F("starts_at").desc())
    rows = Membership.objects.filter(customer__in=set(customer_ids)).annotate(place=place)
    return {
        each.customer_id: _Held(
            portfolio_id=each.portfolio_id, since=each.starts_at, by_entry=each.cause == "entry"
        )
        for each in rows.filter(place=1)
    }


def _move(
    customer_id: str,
    portfolio_id: str,
    cause: str,
    reason: str,
    event: CustomersMerged | CustomersUnmerged,
) -> None:
    memberships.write(
        actor=event.actor,
        now=event.now,
        customer_ids=[customer_id],
        portfolio_ids=portfolio_id,
        starts_at=event.now,
        cause=cause,
        reason=reason[:400],
    )
    memberships.move_standing([customer_id], portfolio_id)


def _open_conflict(
    merge_id: str, customer_id: str, portfolio_ids: Sequence[str], now: datetime
) -> None:
    """Enter a claim for each portfolio in the one conflict about whose the customer is."""
    customer = Customer.objects.get(pk=customer_id)
    conflict = Conflict.objects.filter(
        customer=customer, kind=OWNERSHIP, closed_at__isnull=True
    ).first()
    if conflict is None:
        limits = deadline_of(customer, now)
        conflict = Conflict.objects.create(
            customer=customer,
            kind=OWNERSHIP,
            opened_at=now,
            due_at=limits.due_at,
            ruler=limits.ruler,
            boundary_id=limits.boundary_id,
            merge_id=merge_id,
        )
    elif not conflict.merge_id:
        Conflict.objects.filter(pk=conflict.pk).update(merge_id=merge_id)
    for portfolio_id in portfolio_ids:
        standing = Claim.objects.filter(
            customer=customer, portfolio=portfolio_id, kind="portfolio", ended_at__isnull=True
        )
        if standing.update(conflict=conflict):
            continue
        manager = _manager_of(portfolio_id, now)
        Claim.objects.create(
            customer=customer,
            kind="portfolio",
            portfolio_id=portfolio_id,
            grounds="holds",
            entered=True,
            claimed_by=manager.id,
            claimed_by_name=manager.name,
            claimed_at=now,
            conflict=conflict,
        )


def _close_conflict(merge_id: str, actor: Actor, now: datetime) -> None:
    """End what the merge opened and nobody ruled on; a claim that somebody stated goes on alone."""
    for conflict in Conflict.objects.filter(merge_id=merge_id, closed_at__isnull=True):
        claims = Claim.objects.filter(conflict=conflict, ended_at__isnull=True)
        claims.filter(entered=True).update(
            ended_at=now, end="withdrawn", end_reason="The merge was undone", ended_by=actor.id
        )
        claims.filter(entered=False).update(conflict=None)
        conflict.closed_at = now
        conflict.save(update_fields=["closed_at"])


def _manager_of(portfolio_id: str, now: datetime) -> User:
    started = Accountability.objects.filter(portfolio=portfolio_id, starts_at__lte=now)
    manager: User = started.latest("starts_at").manager
    return manager


def _set_aside(customer_ids: Sequence[str], now: datetime) -> None:
    """Take the absorbed out of every list and scope, keeping how they stood."""
    rows = Standing.objects.filter(pk__in=customer_ids)
    StandingAside.objects.bulk_create(
        StandingAside(
            customer_id=each.customer_id,
            columns={name: _plain(getattr(each, name)) for name in _KEPT_FIELDS},
            set_aside_at=now,
        )
        for each in rows
    )
    rows.delete()


def _stand_again(customer_ids: Sequence[str]) -> None:
    aside = StandingAside.objects.filter(pk__in=customer_ids)
    held = _held(customer_ids)
    rows = []
    for each in aside:
        columns = {name: _read(name, value) for name, value in each.columns.items()}
        columns |= {"portfolio_id": held[each.customer_id].portfolio_id}
        rows.append(Standing(customer_id=each.customer_id, **columns))
    Standing.objects.bulk_create(rows)
    aside.delete()


def _read(name: str, value: Any) -> Any:
    field: Any = Standing._meta.get_field(name)
    return field.to_python(value)


def _plain(value: Any) -> Any:
    return value.isoformat() if hasattr(value, "isoformat") else value
