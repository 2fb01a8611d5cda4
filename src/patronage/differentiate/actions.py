"""What someone may record: needs, objectives that a person sets, and what the ledger says."""

from __future__ import annotations

from datetime import date, datetime

from patronage.access import vault
from patronage.access.audit import record
from patronage.access.company import current
from patronage.access.errors import NotFound
from patronage.access.ports import ObjectiveChanged, objective_changed
from patronage.access.roles import Actor, Right
from patronage.access.transactions import atomic, take_turns
from patronage.differentiate import overrides
from patronage.differentiate.errors import (
    NeedClosed,
    NoOverride,
    OverrideOver,
    ReasonMissing,
    UnknownNeed,
    UnknownObjective,
    UnusableControlTotal,
)
from patronage.differentiate.models import (
    MEASURES,
    OBJECTIVES,
    ControlTotal,
    LatestValuation,
    Need,
    ObjectiveOverride,
)
from patronage.identify.in_sight import customers_in_sight, require_customer


def record_need(
    *,
    actor: Actor,
    now: datetime,
    customer_id: str,
    name: str,
    channel: str,
    note: str = "",
) -> Need:
    """Record a need that a customer expressed; the note, word for word, goes to the vault.

    Args:
        name: a need of the company's taxonomy.
        channel: where it was said, such as "call".
        note: what was said; may be personal, so that it is kept encrypted only.

    Raises:
        NotFound: there is no such customer in the actor's scope.
        UnknownNeed: the need is not in the taxonomy.
    """
    actor.require(Right.RECORD_NEED)
    known = [need.name for need in current().company.needs]
    if name not in known:
        raise UnknownNeed(name=name, known=known)
    with atomic():
        require_customer(actor, customer_id, now)
        need = Need.objects.create(
            customer_id=customer_id,
            name=name,
            channel=channel,
            said_at=now,
            has_note=bool(note),
            recorded_by=actor.id,
            recorded_at=now,
        )
        if note:
            vault.put(customer_id, note_name(need.id), note, now)
        record(
            actor=actor,
            now=now,
            action="record need",
            subject_kind="customer",
            subject_id=customer_id,
            right=Right.RECORD_NEED,
            change={"need": need.id, "name": name, "channel": channel, "has_note": bool(note)},
        )
    return need


def close_need(*, actor: Actor, now: datetime, need_id: str, status: str, reason: str) -> Need:
    """Close an open need as "fulfilled" or "dropped".

    Raises:
        NotFound: there is no such need of a customer in the actor's scope.
        NeedClosed: somebody closed it before.
    """
    actor.require(Right.RECORD_NEED)
    if status not in ("fulfilled", "dropped"):
        raise ValueError(f"a need is closed as fulfilled or dropped, found {status!r}")
    with atomic():
        need = Need.objects.select_for_update().filter(id=need_id).first()
        seen = customers_in_sight(actor, now)
        if need is None or not seen.filter(pk=need.customer_id).exists():
            raise NotFound(noun="need", id=need_id)
        if need.status != "open":
            raise NeedClosed(need_id=need_id, status=need.status)
        need.status, need.closed_at, need.closed_reason = status, now, reason
        need.save(update_fields=["status", "closed_at", "closed_reason"])
        record(
            actor=actor,
            now=now,
            action="close need",
            subject_kind="customer",
            subject_id=need.customer_id,
            right=Right.RECORD_NEED,
            reason=reason,
            change={"need": need.id, "status": status},
        )
    return need


def override_objective(
    *,
    actor: Actor,
    now: datetime,
    customer_id: str,
    objective: str,
    reason: str,
    until: date | None = None,
) -> ObjectiveOverride:
    """Set a customer's objective above the rules, until a business date or until it is revoked.

    An override that stands is superseded. Lists and rules follow at once.

    Args:
        until: the last date on which it stands; None: until somebody revokes it.

    Raises:
        NotFound: there is no such customer in the actor's scope.
        UnknownObjective, ReasonMissing, OverrideOver: what is asked cannot be.
    """
    actor.require(Right.SET_OBJECTIVE)
    if objective not in OBJECTIVES:
        raise UnknownObjective(objective=objective, known=OBJECTIVES)
    if not reason.strip():
        raise ReasonMissing(what="An objective set by a person")
    today = overrides.business_date(now)
    if until is not None and until < today:
        raise OverrideOver(until=until, today=today)
    with atomic():
        take_turns("objectives")
        require_customer(actor, customer_id, now)
        _end_override(actor, now, customer_id, "superseded")
        override = ObjectiveOverride.objects.create(
            customer_id=customer_id,
            objective=objective,
            reason=reason.strip(),
            since=today,
            until=until,
            set_by=actor.id,
            set_at=now,
        )
        _show_objective(customer_id, now)
        record(
            actor=actor,
            now=now,
            action="set objective",
            subject_kind="customer",
            subject_id=customer_id,
            right=Right.SET_OBJECTIVE,
            reason=reason,
            change={
                "override": override.id,
                "objective": objective,
                "until": until.isoformat() if until else None,
            },
        )
    return override


def revoke_override(*, actor: Actor, now: datetime, customer_id: str, reason: str) -> None:
    """Let the rules' objective be in force again.

    Raises:
        NotFound: there is no such customer in the actor's scope.
        ReasonMissing: no reason is given.
        NoOverride: none stands.
    """
    actor.require(Right.SET_OBJECTIVE)
    if not reason.strip():
        raise ReasonMissing(what="Revoking an objective set by a person")
    with atomic():
        take_turns("objectives")
        require_customer(actor, customer_id, now)
        if not _end_override(actor, now, customer_id, reason.strip()):
            raise NoOverride(customer_id=customer_id)
        _show_objective(customer_id, now)
        record(
            actor=actor,
            now=now,
            action="revoke objective",
            subject_kind="customer",
            subject_id=customer_id,
            right=Right.SET_OBJECTIVE,
            reason=reason,
            change={},
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


def note_name(need_id: str) -> str:
    """Name of the vault's value that holds what was said about a need."""
    return f"note:{need_id}"


def _end_override(actor: Actor, now: datetime, customer_id: str, reason: str) -> bool:
    """End the override on record; return whether it still stood."""
    stood = overrides.standing(now).filter(customer_id=customer_id).exists()
    ObjectiveOverride.objects.filter(customer_id=customer_id, revoked_at__isnull=True).update(
        revoked_at=now, revoked_by=actor.id, revoked_reason=reason
    )
    return stood


def _show_objective(customer_id: str, now: datetime) -> None:
    """Bring what lists and rules read of the customer's objective up to date."""
    rows = LatestValuation.objects.filter(customer_id=customer_id)
    overrides.apply(rows, now)
    valued = rows.first()
    if valued is not None:
        objective_changed.announce(
            ObjectiveChanged(customer_id=customer_id, objective=valued.objective)
        )
