"""What a shop, an agent or a mailer may ask: decide for this customer, now, and hold to it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

import numpy as np

from patronage.access.errors import NotFound
from patronage.access.roles import Actor, Right
from patronage.access.transactions import atomic
from patronage.customize.contact_policy import free_places
from patronage.customize.errors import BudgetSpent
from patronage.customize.log import (
    Candidate,
    candidates_of,
    logged_candidates,
    logged_versions,
    may_see_scores,
    without_scores,
)
from patronage.customize.moment import Moment, Request, checked_request, look
from patronage.customize.plan import OUTCOMES
from patronage.customize.policy import terms_of
from patronage.customize.recording import ContactColumns, DecisionColumns, record_decisions
from patronage.customize.stocks import taken_by
from patronage.govern.errors import CapacityTaken
from patronage.identify.in_sight import customers_in_sight
from patronage.identify.models import Customer
from patronage.science.arbitration import OUTCOME_WORDS, Outcome
from patronage.vocabulary.ids import IdPrefix, new_ids

_TRIES: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferedTreatment:
    """What to say to the customer, as ruled."""

    decision_id: str
    contact_id: str
    #: 1 for the first placement
    placement: int
    offer_id: str
    offer: str
    treatment_id: str
    channel: str
    wording: str
    face_value_minor: int
    currency: str
    #: what the customer may add, as ruled: name, price_minor, needs, excludes
    options: tuple[dict[str, Any], ...]
    #: expected incremental value, minor units; None where the reader may not see it
    score_minor: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionAnswer:
    """What was decided for a customer, with every candidate's reason."""

    #: one a placement filled or withheld, or the one that says that nothing was chosen
    decision_ids: tuple[str, ...]
    customer_id: str
    at: datetime
    #: "offered", "withheld" or "nothing"
    outcome: str
    outcome_text: str
    #: best first; empty unless offered
    offers: tuple[OfferedTreatment, ...]
    candidates: tuple[Candidate, ...]
    #: how the customer is served: by rule, else by value; None: no rule says and none is declared
    service_tier: str | None
    #: id of the person to whom the rules route the customer; None: to nobody in particular
    route_to: str | None

    @property
    def id(self) -> str:
        """The first decision's id."""
        return self.decision_ids[0]


def decide_now(
    *,
    actor: Actor,
    now: datetime,
    customer_id: str,
    channel: str | None = None,
    placements: int = 1,
    context: Mapping[str, object] | None = None,
    limit: int = 1,
) -> DecisionAnswer:
    """Decide what to say to a customer now; what is offered counts as said when this commits.

    Args:
        channel: the channel the customer is in; None considers all.
        placements: how many places there are to fill.
        context: what is known of the moment: call_reason, page.
        limit: most treatments wanted; fewer come where caps, budget or value allow no more.

    Raises:
        NotAllowed: the actor may not have decisions made.
        NotFound: there is no such customer in the actor's scope.
        NotDecided: the request cannot be understood.
    """
    actor.require(Right.DECIDE)
    request = checked_request(
        customer_id=customer_id,
        channel=channel,
        placements=placements,
        context=context,
        limit=limit,
    )
    for _ in range(_TRIES):
        try:
            return _seen_by(actor, _decided(actor, now, request, spend=True))
        except (BudgetSpent, CapacityTaken):
            # Somebody else took the last of the budget, or of a stock, in between: look again.
            continue
    return _seen_by(actor, _decided(actor, now, request, spend=False))


def _seen_by(actor: Actor, answer: DecisionAnswer) -> DecisionAnswer:
    """What the actor may see of the answer; all of it is logged."""
    if may_see_scores(actor):
        return answer
    offers = tuple(replace(each, score_minor=None) for each in answer.offers)
    return replace(answer, offers=offers, candidates=without_scores(answer.candidates))


def _decided(actor: Actor, now: datetime, request: Request, *, spend: bool) -> DecisionAnswer:
    with atomic():
        # The lock comes before the question, so that the places counted stay the ones taken.
        seen = customers_in_sight(actor, now)
        known = seen.filter(id=request.customer_id).values("id")
        locked = Customer.objects.select_for_update(no_key=True)
        customer = locked.filter(id__in=known).first()
        if customer is None:
            raise NotFound(noun="customer", id=request.customer_id)
        return _written(look(request, customer, now, spend=spend), now)


