"""What would be decided for one customer in this moment, and from what? Reads, writes nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

import numpy as np
from django.utils.translation import gettext as _

from patronage.customize.bounds import beyond_one
from patronage.customize.budgeting import BUDGET
from patronage.customize.contact_policy import Taken, full_months, places_taken
from patronage.customize.deciding import Bools, Chosen, Floats, Ints, Situation, decide
from patronage.customize.errors import NotDecided, UnknownChannel
from patronage.customize.fields import context_record
from patronage.customize.holdout import held_out
from patronage.customize.models import Affinity, Budget
from patronage.customize.periods import budget_of, left_of
from patronage.customize.policy import PolicyInForce
from patronage.customize.population import portfolio_rows
from patronage.customize.propensity import Drawn, drawn
from patronage.customize.ruled import Applied
from patronage.customize.scoped import Codes
from patronage.customize.serving import Served, serve
from patronage.customize.situations import FIGURES, Means, People, month_of, situation
from patronage.customize.stakes import figures_of
from patronage.customize.stocks import Stock, stocks_of
from patronage.differentiate.reads import field_values
from patronage.govern import accounts, service_tiers
from patronage.govern.models import Standing
from patronage.identify.fields import record_of
from patronage.identify.models import Consent, Customer
from patronage.identify.suppression import suppressed
from patronage.vocabulary.periods import BusinessCalendar

MOST_PLACES: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is asked for, checked."""

    customer_id: str
    #: the only channel asked for; None for any
    channel: str | None
    #: most treatments wanted
    limit: int
    #: what is said about the moment, by field
    context: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """The choice for one customer with all that it rests on."""

    at: datetime
    request: Request
    served: Served
    budget: Budget
    portfolio_id: str
    #: as their value or their manager's word gives it; None where none is declared
    service_tier: str | None
    #: the treatments considered, as positions in the policy's
    considered: Ints
    #: what rulings and rules make of all treatments
    ruled: Applied
    #: stock and capacity that treatments take from
    stocks: tuple[Stock, ...]
    #: of the treatments considered
    situation: Situation
    #: ``(1, m)``: which ruling decides, and what chance had to do with the choice
    special: Codes
    drawn: Drawn
    chosen: Chosen
    #: most treatments that could be given
    limit: int
    #: consent that stands, by channel
    consents: Mapping[str, str]
    #: the contact policy's month
    month: str
    #: places of that month that the customer has had
    taken: Taken

    def row(self, treatment: int) -> int:
        """Under which terms of the gate's tables the customer gets a treatment."""
        shape = (1, len(self.served.policy.treatments))
        return int(np.broadcast_to(self.ruled.row, shape)[0, treatment])

    def code(self, treatment: int) -> int:
        """Which ruling decides a treatment, as `scoped` numbers them."""
        return -1 if self.ruled.code is None else int(self.ruled.code[0, treatment])

    @property
    def handled(self) -> dict[str, str]:
        """How the customer is served: service_tier, route_to; a rule's word before the value's."""
        (tier,), (route,) = self.ruled.handling(1)
        by_value = {} if self.service_tier is None else {"service_tier": self.service_tier}
        return by_value | self.served.policy.book.handled(tier, route)


def checked_request(
    *,
    customer_id: str,
    channel: str | None,
    placements: int,
    context: Mapping[str, object] | None,
    limit: int,
) -> Request:
    """Check what is asked for; each placement holds one treatment, `limit` caps them all.

    Raises:
        NotDecided: a number is out of range, or the context cannot be used.
    """
    for name, number in (("placements", placements), ("limit", limit)):
        if type(number) is not int or not 1 <= number <= MOST_PLACES:
            raise NotDecided(
                _("%(name)s is a whole number from 1 to %(most_places)s, found %(number)r.")
                % {"name": name, "most_places": MOST_PLACES, "number": number}
            )
    known = context_record(context or {})
    if channel is not None and known.get("channel", channel) != channel:
        raise NotDecided(_("The context names another channel than the request. Leave one out."))
    if channel is not None:
        known["channel"] = channel
    return Request(
        customer_id=customer_id, channel=channel, limit=min(placements, limit), context=known
    )


