"""Product teams and their offers as REST resources."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any

from django.http import HttpResponse
from pydantic import Field

from patronage.access.requests import CallerRequest
from patronage.customize import actions, reads
from patronage.customize.actions import Proposal, Wording
from patronage.customize.api.answers import Strict, answer, router
from patronage.customize.api.rulings import ruling_content
from patronage.customize.models import Offer
from patronage.customize.options import Option


class TeamIn(Strict):
    """A product team and the people who own its offers."""

    name: str = Field(min_length=1, max_length=100)
    members: list[Annotated[str, Field(max_length=254)]] = Field(max_length=100)


class SalesTargetIn(Strict):
    """What a team means to sell this quarter."""

    team: str = Field(min_length=1, max_length=100)
    amount_minor: Annotated[int, Field(ge=0, le=10**15, strict=True)]


class TreatmentIn(Strict):
    """What an offer says in one channel."""

    channel: str
    wording: str
    cost_minor: int | None = None


class OptionIn(Strict):
    """What a customer may add, with what it needs and excludes."""

    name: str = Field(max_length=60)
    price_minor: int
    needs: list[str] = Field(default_factory=list, max_length=20)
    excludes: list[str] = Field(default_factory=list, max_length=20)

    def option(self) -> Option:
        """The same as the action takes it."""
        return Option(
            name=self.name,
            price_minor=self.price_minor,
            needs=tuple(self.needs),
            excludes=tuple(self.excludes),
        )


class OfferIn(Strict):
    """An offer as its team proposes it."""

    ref: str
    team: str
    name: str
    category: str
    department: str
    face_value_minor: int
    redemption_cost_minor: int
    valid_from: datetime
    treatments: list[TreatmentIn] = Field(max_length=20)
    description: str = ""
    need: str = ""
    eligibility: str = Field("", max_length=4000)
    valid_until: datetime | None = None
    options: list[OptionIn] = Field(default_factory=list, max_length=20)

    def proposal(self) -> Proposal:
        """The same as the action takes it."""
        content = self.dict()
        content["treatments"] = [Wording(**each) for each in content["treatments"]]
        content["options"] = [each.option() for each in self.options]
        return Proposal(**content)


class Withdrawal(Strict):
    """Why an offer is closed."""

    reason: str = Field(min_length=1, max_length=400)


@router.get("/offers", summary="List offers, how they are ruled and what came of them")
def offers(request: CallerRequest) -> HttpResponse:
    return answer({"offers": [_view(each) for each in reads.offers(request.actor, request.now)]})


@router.get("/offers/{offer_id}", summary="Give an offer")
def offer(request: CallerRequest, offer_id: str) -> HttpResponse:
    return answer(_view(reads.offer(request.actor, offer_id, request.now)))


@router.post("/product-teams", summary="Create a product team or add people to it")
def create_team(request: CallerRequest, body: TeamIn) -> HttpResponse:
    made = actions.create_team(
        actor=request.actor, now=request.now, name=body.name, members=body.members
    )
    return answer({"id": made.id, "name": made.name}, status=201)


@router.get("/sales-targets", summary="List what my teams mean to sell this quarter")
def sales_targets(request: CallerRequest) -> HttpResponse:
    found = reads.sales_targets(request.actor, request.now)
    return answer({"sales_targets": [asdict(each) for each in found]})


@router.post("/sales-targets", summary="Say what a team means to sell this quarter")
def set_sales_target(request: CallerRequest, body: SalesTargetIn) -> HttpResponse:
    made = actions.set_sales_target(
        actor=request.actor, now=request.now, team=body.team, amount_minor=body.amount_minor
    )
    said = {"team": body.team, "period": made.period, "amount_minor": made.amount_minor}
    return answer(said | {"currency": made.currency}, status=201)


@router.post("/offers", summary="Propose offers")
def propose(request: CallerRequest, body: list[OfferIn]) -> HttpResponse:
    rows = [each.proposal() for each in body]
    made = actions.propose_offers(actor=request.actor, now=request.now, rows=rows)
    return answer({"offers": [_offer(each) for each in made]}, status=201)


@router.post("/offers/{offer_id}/versions", summary="Submit a new version of an offer")
def resubmit(request: CallerRequest, offer_id: str, body: OfferIn) -> HttpResponse:
    made = actions.resubmit_offer(
        actor=request.actor, now=request.now, offer_id=offer_id, row=body.proposal()
    )
    return answer(_offer(made), status=201)


@router.post("/offers/{offer_id}/withdrawal", summary="Withdraw an offer")
def withdraw(request: CallerRequest, offer_id: str, body: Withdrawal) -> HttpResponse:
    done = actions.withdraw_offer(
        actor=request.actor, now=request.now, offer_id=offer_id, reason=body.reason
    )
    return answer(_offer(done))


def _view(view: reads.OfferView) -> dict[str, Any]:
    return {
        **_offer(view.offer),
        "treatments": [
            {"id": t.id, "channel": t.channel, "wording": t.wording, "cost_minor": t.cost_minor}
            for t in view.treatments
        ],
        "portfolios": [
            {
                "portfolio_id": place.portfolio_id,
                "portfolio": place.portfolio,
                "ruling": None if place.ruling is None else ruling_content(place.ruling),
                "reasons": [asdict(each) for each in place.reasons],
                "offered": place.offered,
                "withheld": place.withheld,
            }
            for place in view.portfolios
        ],
    }


_OFFER = (
    "id",
    "ref",
    "name",
    "description",
    "category",
    "department",
    "need",
    "face_value_minor",
    "redemption_cost_minor",
    "currency",
    "eligibility",
    "valid_from",
    "valid_until",
    "proposed_at",
    "options",
    "version",
    "replaces_id",
)


def _offer(offer: Offer) -> dict[str, Any]:
    return {"team": offer.team.name, **{name: getattr(offer, name) for name in _OFFER}}
