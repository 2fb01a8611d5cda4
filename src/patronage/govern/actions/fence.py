"""A person puts a customer within the fence, takes them out, or lets their value decide again."""

from __future__ import annotations

from datetime import datetime

import polars as pl
from django.utils.translation import gettext as _

from patronage.access import audit
from patronage.access.company import current
from patronage.access.roles import Actor, Right
from patronage.access.transactions import atomic
from patronage.govern import fence, memberships
from patronage.govern.actions.conditions import stated
from patronage.govern.errors import CannotFence
from patronage.govern.models import Standing
from patronage.identify.in_sight import require_customer


def set_fence(
    *, actor: Actor, now: datetime, customer_id: str, inside: bool | None, reason: str
) -> Standing:
    """Say whether a customer is within the fence, from now on; decisions follow at once.

    Args:
        inside: None lets value decide again, from the next assignment on; until then they stay.

    Raises:
        NotFound: there is no such customer in the actor's scope.
        NoReason: no reason is given.
        CannotFence: the portfolio has no fence, all its places are taken, or it is so already.
    """
    actor.require(Right.SET_SERVICE)
    why = stated(reason)
    with atomic():
        memberships.take_turns_moving()
        customer = require_customer(actor, customer_id, now)
        standing = Standing.objects.select_related("portfolio").get(customer=customer)
        said = fence.by_hand(customer_id).get(customer_id)
        _check(standing, inside, said)
        was, is_in = standing.fenced, standing.fenced if inside is None else inside
        changed = pl.DataFrame(
            {
                "customer_id": [customer_id],
                "portfolio_id": [standing.portfolio_id],
                "value_minor": [standing.value_minor],
                "inside": [is_in],
            }
        )
        fence.write(
            actor=actor,
            now=now,
            changed=changed,
            causes=["release" if inside is None else "hand"],
            by_hand=inside is not None,
            reason=why,
        )
        audit.record(
            actor=actor,
            now=now,
            action="set the fence",
            subject_kind="customer",
            subject_id=customer_id,
            right=Right.SET_SERVICE,
            reason=why,
            before={"inside": was, "by_hand": said is not None},
            change={"inside": is_in, "by_hand": inside is not None},
        )
        standing.fenced = is_in
    return standing


def _check(standing: Standing, inside: bool | None, said: bool | None) -> None:
    name = standing.portfolio.name
    if inside is None and said is None:
        raise CannotFence(
            _("The value of %(label)s decides already whether they are inside.")
            % {"label": standing.label}
        )
    if inside is not None and said == inside:
        raise CannotFence(
            (
                _("A person said already that %(label)s is inside.")
                if inside
                else _("A person said already that %(label)s is outside.")
            )
            % {"label": standing.label}
        )
    if not inside or standing.fenced:
        return
    capacity = fence.capacities(current().company).get(standing.portfolio_id)
    if capacity is None:
        raise CannotFence(
            _("The portfolio %(name)r has no fence. Declare its fence_capacity in company.toml.")
            % {"name": name}
        )
    taken = Standing.objects.filter(portfolio_id=standing.portfolio_id, fenced=True).count()
    if taken >= capacity:
        raise CannotFence(
            _(
                "All %(capacity)s places within the fence of %(name)r are taken. Take somebody "
                "out first, or raise its fence_capacity in company.toml."
            )
            % {"capacity": capacity, "name": name}
        )
