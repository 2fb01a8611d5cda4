"""What someone may do to a ranking by judgement: open it, vote, move a client, review it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from patronage.access.audit import record
from patronage.access.errors import NotFound
from patronage.access.roles import Actor, Right
from patronage.access.texts import checked
from patronage.access.transactions import atomic
from patronage.differentiate.errors import (
    NotScored,
    RankingIncomplete,
    RankingMalformed,
    RankingReviewed,
    ReasonMissing,
    SecondReviewerNeeded,
)
from patronage.differentiate.models.rankings import (
    BEST_SCORE,
    LONGEST_CRITERION,
    LONGEST_NAME,
    LONGEST_PURPOSE,
    LONGEST_REASON,
    RankedClient,
    Ranking,
    RankingCriterion,
    RankingVote,
    RankMove,
)
from patronage.differentiate.reads.rankings import standing_order
from patronage.identify.in_sight import customers_in_sight


def open_ranking(
    *,
    actor: Actor,
    now: datetime,
    name: str,
    purpose: str,
    criteria: Mapping[str, float],
    customer_ids: Sequence[str],
) -> Ranking:
    """Open a ranking of clients by weighted criteria.

    Args:
        purpose: what it is for, and why value cannot rank these clients.
        criteria: weight by name; above 0, only their proportions count.

    Raises:
        NotFound: some client is not in the actor's scope.
        RankingMalformed: no purpose, criterion or client, a weight of 0 or below, or a name taken.
        UnstorableText: the name, the purpose or the name of a criterion is too long.
    """
    actor.require(Right.SET_OBJECTIVE)
    checked(name, what="name", longest=LONGEST_NAME)
    checked(purpose, what="purpose", longest=LONGEST_PURPOSE)
    for each in criteria:
        checked(each, what="name of a criterion", longest=LONGEST_CRITERION)
    ids = list(dict.fromkeys(customer_ids))
    fault = _fault(name, purpose, criteria, ids)
    if fault:
        raise RankingMalformed(fault=fault)
    with atomic():
        _in_scope(actor, now, ids)
        if Ranking.objects.filter(name=name).exists():
            raise RankingMalformed(fault=f"there is a ranking named {name!r}; choose another name")
        made = Ranking.objects.create(name=name, purpose=purpose, opened_by=actor.id, opened_at=now)
        RankingCriterion.objects.bulk_create(
            RankingCriterion(ranking=made, name=each, weight=weight)
            for each, weight in criteria.items()
        )
        RankedClient.objects.bulk_create(
            RankedClient(ranking=made, customer_id=each) for each in ids
        )
        _record(actor, now, made, "open ranking", {"criteria": dict(criteria), "clients": len(ids)})
    return made


def vote(
    *,
    actor: Actor,
    now: datetime,
    ranking_id: str,
    customer_id: str,
    scores: Mapping[str, int],
) -> None:
    """Score a client from 0 to 10 by some of the criteria; one's newest score counts.

    Raises:
        NotFound: there is no such ranking, or no such client of it in the actor's scope.
        RankingReviewed: it is frozen.
        RankingMalformed: no score, an unknown criterion, or a score outside 0 to 10.
    """
    actor.require(Right.SET_OBJECTIVE)
    with atomic():
        row, client = _open_client(actor, now, ranking_id, customer_id)
        known = {each.name: each for each in RankingCriterion.objects.filter(ranking=row)}
        unknown = sorted(set(scores) - set(known))
        if not scores or unknown:
            named = f"found {unknown[0]!r}" if unknown else "found no score"
            raise RankingMalformed(fault=f"{named}; expected some of {', '.join(sorted(known))}")
        for name, score in scores.items():
            if type(score) is not int or not 0 <= score <= BEST_SCORE:
                raise RankingMalformed(
                    fault=f"the score for {name!r} is {score!r}; it is a whole number from 0 to "
                    f"{BEST_SCORE}"
                )
        RankingVote.objects.bulk_create(
            RankingVote(
                criterion=known[name], client=client, score=score, voter_id=actor.id, cast_at=now
            )
            for name, score in scores.items()
        )
        _record(actor, now, row, "vote in ranking", {"customer": customer_id, **scores})


def move_client(
    *,
    actor: Actor,
    now: datetime,
    ranking_id: str,
    customer_id: str,
    place: int,
    reason: str,
) -> None:
    """Put a client into another place than the votes give, for a reason.

    Raises:
        NotFound: there is no such ranking, or no such client of it in the actor's scope.
        RankingReviewed: it is frozen.
        ReasonMissing: the reason is empty.
        UnstorableText: the reason is too long.
        NotScored: the client has no place yet, or there is no such place.
    """
    actor.require(Right.SET_OBJECTIVE)
    with atomic():
        row, client = _open_client(actor, now, ranking_id, customer_id)
        if not reason.strip():
            raise ReasonMissing(what="A change of rank")
        checked(reason.strip(), what="reason", longest=LONGEST_REASON)
        order = standing_order(row)
        placed = order.drop_nulls("place")
        if client.pk not in placed["client_id"].to_list() or not 1 <= place <= len(placed):
            raise NotScored(customer_id=customer_id, place=place, places=len(placed))
        RankMove.objects.create(
            client=client, place=place, reason=reason.strip(), actor_id=actor.id, moved_at=now
        )
        was = placed.filter(placed["client_id"] == client.pk)["place"].item()
        change = {"customer": customer_id, "place": place}
        _record(
            actor,
            now,
            row,
            "move in ranking",
            change,
            reason.strip(),
            before={"customer": customer_id, "place": was},
        )


def review_ranking(*, actor: Actor, now: datetime, ranking_id: str) -> Ranking:
    """Put the second name under a ranking: places and scores are frozen from then on.

    Raises:
        NotFound: there is no such ranking.
        RankingReviewed: it was reviewed before.
        SecondReviewerNeeded: the actor opened it, or moved somebody in it.
        RankingIncomplete: some client has no vote on some criterion.
    """
    actor.require(Right.SET_OBJECTIVE)
    with atomic():
        row = _open(ranking_id)
        movers = RankMove.objects.filter(client__ranking=row, actor_id=actor.id)
        if actor.id == row.opened_by or movers.exists():
            raise SecondReviewerNeeded(name=row.name)
        order = standing_order(row)
        missing = order["place"].null_count()
        if missing:
            raise RankingIncomplete(name=row.name, missing=missing, clients=len(order))
        clients = {each.pk: each for each in RankedClient.objects.filter(ranking=row)}
        for each in order.to_dicts():
            client = clients[each["client_id"]]
            client.place, client.score = each["place"], each["score"]
        RankedClient.objects.bulk_update(list(clients.values()), ["place", "score"])
        row.reviewed_by, row.reviewed_at = actor.id, now
        row.save(update_fields=["reviewed_by", "reviewed_at"])
        _record(
            actor,
            now,
            row,
            "review ranking",
            {"clients": len(order), "state": "reviewed"},
            before={"state": "open"},
        )
    return row


def _fault(name: str, purpose: str, criteria: Mapping[str, float], ids: Sequence[str]) -> str:
    """What is wrong with it, in words; empty where nothing is."""
    if not name.strip() or not purpose.strip():
        return "it needs a name and a purpose that says why value cannot rank these clients"
    if not criteria or not ids:
        return "it needs at least one criterion and one client"
    for each, weight in criteria.items():
        if not each.strip() or not 0 < weight < float("inf"):
            return f"criterion {each!r} has the weight {weight}; it is a number above 0"
    return ""


def _open(ranking_id: str) -> Ranking:
    row = Ranking.objects.select_for_update().filter(pk=ranking_id).first()
    if row is None:
        raise NotFound(noun="ranking", id=ranking_id)
    if row.reviewed_at is not None:
        raise RankingReviewed(name=row.name)
    return row


def _open_client(
    actor: Actor, now: datetime, ranking_id: str, customer_id: str
) -> tuple[Ranking, RankedClient]:
    row = _open(ranking_id)
    _in_scope(actor, now, [customer_id])
    client = RankedClient.objects.filter(ranking=row, customer_id=customer_id).first()
    if client is None:
        raise NotFound(noun="customer", id=customer_id)
    return row, client


def _in_scope(actor: Actor, now: datetime, customer_ids: Sequence[str]) -> None:
    seen = customers_in_sight(actor, now).filter(id__in=customer_ids)
    known = set(seen.values_list("id", flat=True))
    for each in customer_ids:
        if each not in known:
            raise NotFound(noun="customer", id=each)


def _record(
    actor: Actor,
    now: datetime,
    row: Ranking,
    action: str,
    change: Mapping[str, object],
    reason: str = "",
    *,
    before: Mapping[str, object] | None = None,
) -> None:
    record(
        actor=actor,
        now=now,
        action=action,
        subject_kind="ranking",
        subject_id=row.id,
        right=Right.SET_OBJECTIVE,
        reason=reason or row.purpose,
        before=dict(before or {}),
        change=dict(change),
    )
