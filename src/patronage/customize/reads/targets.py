"""What do my teams mean to sell this quarter? For them alone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from patronage.access.company import current
from patronage.access.roles import Actor, Right
from patronage.customize.actions.offers import own_teams
from patronage.customize.models import SalesTarget
from patronage.customize.periods import quarter_at


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamTarget:
    """A team's target of a quarter."""

    team: str
    #: such as 2017-Q4
    period: str
    #: None: none was set
    amount_minor: int | None
    currency: str


def sales_targets(actor: Actor, now: datetime) -> list[TeamTarget]:
    """This quarter's targets of the teams that the actor is in; an administrator's are all.

    Raises:
        NotAllowed: the actor proposes no offers.
    """
    actor.require(Right.PROPOSE_OFFER)
    company = current().company
    period = str(quarter_at(company, now))
    teams = list(own_teams(actor))
    said = SalesTarget.objects.filter(team__in=teams, period=period).order_by("id")
    newest = dict(said.values_list("team_id", "amount_minor"))
    return [
        TeamTarget(
            team=each.name,
            period=period,
            amount_minor=newest.get(each.id),
            currency=company.currency,
        )
        for each in teams
    ]
