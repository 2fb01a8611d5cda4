"""Claims on customers, conflicts between them, rulings and precedents, as REST resources."""

from __future__ import annotations

from typing import Literal

from ninja import Query, Schema, Status
from pydantic import AwareDatetime, Field

from patronage.access.requests import CallerRequest
from patronage.govern import actions, reads
from patronage.govern.api.router import router
from patronage.govern.models import Claim, ConflictRuling


class EvidenceGiven(Schema):
    """What speaks for a claim, and what it is called where it is kept."""

    kind: str = Field(max_length=16)
    id: str = Field(max_length=120)
    words: str = Field("", max_length=120)


class NewClaim(Schema):
    """A customer for a portfolio, for a contact with an offer, or to be left in peace."""

    customer_id: str = Field(max_length=40)
    kind: str = Field(max_length=12)
    grounds: str = Field(max_length=16)
    words: str = Field("", max_length=400)
    portfolio_id: str = Field("", max_length=40)
    offer_id: str = Field("", max_length=40)
    evidence: list[EvidenceGiven] = Field(default_factory=list, max_length=20)


class ClaimMade(Schema):
    """The claim as it stands; `conflict_id` is null while nothing competes with it."""

    id: str
    customer_id: str
    kind: str
    portfolio_id: str | None
    offer_id: str
    grounds: str
    words: str
    claimed_at: AwareDatetime
    conflict_id: str | None
    end: str
    end_reason: str


class NewWithdrawal(Schema):
    """Why a claim is taken back."""

    reason: str = Field(min_length=1, max_length=400)


class NewConflictRuling(Schema):
    """The claim that is upheld, and why; `until` of a customer left in peace."""

    claim_id: str = Field(max_length=40)
    reason_code: str = Field(max_length=16)
    reason: str = Field("", max_length=400)
    until: AwareDatetime | None = None


class ConflictRulingMade(Schema):
    """The one word on a conflict."""

    id: str
    conflict_id: str
    claim_id: str
    suggested_id: str | None
    pattern: str
    grounds: str
    criterion: str
    reason_code: str
    reason: str
    until: AwareDatetime | None
    at: AwareDatetime


class ConflictQuestion(Schema):
    """Which conflicts; the newest 200 that wait and the newest 200 that are closed."""

    state: Literal["", "open", "waiting", "overdue", "ruled", "withdrawn"] = ""
    kind: Literal["", "ownership", "contact"] = ""
    customer_id: str = Field("", max_length=40)


class PrecedentQuestion(Schema):
    """Which rulings; the newest 50."""

    kind: Literal["", "ownership", "contact"] = ""
    grounds: str = Field("", max_length=16)
    criterion: str = Field("", max_length=16)
    search: str = Field("", max_length=100)


@router.get("/claims", response=list[reads.ClaimRow], summary="List my claims on customers")
def claims(request: CallerRequest) -> list[reads.ClaimRow]:
    return reads.claims(request.actor, request.now)


@router.post("/claims", response={201: ClaimMade}, summary="Claim a customer")
def make_claim(request: CallerRequest, new: NewClaim) -> Status[Claim]:
    given = new.dict()
    evidence = [actions.NewEvidence(**each) for each in given.pop("evidence")]
    made = actions.make_claim(actor=request.actor, now=request.now, evidence=evidence, **given)
    return Status(201, made)


@router.post(
    "/claims/{claim_id}/withdrawals", response={201: ClaimMade}, summary="Take a claim back"
)
def withdraw_claim(request: CallerRequest, claim_id: str, new: NewWithdrawal) -> Status[Claim]:
    done = actions.withdraw_claim(
        actor=request.actor, now=request.now, claim_id=claim_id, reason=new.reason
    )
    return Status(201, done)


@router.get("/conflicts", response=list[reads.ConflictRow], summary="List conflicts between claims")
def conflicts(request: CallerRequest, question: Query[ConflictQuestion]) -> list[reads.ConflictRow]:
    return reads.conflicts(request.actor, request.now, **question.dict())


@router.get("/conflicts/{conflict_id}", response=reads.ConflictView, summary="Show a conflict")
def conflict(request: CallerRequest, conflict_id: str) -> reads.ConflictView:
    return reads.conflict(request.actor, request.now, conflict_id)


@router.post(
    "/conflicts/{conflict_id}/rulings",
    response={201: ConflictRulingMade},
    summary="Rule on a conflict",
)
def rule_on_conflict(
    request: CallerRequest, conflict_id: str, new: NewConflictRuling
) -> Status[ConflictRuling]:
    made = actions.rule_on_conflict(
        actor=request.actor, now=request.now, conflict_id=conflict_id, **new.dict()
    )
    return Status(201, made)


@router.get(
    "/precedents", response=list[reads.Precedent], summary="Search how conflicts were ruled on"
)
def precedents(request: CallerRequest, question: Query[PrecedentQuestion]) -> list[reads.Precedent]:
    return reads.precedents(request.actor, request.now, **question.dict())
