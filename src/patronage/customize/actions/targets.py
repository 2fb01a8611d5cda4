"""What a product team means to sell in a quarter: its own matter, which decides nothing."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from django.utils.translation import gettext as _

from patronage.access import audit
from patronage.access.company import current
from patronage.access.errors import NotFound, Refused
from patronage.access.roles import Actor, Right
from patronage.access.transactions import atomic, take_turns
from patronage.customize.actions.offers import own_teams
from patronage.customize.models import SalesTarget
from patronage.customize.periods import quarter_at

#: The most that a target may be, in minor units.
MOST: Final = 10**15


def set_sales_target(*, actor: Actor, now: datetime, team: str, amount_minor: int) -> SalesTarget:
    """Say what a team means to sell this quarter; it stands in place of what was said before.

    No ranking, rule or decision reads it: an offer is chosen for the customer's value alone.

    Raises:
        NotAllowed: the actor proposes no offers.
        NotFound: there is no such team of the actor's.
        Refused: the amount is below zero, or above any sum.
    """
    actor.require(Right.PROPOSE_OFFER)
    if not 0 <= amount_minor <= MOST:
        raise Refused(
            _("A target is from 0 to %(most)s minor units; found %(amount_minor)s.")
            % {"most": MOST, "amount_minor": amount_minor}
        )
    company = current().company
    with atomic():
        take_turns("offers")
        found = own_teams(actor).filter(name=team).first()
        if found is None:
            raise NotFound(noun="product team", id=team[:100])
        period = str(quarter_at(company, now))
        before = SalesTarget.objects.filter(team=found, period=period).last()
        target = SalesTarget.objects.create(
            team=found,
            period=period,
            amount_minor=amount_minor,
            currency=company.currency,
            recorded_at=now,
            actor_id=actor.id,
        )
        audit.record(
            actor=actor,
            now=now,
            action="set sales target",
            subject_kind="product team",
            subject_id=found.id,
            right=Right.PROPOSE_OFFER,
            before={} if before is None else {"amount_minor": before.amount_minor},
            change={"period": period, "amount_minor": amount_minor},
        )
    return target
