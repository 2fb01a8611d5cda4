"""Who may see and rule on a conflict, by when, and what counts of its claims?

A room of its own because actions and reads must mean the same by it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Q, QuerySet

from patronage.access.actor import open_roles
from patronage.access.company import current
from patronage.access.models import User
from patronage.access.ports import Question
from patronage.access.roles import IN_CHARGE, SYSTEM_ID, Actor, Right, Role
from patronage.differentiate.reads import quarterly_margins
from patronage.govern.boundaries import about, boundaries_at
from patronage.govern.in_charge import covered_by, portfolios_of
from patronage.govern.models import (
    Accountability,
    Claim,
    Conflict,
    Membership,
    Portfolio,
    Standing,
)
from patronage.govern.suggesting import OWNERSHIP, Facts, Suggestion, pattern_of, suggest
from patronage.identify.in_sight import customers_in_sight
from patronage.identify.models import Customer
from patronage.vocabulary.periods import BusinessCalendar

#: where no boundary says otherwise
DEFAULT_RULER: Final = Role.EXECUTIVE
DEFAULT_DAYS: Final = 5
#: quarters of which the value share is taken
_QUARTERS: Final = 4


#: Id and name of the offers in the actor's sight that are open; the room of offers answers.
open_offers: Question[[Actor, datetime], Sequence[tuple[str, str]]] = Question("open_offers")


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadline:
    """Who rules on a conflict about a customer, and by when."""

    ruler: Role
    due_at: datetime
    #: empty: nothing is declared
    boundary_id: str


def held_by(actor: Actor, now: datetime) -> frozenset[str]:
    """Ids of the portfolios that the actor speaks for: in charge of them, or standing in."""
    if not actor.roles & IN_CHARGE:
        return frozenset()
    return portfolios_of(actor.id, now) | covered_by(actor.id, now)


def portfolios_to_claim_for(actor: Actor, now: datetime) -> QuerySet[Portfolio]:
    """Those that the actor speaks for; whoever sees every customer speaks for any."""
    every = Portfolio.objects.order_by("position", "name")
    if actor.roles and actor.roles <= IN_CHARGE:
        return every.filter(pk__in=held_by(actor, now))
    return every


def sees_every(actor: Actor) -> bool:
    """Whether no conflict is out of sight: executives, whom overdue ones go to."""
    return actor.id == SYSTEM_ID or Role.EXECUTIVE in actor.roles


def rules_on(actor: Actor, conflict: Conflict, now: datetime) -> bool:
    """Whether the actor's role is the one that rules on it; an executive too once it is overdue."""
    if not actor.may(Right.RULE_CONFLICT):
        return False
    overdue = conflict.due_at <= now and sees_every(actor)
    return actor.id == SYSTEM_ID or conflict.ruler in actor.roles or overdue


def is_claimant(actor: Actor, claims: Sequence[Claim], now: datetime) -> bool:
    """Whether one of the claims is the actor's own, or of a portfolio they speak for."""
    mine = held_by(actor, now)
    return any(each.claimed_by == actor.id or each.portfolio_id in mine for each in claims)


def conflicts_in_sight(actor: Actor, now: datetime) -> QuerySet[Conflict]:
    """Those the actor rules on, is a claimant in, or whose customer they are in charge of."""
    every = Conflict.objects.select_related("customer")
    if sees_every(actor):
        return every
    mine = held_by(actor, now)
    named = actor.roles if actor.may(Right.RULE_CONFLICT) else frozenset()
    return every.filter(
        Q(ruler__in=named)
        | Q(pk__in=claims_in_sight(actor, now).values("conflict"))
        | Q(customer__standing__portfolio_id__in=mine)
    )


def claims_in_sight(actor: Actor, now: datetime) -> QuerySet[Claim]:
    """The actor's own claims, and those of portfolios they speak for; of executives, all."""
    every = Claim.objects.select_related("customer", "portfolio")
    if sees_every(actor):
        return every
    return every.filter(Q(claimed_by=actor.id) | Q(portfolio_id__in=held_by(actor, now)))