def look(request: Request, customer: Customer, at: datetime, *, spend: bool = True) -> Moment:
    """Decide for one customer with what is known, ruled, agreed and left at this instant.

    Args:
        spend: False decides as if the budget were used up.

    Raises:
        UnknownChannel: the channel is none of the company's.
    """
    served = serve(at)
    policy = served.policy
    channels = [channel.name for channel in policy.company.channels]
    if request.channel is not None and request.channel not in channels:
        raise UnknownChannel(channel=request.channel, known=channels)
    standing = Standing.objects.select_related("portfolio").get(customer=customer)
    budget = budget_of(policy.company, at)
    today = BusinessCalendar(policy.company.time_zone).date_of(at)
    wanted = [request.channel] if request.channel else channels
    consents = _consents(customer, wanted, at)
    month, places = month_of(today), policy.company.contacts_per_month
    taken = places_taken([month], [customer.id])
    rows = portfolio_rows([standing.portfolio_id], policy)
    tier = service_tiers.of_one(standing, at, policy.company)
    record = _record(customer, standing, request, policy, at) | {"service_tier": tier}
    people = People(
        customer_ids=[customer.id],
        portfolio=rows,
        figures=_figures(customer, policy),
        meets=_meets(record, policy),
        matches=policy.book.matches_one(record, int(rows[0])),
        special=policy.scopes.one(customer.id, record, int(rows[0])),
        beyond=beyond_one(policy.boundaries, record),
        consented=np.array(
            [[each.channel in consents for each in policy.treatments]], dtype=np.bool_
        ).reshape(1, len(policy.treatments)),
        held_out=held_out(served.holdout, [customer.id]),
        fenced=np.array([standing.fenced], dtype=np.bool_),
        full=full_months(taken, [month], [customer.id], places),
    )
    stocks = stocks_of(policy, at, served.prices)
    means = _means(served, budget if spend else None, stocks, at, today)
    considered = np.flatnonzero([each.channel in wanted for each in policy.treatments])
    asked = situation(policy, people, means).only(considered)
    free = places - sum(1 for holders in taken.values() if customer.id in holders)
    held = [(each.takes[considered], each.left) for each in stocks]
    limit, chosen = _within_means(asked, held, min(request.limit, max(free, 1)))
    return Moment(
        at=at,
        request=request,
        served=served,
        budget=budget,
        portfolio_id=standing.portfolio_id,
        service_tier=tier,
        considered=considered,
        ruled=policy.applied(people.portfolio, people.matches, people.special),
        stocks=stocks,
        situation=asked,
        special=people.special,
        drawn=drawn(policy, people, means, chosen, considered=considered),
        chosen=chosen,
        limit=limit,
        consents=consents,
        month=month,
        taken=taken,
    )


def _means(
    served: Served, budget: Budget | None, stocks: tuple[Stock, ...], at: datetime, today: date
) -> Means:
    return Means(
        budget_left=left_of(budget) if budget else 0,
        price=served.prices.get(BUDGET, 0.0),
        salt=served.run.input_digest if served.run else "",
        at=at,
        # Said now or not at all: what may go out only later is not permitted yet.
        last_day=today,
        inbound=True,
        stocks=stocks,
    )


def _within_means(
    asked: Situation, held: Sequence[tuple[Bools, int]], limit: int
) -> tuple[int, Chosen]:
    """As many treatments as asked for, or as the rest of the budget and of stocks can hold."""
    while True:
        chosen = decide(asked, limit)
        best = chosen.treatments[0]
        best = best[best >= 0]
        affordable = asked.reserve[0, best].sum() <= asked.budget_left
        if limit == 1 or (affordable and all(takes[best].sum() <= left for takes, left in held)):
            return limit, chosen
        limit -= 1


def _consents(customer: Customer, channels: Sequence[str], at: datetime) -> dict[str, str]:
    """The marketing consents that stand, by channel: the last word on each is "given"."""
    if suppressed([customer.id]):
        return {}
    said = Consent.objects.filter(
        customer=customer, purpose="marketing", channel__in=channels, valid_from__lte=at
    )
    rows = said.order_by("valid_from", "recorded_at", "id").values_list("channel", "state", "id")
    last = {channel: (state, consent) for channel, state, consent in rows}
    return {channel: consent for channel, (state, consent) in last.items() if state == "given"}


def _figures(customer: Customer, policy: PolicyInForce) -> Floats:
    """``(1, m, 3)`` from what the last run left; NaN for an offer that it did not know."""
    table = np.full((1, len(policy.offers), FIGURES), np.nan)
    kept = Affinity.objects.select_related("run").filter(customer=customer).first()
    if kept is None:
        return table
    known: list[str] = kept.run.offers
    figures = figures_of([bytes(kept.figures)], len(known))
    place = {offer_id: column for column, offer_id in enumerate(known)}
    for column, offer in enumerate(policy.offers):
        if offer.id in place:
            table[0, column] = figures[0, place[offer.id]]
    return table


def _record(
    customer: Customer, standing: Standing, request: Request, policy: PolicyInForce, at: datetime
) -> dict[str, object]:
    """What conditions may ask of the customer and the moment."""
    calendar = BusinessCalendar(policy.company.time_zone)
    return {
        **record_of(customer, calendar),
        **field_values(customer.id, at),
        "portfolio": standing.portfolio.name,
        **accounts.of_some([customer.id], at)[customer.id],
        **request.context,
    }


def _meets(
    record: Mapping[str, object], policy: PolicyInForce
) -> np.ndarray[tuple[int, ...], np.dtype[np.int8]]:
    answers = [-1 if answer is None else int(answer) for answer in policy.rules(record)]
    return np.array([answers], dtype=np.int8).reshape(1, len(policy.offers))
