"""Which claims compete for whom, what the declared order suggests, and how it was ruled before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from django.db.models import Q, QuerySet

from patronage.access.errors import NotAllowed, NotFound
from patronage.access.roles import Actor, Right
from patronage.govern.conflicts import (
    claims_in_sight,
    conflicts_in_sight,
    facts_of,
    is_claimant,
    open_claims,
    open_offers,
    pattern_for,
    portfolios_to_claim_for,
    rules_on,
    sees_every,
)
from patronage.govern.in_charge import portfolios_of
from patronage.govern.models import Accountability, Claim, Conflict, ConflictRuling, Standing
from patronage.govern.reads.precedents import Precedent, precedents_of
from patronage.govern.suggesting import Facts, Suggestion, suggest
from patronage.identify.in_sight import customers_in_sight

ConflictState = Literal["waiting", "overdue", "ruled", "withdrawn"]
STATES: Final = ("waiting", "overdue", "ruled", "withdrawn")
_MOST: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceRow:
    """What speaks for a claim."""

    kind: str
    id: str
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimRow:
    """A claim on a customer."""

    id: str
    customer_id: str
    customer: str
    #: portfolio, contact or quiet
    kind: str
    portfolio_id: str
    portfolio: str
    #: who answers for that portfolio now; empty for other claims
    manager: str
    offer_id: str
    offer: str
    grounds: str
    #: None where it is another's, and not the reader's to rule on
    words: str | None
    evidence: Sequence[EvidenceRow] | None
    #: for whoever is in charge, who has not spoken yet
    entered: bool
    claimed_by: str
    claimed_at: datetime
    #: empty while nothing competes with it
    conflict_id: str
    #: upheld, not_upheld, withdrawn, restated; empty while it stands
    end: str
    end_reason: str
    #: whether the reader may take it back
    may_withdraw: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ConflictRow:
    """Claims on one customer that cannot all stand."""

    id: str
    customer_id: str
    customer: str
    #: ownership or contact
    kind: str
    state: ConflictState
    opened_at: datetime
    due_at: datetime
    #: the role that rules
    ruler: str
    #: who or what claims: portfolios, offers, or empty for being left in peace
    sides: Sequence[str]
    #: who is in charge of the customer now
    in_charge: str
    #: whether the reader may rule on it now
    may_rule: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRow:
    """One criterion of the declared order, as it was asked."""

    criterion: str
    #: the claim that it tells; empty where it tells none
    claim_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighed:
    """What counts of one claim by the declared order."""

    claim_id: str
    has_contract: bool
    #: of what the customer brought in over four quarters; None: not known
    value_share: float | None
    #: since when the customer was last put there; None: never
    last_decision: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RulingRow:
    """How a conflict was ruled on."""

    claim_id: str
    criterion: str
    reason_code: str
    reason: str
    until: datetime | None
    by: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ConflictView:
    """One conflict with its claims side by side."""

    row: ConflictRow
    portfolio_id: str
    portfolio: str
    claims: Sequence[ClaimRow]
    #: that the declared order suggests; empty: it tells none, or is not the reader's to see
    suggested_claim_id: str
    criterion: str
    steps: Sequence[StepRow]
    weighed: Sequence[Weighed]
    pattern: str
    precedents: Sequence[Precedent]
    ruling: RulingRow | None
    #: the reader's own claim is among them, so that somebody else rules
    is_claimant: bool


def require_reading(actor: Actor) -> None:
    """Refuse whoever neither claims nor rules."""
    if not (actor.may(Right.CLAIM) or actor.may(Right.RULE_CONFLICT)):
        raise NotAllowed(actor=actor.name, right=Right.CLAIM.value)


def conflicts(
    actor: Actor, now: datetime, *, state: str = "", kind: str = "", customer_id: str = ""
) -> list[ConflictRow]:
    """The newest conflicts in the actor's sight: what is to be ruled on first, most urgent first.

    Args:
        state: waiting, overdue, ruled or withdrawn; "open" for the first two; empty: all.

    Raises:
        NotAllowed: the actor neither claims nor rules.
    """
    require_reading(actor)
    found = conflicts_in_sight(actor, now).filter(_in_state(state, now))
    if kind:
        found = found.filter(kind=kind)
    if customer_id:
        found = found.filter(customer=customer_id)
    waiting = list(found.filter(closed_at__isnull=True).order_by("due_at", "id")[:_MOST])
    closed = list(found.filter(closed_at__isnull=False).order_by("-closed_at", "id")[:_MOST])
    return _rows([*waiting, *closed], actor, now)


def overdue(actor: Actor, now: datetime) -> int:
    """How many conflicts that come to the actor are past their deadline without a ruling."""
    if not actor.may(Right.RULE_CONFLICT):
        return 0
    return conflicts_in_sight(actor, now).filter(_in_state("overdue", now)).count()


def conflict(actor: Actor, now: datetime, conflict_id: str) -> ConflictView:
    """One conflict with claims, what the declared order suggests, and precedents.

    Raises:
        NotAllowed: the actor neither claims nor rules.
        NotFound: there is no such conflict in the actor's sight.
    """
    require_reading(actor)
    found = conflicts_in_sight(actor, now).filter(pk=conflict_id).first()
    if found is None:
        raise NotFound(noun="conflict", id=conflict_id)
    claims = open_claims(found)
    judges = rules_on(actor, found, now) or sees_every(actor)
    ruling = ConflictRuling.objects.filter(conflict=found).first()
    facts = facts_of(found, claims, now) if judges and found.closed_at is None else []
    told = suggest(found.kind, facts) if facts else Suggestion(claim_id="", criterion="", steps=())
    standing = Standing.objects.select_related("portfolio").get(customer=found.customer)
    pattern = pattern_for(found, claims)
    (row,) = _rows([found], actor, now)
    own = set(claims_in_sight(actor, now).filter(conflict=found).values_list("pk", flat=True))
    return ConflictView(
        row=row,
        portfolio_id=standing.portfolio_id,
        portfolio=standing.portfolio.name,
        claims=_claim_rows(
            claims, actor, now, open_to={each.id for each in claims} if judges else own
        ),
        suggested_claim_id=told.claim_id
        or ((ruling.suggested_id or "") if ruling and judges else ""),
        criterion=told.criterion,
        steps=[
            StepRow(criterion=each.criterion, claim_id=each.left[0] if each.decides else "")
            for each in told.steps
        ],
        weighed=[_weighed(each) for each in facts],
        pattern=pattern,
        precedents=precedents_of(actor, now, pattern, but=found.id),
        ruling=None if ruling is None else _ruling_row(ruling),
        is_claimant=is_claimant(actor, claims, now),
    )


def claims(actor: Actor, now: datetime) -> list[ClaimRow]:
    """The actor's own claims and those of portfolios they speak for, the newest 200.

    A claim on a customer who has left the actor's scope is shown while its conflict is open: a
    party to it hears the ruling, and nothing afterwards.

    Raises:
        NotAllowed: the actor neither claims nor rules.
    """
    require_reading(actor)
    is_party = Q(conflict__isnull=False, conflict__closed_at__isnull=True)
    shown = is_party | Q(customer__in=customers_in_sight(actor, now))
    found = list(claims_in_sight(actor, now).filter(shown).order_by("-claimed_at", "id")[:_MOST])
    return _claim_rows(found, actor, now, open_to={each.id for each in found})


def claimable_portfolios(actor: Actor, now: datetime) -> list[tuple[str, str]]:
    """Id and name of the portfolios that the actor may claim customers for.

    Raises:
        NotAllowed: the actor may not claim customers.
    """
    actor.require(Right.CLAIM)
    return list(portfolios_to_claim_for(actor, now).values_list("id", "name"))


def claimable_offers(actor: Actor, now: datetime) -> list[tuple[str, str]]:
    """Id and name of the offers that a contact may be claimed for.

    Raises:
        NotAllowed: the actor may not claim customers.
    """
    actor.require(Right.CLAIM)
    return list(open_offers.ask(actor, now))


def _in_state(state: str, now: datetime) -> Q:
    by_state = {
        "": Q(),
        "open": Q(closed_at__isnull=True),
        "waiting": Q(closed_at__isnull=True, due_at__gt=now),
        "overdue": Q(closed_at__isnull=True, due_at__lte=now),
        "ruled": Q(ruling__isnull=False),
        "withdrawn": Q(closed_at__isnull=False, ruling__isnull=True),
    }
    return by_state.get(state, Q(pk=""))


def _rows(found: Sequence[Conflict], actor: Actor, now: datetime) -> list[ConflictRow]:
    ids = [each.id for each in found]
    sides: dict[str, list[str]] = {each: [] for each in ids}
    named: QuerySet[Claim] = Claim.objects.filter(conflict__in=ids).exclude(end="restated")
    for each in named.select_related("portfolio").order_by("claimed_at", "id"):
        sides[each.conflict_id or ""].append(_side(each))
    ruled = set(ConflictRuling.objects.filter(conflict__in=ids).values_list("conflict", flat=True))
    customers = [each.customer_id for each in found]
    held = dict(
        Standing.objects.filter(customer__in=customers).values_list("customer", "portfolio")
    )
    managers = _managers(now)
    return [
        ConflictRow(
            id=each.id,
            customer_id=each.customer_id,
            customer=each.customer.label,
            kind=each.kind,
            state=_state(each, each.id in ruled, now),
            opened_at=each.opened_at,
            due_at=each.due_at,
            ruler=each.ruler,
            sides=sides[each.id],
            in_charge=managers.get(held.get(each.customer_id, ""), ""),
            may_rule=each.closed_at is None and rules_on(actor, each, now),
        )
        for each in found
    ]


def _state(conflict: Conflict, ruled: bool, now: datetime) -> ConflictState:
    if conflict.closed_at is not None:
        return "ruled" if ruled else "withdrawn"
    return "overdue" if conflict.due_at <= now else "waiting"


def _side(claim: Claim) -> str:
    if claim.portfolio is not None:
        return claim.portfolio.name
    return claim.offer_name


def _managers(now: datetime) -> dict[str, str]:
    """Portfolio id → name of who answers for it now."""
    started = Accountability.objects.filter(starts_at__lte=now).order_by("starts_at")
    return dict(started.values_list("portfolio", "manager__name"))


def _claim_rows(
    found: Sequence[Claim], actor: Actor, now: datetime, *, open_to: set[str]
) -> list[ClaimRow]:
    managers, mine = _managers(now), portfolios_of(actor.id, now)
    return [
        ClaimRow(
            id=each.id,
            customer_id=each.customer_id,
            customer=each.customer.label,
            kind=each.kind,
            portfolio_id=each.portfolio_id or "",
            portfolio="" if each.portfolio is None else each.portfolio.name,
            manager=managers.get(each.portfolio_id or "", ""),
            offer_id=each.offer_id,
            offer=each.offer_name,
            grounds=each.grounds,
            words=each.words if each.id in open_to else None,
            evidence=[EvidenceRow(**one) for one in each.evidence] if each.id in open_to else None,
            entered=each.entered,
            claimed_by=each.claimed_by_name,
            claimed_at=each.claimed_at,
            conflict_id=each.conflict_id or "",
            end=each.end,
            end_reason=each.end_reason if each.id in open_to else "",
            may_withdraw=each.ended_at is None
            and not each.entered
            and actor.may(Right.CLAIM)
            and (each.claimed_by == actor.id or each.portfolio_id in mine),
        )
        for each in found
    ]


def _weighed(facts: Facts) -> Weighed:
    return Weighed(
        claim_id=facts.claim_id,
        has_contract=facts.has_contract,
        value_share=facts.value_share,
        last_decision=facts.last_decision,
    )


def _ruling_row(ruling: ConflictRuling) -> RulingRow:
    return RulingRow(
        claim_id=ruling.claim_id,
        criterion=ruling.criterion,
        reason_code=ruling.reason_code,
        reason=ruling.reason,
        until=ruling.until,
        by=ruling.actor_name,
        at=ruling.at,
    )
