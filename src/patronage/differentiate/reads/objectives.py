"""Which objective is in force for a customer, why, since when, and what do the rules say?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from patronage.access.company import company_of, current
from patronage.access.roles import Actor, Right
from patronage.differentiate import overrides
from patronage.differentiate.reads.seen import latest_valuation

#: the objective of who never bought: nothing is known of them but that they are there
PROSPECT = "acquire"


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectiveInForce:
    """A customer's one objective, and everything that decides it."""

    customer_id: str
    #: retain, grow, convert, exit or acquire
    objective: str
    #: the rule's words, or the person's who set it; empty for a prospect, who never bought
    reason: str
    #: None for a prospect
    since: date | None
    #: whether a person set it above the rules
    is_override: bool
    #: id of the person who set it; None where a rule did
    set_by: str | None
    #: last date on which the override stands; None: until revoked, or no override
    until: date | None
    #: what is in force without the override; None for a prospect
    by_rule: str | None
    #: what the rules asked for at the latest valuation; takes effect once they mean it
    asked: str | None
    #: for how many valuations in a row they have asked for it
    asked_times: int
    #: how many they must ask for it before it changes
    needed_times: int


def objective_of(actor: Actor, customer_id: str, now: datetime) -> ObjectiveInForce:
    """The customer's objective in force at `now`.

    Raises:
        NotAllowed: the actor may not see profitability.
        NotFound: there is no such customer in the actor's scope.
    """
    actor.require(Right.SEE_PROFITABILITY)
    latest = latest_valuation(actor, customer_id, now)
    word = overrides.standing(now).filter(customer_id=customer_id).first()
    company = current().company if latest is None else company_of(latest.run.company_version)
    objective, reason, since = PROSPECT, "", None
    if latest is not None:
        objective = latest.rule_objective
        reason, since = latest.rule_objective_reason, latest.rule_objective_since
    if word is not None:
        objective, reason, since = word.objective, word.reason, word.since
    return ObjectiveInForce(
        customer_id=customer_id,
        objective=objective,
        reason=reason,
        since=since,
        is_override=word is not None,
        set_by=word.set_by if word else None,
        until=word.until if word else None,
        by_rule=latest.rule_objective if latest else None,
        asked=latest.objective_asked if latest else None,
        asked_times=latest.objective_asked_times if latest else 0,
        needed_times=company.objective_after_valuations,
    )
