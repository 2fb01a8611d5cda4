"""Ranking by judgement: weighted votes, moves with a reason, a second reviewer, then frozen."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import Q
from django.test import Client
from django.test.utils import CaptureQueriesContext
from scipy.stats import spearmanr

from patronage.access.errors import NotAllowed, NotFound
from patronage.access.models import AuditEntry, User
from patronage.access.people import create_user
from patronage.access.roles import SYSTEM, Actor, Role
from patronage.access.scope import Scope, customer_scope, visible_customers
from patronage.access.texts import UnstorableText
from patronage.differentiate.actions import (
    move_client,
    open_ranking,
    review_ranking,
    vote,
)
from patronage.differentiate.errors import (
    NotScored,
    RankingIncomplete,
    RankingMalformed,
    RankingReviewed,
    ReasonMissing,
    SecondReviewerNeeded,
)
from patronage.differentiate.jobs import value
from patronage.differentiate.models import (
    LatestValuation,
    RankedClient,
    Ranking,
    RankingVote,
    RankMove,
)
from patronage.differentiate.reads.rankings import RankingView, ranking, rankings

from .history import NOW, History

EVE = Actor(id="usr_eve", name="Eve", roles=frozenset({Role.EXECUTIVE}))
ZOE = Actor(id="usr_zoe", name="Zoe", roles=frozenset({Role.EXECUTIVE}))
CRITERIA = {"reach": 3.0, "fit": 1.0}


@pytest.fixture
def clients(history: History) -> list[str]:
    return history.customer_ids[:6]


@pytest.fixture
def opened(clients: list[str]) -> Ranking:
    return open_ranking(
        actor=EVE,
        now=NOW,
        name="Key accounts",
        purpose="Few contracts a decade: no history to value them by",
        criteria=CRITERIA,
        customer_ids=clients,
    )


def cast(row: Ranking, actor: Actor, scores: dict[str, tuple[int, int]], minutes: int = 0) -> None:
    for customer, (reach, fit) in scores.items():
        vote(
            actor=actor,
            now=NOW + timedelta(minutes=minutes),
            ranking_id=row.id,
            customer_id=customer,
            scores={"reach": reach, "fit": fit},
        )


def all_scored(row: Ranking, clients: list[str]) -> dict[str, tuple[int, int]]:
    """The first is best: 9, 8, 7 … for reach, the reverse for fit."""
    scores = {each: (9 - place, 4 + place) for place, each in enumerate(clients)}
    cast(row, EVE, scores)
    return scores


def shown(row: Ranking) -> RankingView:
    return ranking(SYSTEM, row.id, NOW)


def order(row: Ranking) -> list[str]:
    return [each.customer_id for each in shown(row).places]


def move(row: Ranking, customer: str, place: int, reason: str = "Opens a market") -> None:
    move_client(
        actor=EVE, now=NOW, ranking_id=row.id, customer_id=customer, place=place, reason=reason
    )


def test_places_follow_the_weighted_means_of_the_votes(opened: Ranking, clients: list[str]) -> None:
    scores = all_scored(opened, clients)
    view = shown(opened)
    assert order(opened) == clients
    for each in view.places:
        reach, fit = scores[each.customer_id]
        assert each.score == pytest.approx(0.75 * reach + 0.25 * fit)
    assert view.criteria == pytest.approx({"reach": 0.75, "fit": 0.25})
    # the weights decide: by fit alone the order is the reverse
    by_fit = sorted(view.places, key=lambda each: -each.by_criterion["fit"])
    assert [each.customer_id for each in by_fit] == clients[::-1]


def test_several_people_are_averaged_and_ones_newest_vote_counts(
    opened: Ranking, clients: list[str]
) -> None:
    cast(opened, EVE, {clients[0]: (2, 2)})
    cast(opened, EVE, {clients[0]: (4, 4)}, minutes=1)
    cast(opened, ZOE, {clients[0]: (8, 8)})
    first = shown(opened).places[0]
    assert (first.customer_id, first.score, first.voters) == (clients[0], 6.0, 2)


def test_who_is_not_scored_has_no_place_and_is_not_last(
    opened: Ranking, clients: list[str]
) -> None:
    cast(opened, EVE, {clients[0]: (0, 0)})
    vote(actor=EVE, now=NOW, ranking_id=opened.id, customer_id=clients[1], scores={"reach": 9})
    places = {each.customer_id: each.place for each in shown(opened).places}
    assert places[clients[0]] == 1
    assert places[clients[1]] is None
    with pytest.raises(RankingIncomplete, match="5 of 6"):
        review_ranking(actor=ZOE, now=NOW, ranking_id=opened.id)


def test_a_change_of_rank_needs_a_reason_and_shows_it(opened: Ranking, clients: list[str]) -> None:
    all_scored(opened, clients)
    for empty in ("", "   "):
        with pytest.raises(ReasonMissing):
            move(opened, clients[5], 1, empty)
    assert order(opened) == clients
    move(opened, clients[5], 1)
    assert order(opened) == [clients[5], *clients[:5]]
    first = shown(opened).places[0]
    assert (first.place, first.place_by_votes) == (1, 6)
    assert [each.reason for each in first.moves] == ["Opens a market"]
    entry = AuditEntry.objects.filter(action="move in ranking").get()
    assert entry.reason == "Opens a market"


def test_the_database_refuses_a_move_without_a_reason_by_itself(
    opened: Ranking, clients: list[str]
) -> None:
    client = RankedClient.objects.filter(ranking=opened)[0]
    with pytest.raises(IntegrityError), transaction.atomic():
        RankMove.objects.create(client=client, place=1, reason="", actor_id="usr", moved_at=NOW)
    # the broken twin: with a reason the same row goes in
    RankMove.objects.create(client=client, place=1, reason="x", actor_id="usr", moved_at=NOW)


def test_a_second_person_reviews_and_then_nothing_changes(
    opened: Ranking, clients: list[str]
) -> None:
    all_scored(opened, clients)
    with pytest.raises(SecondReviewerNeeded):
        review_ranking(actor=EVE, now=NOW, ranking_id=opened.id)
    review_ranking(actor=ZOE, now=NOW, ranking_id=opened.id)
    frozen = dict(RankedClient.objects.filter(ranking=opened).values_list("customer_id", "place"))
    assert frozen == {each: place for place, each in enumerate(clients, start=1)}
    for change in (
        lambda: cast(opened, ZOE, {clients[0]: (0, 0)}),
        lambda: move(opened, clients[0], 2),
        lambda: review_ranking(actor=ZOE, now=NOW, ranking_id=opened.id),
    ):
        with pytest.raises(RankingReviewed):
            change()
    assert order(opened) == clients


def test_who_moved_a_client_is_no_second_reviewer(opened: Ranking, clients: list[str]) -> None:
    all_scored(opened, clients)
    move_client(
        actor=ZOE, now=NOW, ranking_id=opened.id, customer_id=clients[1], place=1, reason="Grows"
    )
    with pytest.raises(SecondReviewerNeeded):
        review_ranking(actor=ZOE, now=NOW, ranking_id=opened.id)


def test_the_database_refuses_one_person_as_both(opened: Ranking) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Ranking.objects.filter(id=opened.id).update(reviewed_by=EVE.id, reviewed_at=NOW)
    Ranking.objects.filter(id=opened.id).update(reviewed_by=ZOE.id, reviewed_at=NOW)


def test_the_correlation_with_value_is_reported(opened: Ranking, clients: list[str]) -> None:
    all_scored(opened, clients)
    assert shown(opened).agreement is None
    value(actor=SYSTEM, now=NOW, as_of=date(2025, 3, 31))
    values = dict(
        LatestValuation.objects.filter(customer_id__in=clients).values_list(
            "customer_id", "value_minor"
        )
    )
    peer = spearmanr([-place for place in range(6)], [values[each] for each in clients])
    agreement = shown(opened).agreement
    assert agreement is not None
    assert agreement.clients == len(values) == 6
    assert agreement.correlation == pytest.approx(peer.statistic)
    assert agreement.low < agreement.correlation < agreement.high


def seen_by_manager_of(mine: list[str], opened: Ranking) -> RankingView:
    manager = Actor(id="usr_ana", name="Ana", roles=frozenset({Role.MANAGER}))
    with (
        customer_scope.answered_by(lambda _actor, _now: Scope(portfolio_ids=frozenset({"prt_1"}))),
        visible_customers.answered_by(lambda _scope: Q(id__in=mine)),
    ):
        return ranking(manager, opened.id, NOW)


def test_agreement_says_nothing_of_clients_out_of_sight(
    opened: Ranking, clients: list[str]
) -> None:
    all_scored(opened, clients)
    value(actor=SYSTEM, now=NOW, as_of=date(2025, 3, 31))
    found = {count: seen_by_manager_of(clients[:count], opened) for count in (4, 3)}

    assert [each.customer_id for each in found[4].places] == clients[:4]
    assert (found[4].head.clients, found[4].out_of_sight) == (6, 2)
    assert found[4].agreement is not None
    assert found[4].agreement.clients == 4
    assert found[3].agreement is None


@pytest.mark.parametrize(
    ("criteria", "purpose"),
    [({}, "why"), ({"reach": 0.0}, "why"), ({"reach": -1.0}, "why"), ({"reach": 1.0}, " ")],
)
def test_what_makes_no_ranking_is_refused(
    clients: list[str], criteria: dict[str, float], purpose: str
) -> None:
    with pytest.raises(RankingMalformed):
        open_ranking(
            actor=EVE,
            now=NOW,
            name="Key accounts",
            purpose=purpose,
            criteria=criteria,
            customer_ids=clients,
        )
    assert rankings(SYSTEM) == []


def test_impossible_votes_and_places_are_refused(opened: Ranking, clients: list[str]) -> None:
    for scores in ({}, {"reach": 11}, {"reach": -1}, {"looks": 5}, {"reach": True}):
        with pytest.raises(RankingMalformed):
            vote(actor=EVE, now=NOW, ranking_id=opened.id, customer_id=clients[0], scores=scores)
    assert not RankingVote.objects.exists()
    with pytest.raises(NotScored):
        move(opened, clients[0], 1)
    all_scored(opened, clients)
    with pytest.raises(NotScored):
        move(opened, clients[0], 7)


def test_foreign_clients_and_rankings_look_absent(opened: Ranking, history: History) -> None:
    with pytest.raises(NotFound):
        vote(
            actor=EVE,
            now=NOW,
            ranking_id=opened.id,
            customer_id=history.customer_ids[50],
            scores={"fit": 1},
        )
    with pytest.raises(NotFound):
        ranking(SYSTEM, "rnk_absent", NOW)
    agent = Actor(id="usr_gus", name="Gus", roles=frozenset({Role.AGENT}))
    with pytest.raises(NotAllowed):
        rankings(agent)


@pytest.mark.parametrize(
    ("name", "purpose", "criterion"),
    [("n" * 101, "why", "fit"), ("n", "w" * 401, "fit"), ("n", "why", "c" * 61)],
)
def test_what_no_column_holds_is_refused_in_words(
    clients: list[str], name: str, purpose: str, criterion: str
) -> None:
    with pytest.raises(UnstorableText, match="characters"):
        open_ranking(
            actor=EVE,
            now=NOW,
            name=name,
            purpose=purpose,
            criteria={criterion: 1.0},
            customer_ids=clients,
        )
    assert rankings(SYSTEM) == []


def test_too_long_a_reason_for_a_move_is_refused_in_words(
    opened: Ranking, clients: list[str]
) -> None:
    all_scored(opened, clients)
    with pytest.raises(UnstorableText, match="at most 400"):
        move(opened, clients[5], 1, "r" * 401)
    assert order(opened) == clients


def test_a_reviewed_ranking_shows_what_the_review_froze(
    opened: Ranking, clients: list[str]
) -> None:
    all_scored(opened, clients)
    review_ranking(actor=ZOE, now=NOW, ranking_id=opened.id)
    before = shown(opened).places
    # behind everybody's back: the last client gets the best votes after all
    last = RankedClient.objects.get(ranking=opened, customer_id=clients[-1])
    for each in opened.criteria.all():
        RankingVote.objects.create(
            criterion=each, client=last, score=10, voter_id=ZOE.id, cast_at=NOW
        )
    after = shown(opened).places
    assert [(each.customer_id, each.place, each.score) for each in after] == [
        (each.customer_id, each.place, each.score) for each in before
    ]


def test_a_list_of_rankings_counts_every_ones_clients_at_once(
    opened: Ranking, clients: list[str]
) -> None:
    asked = {"purpose": "why", "criteria": CRITERIA, "customer_ids": clients[:2]}
    with CaptureQueriesContext(connection) as one:
        assert [each.clients for each in rankings(SYSTEM)] == [6]
    for name in ("Second", "Third"):
        open_ranking(actor=EVE, now=NOW + timedelta(days=1), name=name, **asked)  # type: ignore[arg-type]
    with CaptureQueriesContext(connection) as three:
        assert sorted(each.clients for each in rankings(SYSTEM)) == [2, 2, 6]
    assert len(three) == len(one)


@pytest.mark.parametrize(
    ("typed", "words"),
    [("²", "whole number"), ("7.5", "whole number"), ("-1", "from 0 to 10"), ("8", "scores count")],
)
def test_a_score_as_typed_counts_or_is_refused_in_words(
    opened: Ranking,
    clients: list[str],
    client: Client,
    monkeypatch: pytest.MonkeyPatch,
    typed: str,
    words: str,
) -> None:
    monkeypatch.setattr("patronage.site.clock.now", lambda: NOW)
    client.force_login(executive())
    page = client.post(
        f"/rankings/{opened.id}/votes",
        {"customer": clients[0], "score-0": typed, "score-1": "5"},
        follow=True,
    ).content.decode()
    assert words in page
    assert RankingVote.objects.count() == (2 if typed == "8" else 0)


@pytest.mark.parametrize("typed", ["²", "1.5", "", "first"])
def test_a_place_that_is_no_number_is_refused_in_words(
    opened: Ranking,
    clients: list[str],
    client: Client,
    monkeypatch: pytest.MonkeyPatch,
    typed: str,
) -> None:
    monkeypatch.setattr("patronage.site.clock.now", lambda: NOW)
    all_scored(opened, clients)
    client.force_login(executive())
    page = client.post(
        f"/rankings/{opened.id}/moves",
        {"customer": clients[5], "place": typed, "reason": "Opens a market"},
        follow=True,
    ).content.decode()
    assert "is not a whole number" in page
    assert not RankMove.objects.exists()


def executive() -> User:
    return create_user(
        actor=SYSTEM,
        now=NOW,
        email="zoe@example.com",
        name="Zoe",
        password="a long enough phrase",
        roles=[Role.EXECUTIVE],
        reason="tests",
    )
