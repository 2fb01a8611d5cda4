"""Who stands where in a ranking by judgement, why, and how far that agrees with value."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np
import polars as pl
from django.db.models import Count

from patronage.access.errors import NotFound
from patronage.access.models import User
from patronage.access.roles import SYSTEM_ID, Actor, Right
from patronage.differentiate.models import (
    LatestValuation,
    RankedClient,
    Ranking,
    RankingCriterion,
    RankingVote,
    RankMove,
)
from patronage.differentiate.reads.in_sight import in_scope, labels_of

#: Fewer clients with both a place and a value say nothing about agreement.
FEWEST_CORRELATED: Final = 4
#: standard normal quantile at 97.5 %
_REACH: Final = 1.959963984540054


@dataclass(frozen=True, slots=True, kw_only=True)
class RankingHead:
    """A ranking, and how far it is."""

    id: str
    name: str
    purpose: str
    opened_by: str
    opened_at: datetime
    #: None while it is open
    reviewed_by: str | None
    reviewed_at: datetime | None
    clients: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """Somebody put the client into another place than the votes gave."""

    place: int
    reason: str
    by: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A client's place; money in minor units."""

    customer_id: str
    label: str
    #: from 1; None until every criterion has a vote
    place: int | None
    #: place by the votes alone
    place_by_votes: int | None
    #: weighted mean of the criteria's mean scores, 0 to 10; None until every criterion has a vote
    score: float | None
    #: mean score by criterion; absent where nobody voted
    by_criterion: Mapping[str, float]
    voters: int
    moves: Sequence[Move]
    #: None if never valued
    value_minor: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """Spearman's correlation between places and lifetime values: 1 where they agree."""

    clients: int
    correlation: float
    #: 95 % interval (Bonett and Wright, 2000)
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RankingView:
    """A ranking as its reader may see it."""

    head: RankingHead
    #: weight by criterion, as a share of all
    criteria: Mapping[str, float]
    #: in the reader's scope, by place; those without one last
    places: Sequence[Place]
    #: clients outside the reader's scope
    out_of_sight: int
    #: of the clients in the reader's scope; None with too few that have both
    agreement: Agreement | None


def rankings(actor: Actor) -> list[RankingHead]:
    """Every ranking, newest first."""
    actor.require(Right.SEE_PROFITABILITY)
    found = list(Ranking.objects.order_by("-opened_at", "id"))
    names = _names({row.opened_by for row in found} | {row.reviewed_by for row in found})
    clients = dict(
        RankedClient.objects.order_by().values_list("ranking").annotate(clients=Count("pk"))
    )
    return [_head(row, names, clients.get(row.pk, 0)) for row in found]


def ranking(actor: Actor, ranking_id: str, now: datetime) -> RankingView:
    """Show one ranking.

    Raises:
        NotFound: there is none.
    """
    actor.require(Right.SEE_PROFITABILITY)
    row = Ranking.objects.filter(pk=ranking_id).first()
    if row is None:
        raise NotFound(noun="ranking", id=ranking_id)
    moves = list(RankMove.objects.filter(client__ranking=row).order_by("moved_at", "id"))
    names = _names({row.opened_by, row.reviewed_by, *(move.actor_id for move in moves)})
    order = standing_order(row)
    shown = in_scope(order, actor, now)
    ids = shown["customer_id"].to_list()
    labels = labels_of(ids)
    values = dict(
        LatestValuation.objects.filter(customer_id__in=ids).values_list(
            "customer_id", "value_minor"
        )
    )
    by_client: dict[int, list[Move]] = {}
    for move in moves:
        made = Move(
            place=move.place,
            reason=move.reason,
            by=names.get(move.actor_id, move.actor_id),
            at=move.moved_at,
        )
        by_client.setdefault(move.client_id, []).append(made)
    criteria = _weights(row)
    return RankingView(
        head=_head(row, names, len(order)),
        criteria=criteria,
        places=[
            Place(
                customer_id=each["customer_id"],
                label=labels[each["customer_id"]],
                place=each["place"],
                place_by_votes=each["place_by_votes"],
                score=each["score"],
                by_criterion={
                    name: each[f"by {name}"] for name in criteria if each[f"by {name}"] is not None
                },
                voters=each["voters"],
                moves=by_client.get(each["client_id"], []),
                value_minor=values.get(each["customer_id"]),
            )
            for each in shown.to_dicts()
        ],
        out_of_sight=len(order) - len(shown),
        agreement=_agreement(shown, values),
    )


def criteria_of(ranking_id: str) -> list[str]:
    """Names of the criteria in the order of a ranking's columns; none of one that is absent."""
    row = Ranking.objects.filter(pk=ranking_id).first()
    return [] if row is None else list(_weights(row))