def _written(moment: Moment, now: datetime) -> DecisionAnswer:
    picked = [place for place in moment.chosen.treatments[0].tolist() if place >= 0]
    outcome = Outcome(int(moment.chosen.outcome[0]))
    decisions = _decisions(moment, picked, OUTCOMES[outcome])
    offered = picked if outcome is Outcome.OFFERED else []
    contacts = _contacts(moment, decisions, offered)
    contact_ids = record_decisions(
        at=moment.at,
        now=now,
        run_id=None,
        channel=moment.request.channel or "",
        budget=moment.budget,
        decisions=decisions,
        contacts=contacts,
        presented=True,
        stocks=moment.stocks,
    )
    return DecisionAnswer(
        decision_ids=tuple(decisions.ids),
        customer_id=moment.request.customer_id,
        at=moment.at,
        outcome=OUTCOMES[outcome],
        outcome_text=OUTCOME_WORDS[outcome],
        offers=tuple(
            _offered(moment, place, number, decisions.ids[number], contact_ids[number], contacts)
            for number, place in enumerate(offered)
        ),
        candidates=candidates_of(moment),
        service_tier=moment.handled.get("service_tier"),
        route_to=moment.handled.get("route_to"),
    )


def _decisions(moment: Moment, picked: list[int], outcome: str) -> DecisionColumns:
    count = max(len(picked), 1)
    treatments = [moment.served.policy.treatments[moment.considered[place]].id for place in picked]
    scores = [float(moment.chosen.scores[0, place]) for place in picked]
    candidates = json.dumps(logged_candidates(moment))
    versions = logged_versions(moment)
    return DecisionColumns(
        ids=new_ids(IdPrefix.DECISION, count),
        customer_ids=[moment.request.customer_id] * count,
        portfolio_ids=[moment.portfolio_id] * count,
        outcomes=[outcome] * count,
        treatment_ids=[*treatments] or [None],
        scores=[*scores] or [None],
        held_out=[bool(moment.situation.held_out[0])] * count,
        propensities=[float(moment.drawn.propensity[0])] * count,
        candidates=[candidates] * count,
        versions=[json.dumps({**versions, "placement": number + 1}) for number in range(count)],
    )


def _contacts(moment: Moment, decisions: DecisionColumns, offered: list[int]) -> ContactColumns:
    policy, count = moment.served.policy, len(offered)
    columns = [int(moment.considered[place]) for place in offered]
    customer_id, month = moment.request.customer_id, moment.month
    places = free_places(
        moment.taken,
        [(customer_id, month)] * count,
        policy.company.contacts_per_month,
    )
    treatments = [policy.treatments[column] for column in columns]
    return ContactColumns(
        decision_ids=decisions.ids[:count],
        customer_ids=[customer_id] * count,
        treatment_ids=[each.id for each in treatments],
        channels=[each.channel for each in treatments],
        consent_ids=[moment.consents[each.channel] for each in treatments],
        ruling_ids=[policy.permission(moment.portfolio_id, c, moment.code(c)) for c in columns],
        reserved_minor=moment.situation.reserve[0, np.array(offered, dtype=np.int64)].tolist(),
        takes=taken_by(moment.stocks, columns),
        cap_months=[month] * count,
        cap_places=[each for each in places if each is not None],
        due_at=[moment.at] * count,
        terms=[terms_of(policy, moment.row(column), column) for column in columns],
    )


def _offered(
    moment: Moment,
    place: int,
    number: int,
    decision_id: str,
    contact_id: str,
    contacts: ContactColumns,
) -> OfferedTreatment:
    policy = moment.served.policy
    column = int(moment.considered[place])
    offer = policy.offers[policy.offer_of[column]]
    terms: dict[str, Any] = contacts.terms[number]
    return OfferedTreatment(
        decision_id=decision_id,
        contact_id=contact_id,
        placement=number + 1,
        offer_id=offer.id,
        offer=offer.name,
        treatment_id=policy.treatments[column].id,
        channel=policy.treatments[column].channel,
        wording=terms["wording"],
        face_value_minor=terms["face_value_minor"],
        currency=terms["currency"],
        options=tuple(terms.get("options", ())),
        score_minor=float(moment.chosen.scores[0, place]),
    )
