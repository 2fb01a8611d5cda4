"""Clients ranked by judgement: rankings, votes, moves and reviews as REST resources."""

from __future__ import annotations

from ninja import Schema, Status
from pydantic import Field

from patronage.access.requests import CallerRequest
from patronage.differentiate import actions
from patronage.differentiate.api.router import router
from patronage.differentiate.reads import rankings as reads


class NewRanking(Schema):
    """Clients to rank by weighted criteria; `purpose` says why value cannot rank them."""

    name: str = Field(min_length=1, max_length=100)
    purpose: str = Field(min_length=1, max_length=400)
    criteria: dict[str, float] = Field(description="weight by name, above 0")
    customer_ids: list[str] = Field(min_length=1, max_length=1000)


class NewVotes(Schema):
    """Your scores of one client, 0 to 10 by criterion; your newest ones count."""

    customer_id: str = Field(max_length=40)
    scores: dict[str, int]


class NewMove(Schema):
    """Put a client into another place than the votes give; the reason is shown with it."""

    customer_id: str = Field(max_length=40)
    place: int = Field(ge=1, le=1000)
    reason: str = Field(max_length=400)


@router.get("/rankings", response=list[reads.RankingHead], summary="List the rankings by judgement")
def rankings(request: CallerRequest) -> list[reads.RankingHead]:
    return reads.rankings(request.actor)


@router.post("/rankings", response={201: reads.RankingView}, summary="Open a ranking")
def open_ranking(request: CallerRequest, new: NewRanking) -> Status[reads.RankingView]:
    made = actions.open_ranking(actor=request.actor, now=request.now, **new.dict())
    return Status(201, reads.ranking(request.actor, made.id, request.now))


@router.get("/rankings/{ranking_id}", response=reads.RankingView, summary="Show a ranking")
def ranking(request: CallerRequest, ranking_id: str) -> reads.RankingView:
    return reads.ranking(request.actor, ranking_id, request.now)


@router.post(
    "/rankings/{ranking_id}/votes",
    response={201: reads.RankingView},
    summary="Score a client of a ranking",
)
def vote(request: CallerRequest, ranking_id: str, new: NewVotes) -> Status[reads.RankingView]:
    actions.vote(actor=request.actor, now=request.now, ranking_id=ranking_id, **new.dict())
    return Status(201, reads.ranking(request.actor, ranking_id, request.now))


@router.post(
    "/rankings/{ranking_id}/moves",
    response={201: reads.RankingView},
    summary="Change a client's rank, for a reason",
)
def move(request: CallerRequest, ranking_id: str, new: NewMove) -> Status[reads.RankingView]:
    actions.move_client(actor=request.actor, now=request.now, ranking_id=ranking_id, **new.dict())
    return Status(201, reads.ranking(request.actor, ranking_id, request.now))


@router.post(
    "/rankings/{ranking_id}/review",
    response={201: reads.RankingView},
    summary="Review another person's ranking; it is frozen from then on",
)
def review(request: CallerRequest, ranking_id: str) -> Status[reads.RankingView]:
    actions.review_ranking(actor=request.actor, now=request.now, ranking_id=ranking_id)
    return Status(201, reads.ranking(request.actor, ranking_id, request.now))