def standing_order(row: Ranking) -> pl.DataFrame:
    """Every client of a ranking by place.

    A client's score is the weighted mean over all criteria of the mean of the newest vote of each
    voter. Without a vote on some criterion a client has neither score nor place. Equal scores stand
    in the order of their ids. The moves are then made in the order in which they were decided.
    Once a ranking is reviewed, places and scores are those that the review froze.

    Returns:
        `client_id`, `customer_id`, `score`, `place_by_votes`, `place`, `voters` and one
        `by <criterion>` a criterion, NULL where nobody voted; sorted by place, those without last.
    """
    weights = _weights(row)
    clients = pl.DataFrame(
        list(RankedClient.objects.filter(ranking=row).values_list("id", "customer_id")),
        schema={"client_id": pl.Int64, "customer_id": pl.String},
        orient="row",
    )
    votes = pl.DataFrame(
        list(
            RankingVote.objects.filter(client__ranking=row)
            .order_by("cast_at", "id")
            .values_list("client_id", "criterion__name", "voter_id", "score")
        ),
        schema={"client_id": pl.Int64, "name": pl.String, "voter": pl.String, "score": pl.Float64},
        orient="row",
    )
    newest = votes.group_by("client_id", "name", "voter", maintain_order=True).last()
    means = newest.group_by("client_id", "name").agg(pl.col("score").mean())
    table = clients.join(
        newest.group_by("client_id").agg(voters=pl.col("voter").n_unique().cast(pl.Int64)),
        on="client_id",
        how="left",
    ).with_columns(pl.col("voters").fill_null(0))
    for name in weights:
        mine = means.filter(pl.col("name") == name).select(
            "client_id", pl.col("score").alias(f"by {name}")
        )
        table = table.join(mine, on="client_id", how="left")
    weighted = pl.sum_horizontal(
        *(pl.col(f"by {name}") * weight for name, weight in weights.items()), ignore_nulls=False
    )
    scored = table.with_columns(score=weighted).sort(
        ["score", "customer_id"], descending=[True, False], nulls_last=True
    )
    order = _placed(scored, row)
    return order if row.reviewed_at is None else _frozen(order, row)


def _frozen(order: pl.DataFrame, row: Ranking) -> pl.DataFrame:
    kept = pl.DataFrame(
        list(RankedClient.objects.filter(ranking=row).values_list("id", "place", "score")),
        schema={"client_id": pl.Int64, "place": pl.Int64, "score": pl.Float64},
        orient="row",
    )
    return order.drop("place", "score").join(kept, on="client_id", how="left").sort("place")


def _placed(scored: pl.DataFrame, row: Ranking) -> pl.DataFrame:
    """Places by votes, then the moves; a client without a score has no place."""
    order = scored.filter(pl.col("score").is_not_null())["client_id"].to_list()
    by_votes = {client: place for place, client in enumerate(order, start=1)}
    for client, place in (
        RankMove.objects.filter(client__ranking=row)
        .order_by("moved_at", "id")
        .values_list("client_id", "place")
    ):
        if client in by_votes:
            order.remove(client)
            order.insert(place - 1, client)
    place_of = {client: place for place, client in enumerate(order, start=1)}
    ids = scored["client_id"].to_list()
    return scored.with_columns(
        place_by_votes=pl.Series([by_votes.get(each) for each in ids], dtype=pl.Int64),
        place=pl.Series([place_of.get(each) for each in ids], dtype=pl.Int64),
    ).sort(["place", "customer_id"], nulls_last=True)


def _weights(row: Ranking) -> dict[str, float]:
    rows = RankingCriterion.objects.filter(ranking=row).order_by("-weight", "name")
    weights = dict(rows.values_list("name", "weight"))
    whole = sum(weights.values())
    return {name: weight / whole for name, weight in weights.items()}


def _agreement(order: pl.DataFrame, values: Mapping[str, int]) -> Agreement | None:
    """Spearman's rank correlation of places (the first is the best) with values."""
    known = [
        (-place, values[customer])
        for customer, place in order.select("customer_id", "place").rows()
        if place is not None and customer in values
    ]
    if len(known) < FEWEST_CORRELATED:
        return None
    ranks = [pl.Series(each).rank("average").to_numpy() for each in zip(*known, strict=True)]
    if any(np.ptp(each) == 0 for each in ranks):
        return None
    found = float(np.clip(np.corrcoef(ranks[0], ranks[1])[0, 1], -1.0, 1.0))
    reach = _REACH * math.sqrt((1 + found**2 / 2) / (len(known) - 3))
    middle = math.atanh(min(max(found, -0.999999), 0.999999))
    return Agreement(
        clients=len(known),
        correlation=found,
        low=math.tanh(middle - reach),
        high=math.tanh(middle + reach),
    )


def _names(people: set[str]) -> dict[str, str]:
    found = User.objects.filter(id__in=people - {""}).values_list("id", "name")
    return {SYSTEM_ID: "System", **dict(found)}


def _head(row: Ranking, names: Mapping[str, str], clients: int) -> RankingHead:
    return RankingHead(
        id=row.id,
        name=row.name,
        purpose=row.purpose,
        opened_by=names.get(row.opened_by, row.opened_by),
        opened_at=row.opened_at,
        reviewed_by=names.get(row.reviewed_by, row.reviewed_by) or None,
        reviewed_at=row.reviewed_at,
        clients=clients,
    )
