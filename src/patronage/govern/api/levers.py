"""Rights to levers, their use, boundaries and what customers pay, as REST resources."""

from __future__ import annotations

from typing import Literal

from ninja import Query, Schema, Status
from pydantic import AwareDatetime, Field

from patronage.access.requests import CallerRequest
from patronage.govern import actions, reads
from patronage.govern.api.router import router
from patronage.govern.boundaries import NewBoundary
from patronage.govern.models import Boundary, Grant, LeverUse
from patronage.govern.said import Said


class NewGrant(Schema):
    """A lever for a portfolio's manager, or for everybody in a role."""

    lever: str = Field(max_length=16)
    limit: int
    per: str = Field("use", max_length=16)
    portfolio_id: str = Field("", max_length=40)
    role: str = Field("", max_length=24)
    reason: str = Field(min_length=1, max_length=400)
    starts_at: AwareDatetime | None = None
    ends_at: AwareDatetime | None = None


class NewPart(Schema):
    """A part of one's own right, passed on to a person."""

    person_id: str = Field(max_length=40)
    limit: int
    reason: str = Field(min_length=1, max_length=400)
    starts_at: AwareDatetime | None = None
    ends_at: AwareDatetime | None = None


class GrantMade(Schema):
    """The right as it stands."""

    id: str
    lever: str
    portfolio_id: str | None
    role: str
    person_id: str | None
    part_of_id: str | None
    limit: int
    per: str
    starts_at: AwareDatetime
    ends_at: AwareDatetime | None
    reason: str
    end_reason: str


class NewUse(Schema):
    """A lever to pull for a customer: basis points, minor units or times."""

    customer_id: str = Field(max_length=40)
    lever: str = Field(max_length=16)
    amount: int
    category: str = Field("", max_length=120)
    product: str = Field("", max_length=120)
    reason: str = Field(min_length=1, max_length=400)
    valid_until: AwareDatetime | None = None


class UseMade(Schema):
    """The use as it stands: done, waiting, approved, refused or taken_back."""

    id: str
    customer_id: str
    lever: str
    amount: int
    currency: str
    category: str
    product: str
    reason: str
    made_by: str
    made_at: AwareDatetime
    state: str
    waits_for: str
    grant_id: str | None
    reasons: list[dict[str, str]]
    valid_from: AwareDatetime | None
    valid_until: AwareDatetime | None

    @staticmethod
    def resolve_reasons(use: LeverUse) -> list[dict[str, str]]:
        """Each with kind, id and words in the language of whoever asks."""
        return [
            {"kind": each["kind"], "id": each["id"], "words": str(Said.from_json(each))}
            for each in use.reasons
        ]


class NewLeverRuling(Schema):
    """What is said of a use, and why."""

    ruling: str = Field(max_length=12)
    reason: str = Field(min_length=1, max_length=400)


class Why(Schema):
    """Why a right or a boundary ends."""

    reason: str = Field(min_length=1, max_length=400)


class WantedBoundary(Schema):
    """A boundary to set; without a limit where its kind forbids."""

    name: str = Field(max_length=100)
    kind: str = Field(max_length=12)
    source: str = Field(max_length=8)
    when: str = Field("", max_length=100_000)
    category: str = Field("", max_length=120)
    product: str = Field("", max_length=120)
    limit: int | None = None
    unit: str = Field("", max_length=12)
    per: str = Field("use", max_length=16)
    role: str = Field("", max_length=24)


class NewBoundaryRow(WantedBoundary):
    """The same with why, and from when on it holds."""

    reason: str = Field(min_length=1, max_length=400)
    valid_from: AwareDatetime | None = None


class BoundaryMade(WantedBoundary):
    """The boundary as it was set, or lifted."""

    id: str
    lifted: bool
    reason: str
    valid_from: AwareDatetime


class UseQuestion(Schema):
    """Which uses; the newest 200."""

    customer_id: str = Field("", max_length=40)
    state: Literal["", "done", "waiting", "approved", "refused", "taken_back"] = ""


class TermsQuestion(Schema):
    """A product or a category."""

    product: str = Field("", max_length=120)
    category: str = Field("", max_length=120)


class NewListPrices(Schema):
    """List prices by product, minor units, from now on."""

    prices: dict[str, int]
    reason: str = Field(min_length=1, max_length=400)


class PricesTold(Schema):
    """How many were kept."""

    products: int


