"""Decisions, runs and the price tags of rules as REST resources."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from datetime import date
from typing import Annotated, Any, Literal

from django.http import HttpResponse
from ninja import Header, Status
from pydantic import Field

from patronage.access.idempotency import answer_once
from patronage.access.requests import CallerRequest
from patronage.customize import actions, jobs, reads
from patronage.customize.api.answers import Id, Strict, answer, as_json, router
from patronage.customize.log import may_see_scores
from patronage.customize.models import DecisionRun
from patronage.customize.replay import replay

IdempotencyKey = Annotated[str | None, Header(alias="Idempotency-Key")]


class DecisionRequest(Strict):
    """For whom, where and in which moment to decide."""

    customer: Id
    channel: Annotated[str, Field(max_length=20)] | None = None
    placements: Annotated[int, Field(ge=1, le=20, strict=True)] = 1
    context: dict[str, str] = Field(default_factory=dict, max_length=20)
    limit: Annotated[int, Field(ge=1, le=20, strict=True)] = 1


class OptionsIn(Strict):
    """The options that the customer takes."""

    options: list[Annotated[str, Field(max_length=60)]] = Field(max_length=20)


class RunIn(Strict):
    """The date as of which everybody is decided."""

    as_of: date


class PriceTagIn(Strict):
    """How exactly to price, and the date whose customers are decided; the last run's without it."""

    kind: Literal["estimate", "exact"] = "exact"
    as_of: date | None = None


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
        return 200, as_json({"id": answer.id, **asdict(answer)})

    return _once(request, idempotency_key, effect)


@router.get("/decisions/{decision_id}", summary="Explain a decision")
def decision(request: CallerRequest, decision_id: str) -> HttpResponse:
    view = reads.decision(request.actor, decision_id, request.now)
    again = replay(view.decision)
    made = view.decision
    return answer(
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


@router.post("/decisions/{decision_id}/option-choices", summary="Price a set of options")
def price_options(request: CallerRequest, decision_id: str, body: OptionsIn) -> HttpResponse:
    priced = actions.price_options(
        actor=request.actor, now=request.now, decision_id=decision_id, options=body.options
    )
    return answer(asdict(priced))


@router.get("/customers/{customer_id}/next-best-action", summary="Say what would be decided")
def next_best_action(request: CallerRequest, customer_id: str) -> HttpResponse:
    return answer(asdict(reads.next_best_action(request.actor, customer_id, request.now)))


@router.get("/decision-runs", summary="List the runs that decided everybody")
def decision_runs(request: CallerRequest) -> HttpResponse:
    runs = reads.decision_runs(request.actor)
    return answer({"decision_runs": [_run(each) for each in runs]})


@router.post("/decision-runs", summary="Decide everybody as of a date")
def decide(request: CallerRequest, body: RunIn) -> HttpResponse:
    run = jobs.decide(actor=request.actor, now=request.now, as_of=body.as_of)
    return answer(_run(run), status=201)


def _once(
    request: CallerRequest, key: str | None, effect: Callable[[], tuple[int, str]]
) -> HttpResponse:
    if key is None:
        status, text = effect()
    else:
        status, text = answer_once(request.actor.id, key, request.body, request.now, effect)
    return HttpResponse(text, status=status, content_type="application/json")


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


def _run(run: DecisionRun) -> dict[str, Any]:
    return {name: getattr(run, name) for name in _RUN}
