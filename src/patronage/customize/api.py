"""Offers, the gate and decisions as REST resources."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from datetime import date, datetime
from typing import Annotated, Any, Literal

from django.core.serializers.json import DjangoJSONEncoder
from django.http import HttpResponse
from ninja import Header, Query, Router, Schema, Status
from pydantic import ConfigDict, Field

from patronage.access.idempotency import answer_once
from patronage.access.requests import CallerRequest
from patronage.customize import actions, jobs, reads
from patronage.customize.actions import Proposal, Wording
from patronage.customize.log import may_see_scores
from patronage.customize.models import DecisionRun, Offer, Ruling
from patronage.customize.replay import replay

router = Router(tags=["customize"])
#: Ids that paths carry.
Id = Annotated[str, Field(min_length=1, max_length=40)]
IdempotencyKey = Annotated[str | None, Header(alias="Idempotency-Key")]


class Strict(Schema):
    """A body in which an unknown key is refused."""

    model_config = ConfigDict(extra="forbid")


class DecisionRequest(Strict):
    """For whom, where and in which moment to decide."""

    customer: Id
    channel: Annotated[str, Field(max_length=20)] | None = None
    placements: Annotated[int, Field(ge=1, le=20, strict=True)] = 1
    context: dict[str, str] = Field(default_factory=dict, max_length=20)
    limit: Annotated[int, Field(ge=1, le=20, strict=True)] = 1


class TeamIn(Strict):
    """A product team and the people who own its offers."""

    name: str = Field(min_length=1, max_length=100)
    members: list[Annotated[str, Field(max_length=254)]] = Field(max_length=100)


class TreatmentIn(Strict):
    """What an offer says in one channel."""

    channel: str
    wording: str
    cost_minor: int | None = None


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

    def proposal(self) -> Proposal:
        """The same as the action takes it."""
        content = self.dict()
        content["treatments"] = [Wording(**each) for each in content["treatments"]]
        return Proposal(**content)


class Withdrawal(Strict):
    """Why an offer is closed."""

    reason: str = Field(min_length=1, max_length=400)


class RulingIn(Strict):
    """A manager's word on an offer; `preview` only says what it would cost."""

    offer_id: Id
    portfolio_id: Id
    effect: str
    reason_code: str = "fits"
    reason: str = ""
    adaptation: dict[str, Any] = Field(default_factory=dict)
    preview: bool = False


class RunIn(Strict):
    """The date as of which everybody is decided."""

    as_of: date


class PriceTagIn(Strict):
    """How exactly to price, and the date whose customers are decided; the last run's without it."""

    kind: Literal["estimate", "exact"] = "exact"
    as_of: date | None = None


class GateQuestion(Schema):
    """Which offers at the gate to give."""

    state: Literal["waiting", "ruled"] | None = None


@router.get(
    "/policy-versions/{version_id}/price-tags",
    response=list[reads.PriceTagRow],
    summary="List what a version of rules was said to change",
)
def price_tags(request: CallerRequest, version_id: str) -> list[reads.PriceTagRow]:
    return reads.price_tags(request.actor, version_id, request.now)


@router.post(
    "/policy-versions/{version_id}/price-tags",
    response={201: reads.PriceTagRow},
    summary="Say what a version of rules would change and cost",
)
def price(request: CallerRequest, version_id: str, body: PriceTagIn) -> Status[reads.PriceTagRow]:
    made = actions.price_policy(
        actor=request.actor, now=request.now, version_id=version_id, **body.dict()
    )
    found = reads.price_tags(request.actor, version_id, request.now)
    return Status(201, next(each for each in found if each.id == made.id))


@router.post("/decisions", summary="Decide for a customer now")
def decide_now(
    request: CallerRequest, body: DecisionRequest, idempotency_key: IdempotencyKey = None
) -> HttpResponse:
    def effect() -> tuple[int, str]:
        answer = actions.decide_now(
            actor=request.actor,
            now=request.now,
            customer_id=body.customer,
            channel=body.channel,
            placements=body.placements,
            context=dict(body.context),
            limit=body.limit,
        )
        return 200, _json({"id": answer.id, **asdict(answer)})

    return _once(request, idempotency_key, effect)


@router.get("/decisions/{decision_id}", summary="Explain a decision")
def decision(request: CallerRequest, decision_id: str) -> HttpResponse:
    view = reads.decision(request.actor, decision_id, request.now)
    again = replay(view.decision)
    made = view.decision
    return _answer(
        {
            "id": made.id,
            "customer_id": made.customer_id,
            "portfolio_id": made.portfolio_id,
            "run_id": made.run_id,
            "at": made.at,
            "channel": made.channel,
            "outcome": made.outcome,
            "outcome_text": view.outcome_text,
            "treatment_id": made.treatment_id,
            "score_minor": made.score_minor if may_see_scores(request.actor) else None,
            "propensity": made.propensity,
            "held_out": made.held_out,
            "contact_id": None if view.contact is None else view.contact.id,
            "versions": made.versions,
            "candidates": [asdict(each) for each in view.candidates],
            "replays_equal": again.equal,
        }
    )


