"""What someone may do about a customer's objective: set it above the rules, or revoke that."""

from __future__ import annotations

from datetime import date, datetime

from patronage.access.audit import record
from patronage.access.ports import ObjectiveChanged, objective_changed
from patronage.access.roles import Actor, Right
from patronage.access.transactions import atomic, take_turns
from patronage.differentiate import overrides
from patronage.differentiate.errors import (
    NoOverride,
    OverrideOver,
    ReasonMissing,
    UnknownObjective,
)
from patronage.differentiate.models import (
    OBJECTIVES,
    LatestValuation,
    ObjectiveOverride,
)
from patronage.identify.in_sight import require_customer


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
        before = _in_force(customer_id, now)
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
            before=before,
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
        before = _in_force(customer_id, now)
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
            before=before,
            change=_in_force(customer_id, now),
        )


def _in_force(customer_id: str, now: datetime) -> dict[str, str | None]:
    """The objective in force for the audit log, with the override that stands, if one does."""
    word = overrides.standing(now).filter(customer_id=customer_id).first()
    if word is not None:
        until = word.until.isoformat() if word.until else None
        return {"override": word.id, "objective": word.objective, "until": until}
    latest = LatestValuation.objects.filter(customer_id=customer_id).first()
    return {} if latest is None else {"objective": latest.rule_objective}


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