@router.get("/my-levers", response=reads.MyLevers, summary="Say what I may do with which levers")
def my_levers(request: CallerRequest) -> reads.MyLevers:
    return reads.my_levers(request.actor, request.now)


@router.get("/grants", response=list[reads.GrantRow], summary="List rights to levers")
def grants(request: CallerRequest) -> list[reads.GrantRow]:
    return reads.grants(request.actor, request.now)


@router.post("/grants", response={201: GrantMade}, summary="Grant a lever")
def grant(request: CallerRequest, new: NewGrant) -> Status[Grant]:
    made = actions.grant_lever(actor=request.actor, now=request.now, **new.dict())
    return Status(201, made)


@router.post(
    "/grants/{grant_id}/parts", response={201: GrantMade}, summary="Pass a part of a right on"
)
def delegate(request: CallerRequest, grant_id: str, new: NewPart) -> Status[Grant]:
    made = actions.delegate_lever(
        actor=request.actor, now=request.now, grant_id=grant_id, **new.dict()
    )
    return Status(201, made)


@router.post("/grants/{grant_id}/ends", response={201: GrantMade}, summary="End a right early")
def end_grant(request: CallerRequest, grant_id: str, new: Why) -> Status[Grant]:
    done = actions.end_grant(
        actor=request.actor, now=request.now, grant_id=grant_id, reason=new.reason
    )
    return Status(201, done)


@router.get("/lever-uses", response=list[reads.UseRow], summary="List how levers were used")
def lever_uses(request: CallerRequest, question: Query[UseQuestion]) -> list[reads.UseRow]:
    return reads.lever_uses(request.actor, request.now, **question.dict())


@router.post("/lever-uses", response={201: UseMade}, summary="Pull a lever for a customer")
def pull(request: CallerRequest, new: NewUse) -> Status[LeverUse]:
    made = actions.pull_lever(actor=request.actor, now=request.now, **new.dict())
    return Status(201, made)


@router.post(
    "/lever-uses/{use_id}/rulings",
    response={201: UseMade},
    summary="Approve, refuse, review or take back a use",
)
def rule_on_use(request: CallerRequest, use_id: str, new: NewLeverRuling) -> Status[LeverUse]:
    done = actions.rule_on_lever(actor=request.actor, now=request.now, use_id=use_id, **new.dict())
    return Status(201, done)


@router.get(
    "/boundaries", response=list[reads.BoundaryRow], summary="List what the enterprise forbids"
)
def boundaries(request: CallerRequest) -> list[reads.BoundaryRow]:
    return reads.boundaries(request.actor, request.now)


@router.post("/boundaries", response={201: BoundaryMade}, summary="Set a boundary")
def set_boundary(request: CallerRequest, new: NewBoundaryRow) -> Status[Boundary]:
    given = new.dict()
    why, starts = given.pop("reason"), given.pop("valid_from")
    made = actions.set_boundary(
        actor=request.actor,
        now=request.now,
        new=NewBoundary(**given),
        reason=why,
        valid_from=starts,
    )
    return Status(201, made)


@router.post(
    "/boundary-previews", response=reads.Touched, summary="Say whom a boundary would touch"
)
def preview(request: CallerRequest, new: WantedBoundary) -> reads.Touched:
    return reads.touched(request.actor, request.now, NewBoundary(**new.dict()))


@router.post(
    "/boundaries/{boundary_id}/lifts", response={201: BoundaryMade}, summary="Lift a boundary"
)
def lift(request: CallerRequest, boundary_id: str, new: Why) -> Status[Boundary]:
    done = actions.lift_boundary(
        actor=request.actor, now=request.now, boundary_id=boundary_id, reason=new.reason
    )
    return Status(201, done)


@router.get(
    "/customers/{customer_id}/terms",
    response=reads.CustomerTerms,
    summary="Say what a customer pays",
)
def terms(
    request: CallerRequest, customer_id: str, question: Query[TermsQuestion]
) -> reads.CustomerTerms:
    return reads.terms(request.actor, customer_id, request.now, **question.dict())


@router.post("/list-prices", response={201: PricesTold}, summary="Tell list prices")
def list_prices(request: CallerRequest, new: NewListPrices) -> Status[PricesTold]:
    told = actions.tell_list_prices(actor=request.actor, now=request.now, **new.dict())
    return Status(201, PricesTold(products=told))
