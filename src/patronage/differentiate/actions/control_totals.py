"""What someone may record of the ledger."""

from __future__ import annotations

from datetime import date, datetime

from patronage.access.audit import record
from patronage.access.company import current
from patronage.access.roles import Actor, Right
from patronage.access.transactions import atomic
from patronage.differentiate import overrides
from patronage.differentiate.errors import (
    UnusableControlTotal,
)
from patronage.differentiate.models import (
    MEASURES,
    ControlTotal,
)


def record_control_total(
    *,
    actor: Actor,
    now: datetime,
    first_day: date,
    last_day: date,
    measure: str,
    amount_minor: int,
    source: str,
) -> ControlTotal:
    """Record what the ledger states for a period, for the reconciliation to compare with.

    A later figure for the same period and measure is the one that counts; earlier ones stay.

    Args:
        measure: one of `MEASURES`; returns are zero or below, costs zero or above, as in the
            profit and loss.
        amount_minor: minor units of the company's currency.
        source: where the figure comes from, such as the ledger's name and its closing's date.

    Raises:
        UnusableControlTotal: the measure is unknown, the period runs backwards or is not over, or
            no source is named.
    """
    actor.require(Right.RECORD_CONTROL_TOTAL)
    _require_usable(now, first_day, last_day, measure, source)
    with atomic():
        stated = ControlTotal.objects.filter(
            first_day=first_day, last_day=last_day, measure=measure
        )
        last = stated.order_by("-recorded_at", "-id").first()
        total = ControlTotal.objects.create(
            first_day=first_day,
            last_day=last_day,
            measure=measure,
            amount_minor=amount_minor,
            currency=current().company.currency,
            source=source.strip(),
            recorded_by=actor.id,
            recorded_at=now,
        )
        record(
            actor=actor,
            now=now,
            action="record control total",
            subject_kind="control total",
            subject_id=total.id,
            right=Right.RECORD_CONTROL_TOTAL,
            before={} if last is None else {"amount_minor": last.amount_minor},
            change={
                "first_day": first_day.isoformat(),
                "last_day": last_day.isoformat(),
                "measure": measure,
                "amount_minor": amount_minor,
            },
        )
    return total


def _require_usable(
    now: datetime, first_day: date, last_day: date, measure: str, source: str
) -> None:
    if measure not in MEASURES:
        raise UnusableControlTotal(
            why=f"{measure!r} is none of the measures ({', '.join(MEASURES)}). Pick one of them."
        )
    if first_day > last_day:
        raise UnusableControlTotal(
            why=f"its period runs from {first_day} back to {last_day}. Swap the dates."
        )
    if last_day >= overrides.business_date(now):
        raise UnusableControlTotal(why=f"{last_day} is not over yet. State a period that is.")
    if not source.strip():
        raise UnusableControlTotal(why="it names no source. Say which ledger it comes from.")