def customer_to_claim(actor: Actor, id: str, now: datetime) -> Customer | None:
    """The customer, if in sight, or if one of the actor's portfolios held them before."""
    seen = customers_in_sight(actor, now).filter(pk=id).first()
    if seen is not None:
        return seen
    before = Membership.objects.filter(customer=id, portfolio_id__in=held_by(actor, now))
    held = Customer.objects.filter(pk=id, erased_at__isnull=True)
    return held.first() if before.exists() else None


def deadline_of(customer: Customer, now: datetime) -> Deadline:
    """Read who rules and by when from the boundaries on conflicts; the shortest time counts."""
    declared = [each for each in boundaries_at(now) if each.row.kind == "conflict"]
    if declared:
        standing = Standing.objects.select_related("portfolio").get(customer=customer)
        declared = about(declared, customer, standing, now, current().company)
    shortest = min(declared, key=lambda each: (each.row.limit or 0, each.row.name), default=None)
    if shortest is None:
        due_at = now + timedelta(days=DEFAULT_DAYS)
        return Deadline(ruler=DEFAULT_RULER, due_at=due_at, boundary_id="")
    row = shortest.row
    due_at = now + timedelta(days=row.limit or DEFAULT_DAYS)
    return Deadline(ruler=Role(row.role), due_at=due_at, boundary_id=row.id)


def open_claims(conflict: Conflict) -> list[Claim]:
    """The claims that wait for the ruling; of one that is over, those that it ended."""
    claims = conflict.claims.select_related("portfolio").order_by("claimed_at", "id")
    if conflict.closed_at is None:
        return list(claims.filter(ended_at__isnull=True))
    return list(claims.exclude(end="restated"))


def suggestion_for(conflict: Conflict, claims: Sequence[Claim], at: datetime) -> Suggestion:
    """What the declared order says of a conflict's claims."""
    return suggest(conflict.kind, facts_of(conflict, claims, at))


def facts_of(conflict: Conflict, claims: Sequence[Claim], at: datetime) -> list[Facts]:
    """What counts of each claim."""
    if conflict.kind != OWNERSHIP:
        return [
            Facts(claim_id=each.id, kind=each.kind, has_contract=_names_contract(each))
            for each in claims
        ]
    members = list(
        Membership.objects.filter(customer=conflict.customer_id, starts_at__lte=at)
        .order_by("starts_at")
        .values_list("portfolio_id", "starts_at")
    )
    shares = _value_shares(conflict.customer_id, members)
    last = dict(members)
    return [
        Facts(
            claim_id=each.id,
            kind=each.kind,
            has_contract=_names_contract(each) and _of_key_accounts(each.portfolio_id or "", at),
            value_share=None if shares is None else shares.get(each.portfolio_id or "", 0.0),
            last_decision=last.get(each.portfolio_id or ""),
        )
        for each in claims
    ]


def pattern_for(conflict: Conflict, claims: Sequence[Claim]) -> str:
    """How the conflict is called when precedents are looked for."""
    return pattern_of(conflict.kind, [each.grounds for each in claims])[:160]


def _names_contract(claim: Claim) -> bool:
    return any(each["kind"] == "contract" for each in claim.evidence)


def _of_key_accounts(portfolio_id: str, at: datetime) -> bool:
    started = Accountability.objects.filter(portfolio=portfolio_id, starts_at__lte=at)
    manager: User = started.latest("starts_at").manager
    return Role.KEY_ACCOUNT_MANAGER in open_roles(manager, at)


def _value_shares(
    customer_id: str, members: Sequence[tuple[str, datetime]]
) -> dict[str, float] | None:
    """Portfolio → its share of the margin of the last quarters, by who held the customer then.

    None where no margin above zero is known.
    """
    calendar = BusinessCalendar(current().company.time_zone)
    earned: dict[str, int] = {}
    for as_of, margin_minor in quarterly_margins(customer_id)[-_QUARTERS:]:
        ends = calendar.end_of_day(as_of)
        holders = [portfolio for portfolio, starts_at in members if starts_at < ends]
        if holders and margin_minor > 0:
            earned[holders[-1]] = earned.get(holders[-1], 0) + margin_minor
    total = sum(earned.values())
    return {each: amount / total for each, amount in earned.items()} if total else None