@router.get("/customers/{customer_id}/next-best-action", summary="Say what would be decided")
def next_best_action(request: CallerRequest, customer_id: str) -> HttpResponse:
    return _answer(asdict(reads.next_best_action(request.actor, customer_id, request.now)))


@router.get("/offers", summary="List offers, how they are ruled and what came of them")
def offers(request: CallerRequest) -> HttpResponse:
    return _answer({"offers": [_view(each) for each in reads.offers(request.actor, request.now)]})


@router.get("/offers/{offer_id}", summary="Give an offer")
def offer(request: CallerRequest, offer_id: str) -> HttpResponse:
    return _answer(_view(reads.offer(request.actor, offer_id, request.now)))


@router.post("/product-teams", summary="Create a product team or add people to it")
def create_team(request: CallerRequest, body: TeamIn) -> HttpResponse:
    made = actions.create_team(
        actor=request.actor, now=request.now, name=body.name, members=body.members
    )
    return _answer({"id": made.id, "name": made.name}, status=201)


@router.post("/offers", summary="Propose offers")
def propose(request: CallerRequest, body: list[OfferIn]) -> HttpResponse:
    rows = [each.proposal() for each in body]
    made = actions.propose_offers(actor=request.actor, now=request.now, rows=rows)
    return _answer({"offers": [_offer(each) for each in made]}, status=201)


@router.post("/offers/{offer_id}/withdrawal", summary="Withdraw an offer")
def withdraw(request: CallerRequest, offer_id: str, body: Withdrawal) -> HttpResponse:
    done = actions.withdraw_offer(
        actor=request.actor, now=request.now, offer_id=offer_id, reason=body.reason
    )
    return _answer(_offer(done))


@router.get("/gate", summary="List the offers at my gate")
def gate(request: CallerRequest, question: Query[GateQuestion]) -> HttpResponse:
    rows = reads.gate(request.actor, request.now, state=question.state)
    return _answer({"gate": [asdict(each) for each in rows]})


@router.post("/rulings", summary="Rule on an offer, or see what a ruling would cost")
def rule(request: CallerRequest, body: RulingIn) -> HttpResponse:
    if body.preview:
        preview = actions.preview_ruling(
            actor=request.actor,
            now=request.now,
            offer_id=body.offer_id,
            portfolio_id=body.portfolio_id,
            effect=body.effect,
            adaptation=body.adaptation,
        )
        return _answer(asdict(preview))
    ruling = actions.rule(
        actor=request.actor,
        now=request.now,
        offer_id=body.offer_id,
        portfolio_id=body.portfolio_id,
        effect=body.effect,
        reason_code=body.reason_code,
        reason=body.reason,
        adaptation=body.adaptation,
    )
    return _answer(_ruling(ruling), status=201)


@router.get("/decision-runs", summary="List the runs that decided everybody")
def decision_runs(request: CallerRequest) -> HttpResponse:
    runs = reads.decision_runs(request.actor)
    return _answer({"decision_runs": [_run(each) for each in runs]})


@router.post("/decision-runs", summary="Decide everybody as of a date")
def decide(request: CallerRequest, body: RunIn) -> HttpResponse:
    run = jobs.decide(actor=request.actor, now=request.now, as_of=body.as_of)
    return _answer(_run(run), status=201)


def _once(
    request: CallerRequest, key: str | None, effect: Callable[[], tuple[int, str]]
) -> HttpResponse:
    if key is None:
        status, text = effect()
    else:
        status, text = answer_once(request.actor.id, key, request.body, request.now, effect)
    return HttpResponse(text, status=status, content_type="application/json")


def _answer(content: dict[str, Any], status: int = 200) -> HttpResponse:
    return HttpResponse(_json(content), status=status, content_type="application/json")


def _json(content: dict[str, Any]) -> str:
    return json.dumps(content, cls=DjangoJSONEncoder, ensure_ascii=False)


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
                "ruling": None if place.ruling is None else _ruling(place.ruling),
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
)
_RULING = (
    "id",
    "offer_id",
    "portfolio_id",
    "effect",
    "adaptation",
    "by_default",
    "reason_code",
    "reason",
    "forgone_minor",
    "gross_forgone_minor",
    "valid_from",
    "recorded_at",
    "actor_name",
)
_RUN = (
    "id",
    "as_of",
    "valuation_run_id",
    "response_model_id",
    "budget_id",
    "policy_digest",
    "prices",
    "certificate",
    "counts",
    "created_at",
)


def _offer(offer: Offer) -> dict[str, Any]:
    return {"team": offer.team.name, **{name: getattr(offer, name) for name in _OFFER}}


def _ruling(ruling: Ruling) -> dict[str, Any]:
    return {name: getattr(ruling, name) for name in _RULING}


def _run(run: DecisionRun) -> dict[str, Any]:
    return {name: getattr(run, name) for name in _RUN}
