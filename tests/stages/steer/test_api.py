"""The REST resources answer what the reads and actions answer, for the caller of the request."""

from __future__ import annotations

import pytest
from ninja.testing import TestClient

from patronage.access.errors import NotAllowed
from patronage.steer.api import router
from patronage.steer.models import Statement

from ..differentiate.history import NOW
from .world import JUNE, World, valued

Quarters = tuple[Statement, Statement]


@pytest.fixture(scope="module")
def client() -> TestClient:
    return TestClient(router)


def test_a_statement_is_drafted_and_published_over_rest(client: TestClient, world: World) -> None:
    valued(JUNE)
    made = client.post(
        "/statements", json={"as_of": "2024-06-30"}, actor=world.actor("ada"), now=NOW
    )
    path = f"/statements/{made.json()['head']['id']}"
    seen = client.post(f"{path}/review", actor=world.actor("zoe"), now=NOW)
    done = client.post(f"{path}/publication", actor=world.actor("eve"), now=NOW)

    assert (made.status_code, seen.status_code, done.status_code) == (201, 201, 201)
    assert (seen.json()["head"]["state"], seen.json()["head"]["reviewed_by"]) == ("reviewed", "Zoe")
    assert done.json()["head"]["state"] == "published"
    assert done.json()["total"]["checksum_minor"] == 0
    assert client.get(path, actor=world.actor("zoe"), now=NOW).json() == done.json()
    with pytest.raises(NotAllowed):
        client.post(f"{path}/publication", actor=world.actor("ana"), now=NOW)


def test_a_bar_is_drilled_into_over_rest(
    client: TestClient, quarters: Quarters, world: World
) -> None:
    eve = world.actor("eve")
    path = f"/statements/{quarters[1].id}"
    top = world.portfolios["Top"]
    columns = client.get(path, actor=eve, now=NOW).json()["portfolios"]
    bar = next(each for each in columns if each["portfolio_id"] == top)
    drill = f"{path}/lines/hand_overs/customers?portfolio_id={top}&limit=25"
    first = client.get(drill, actor=eve, now=NOW).json()
    rest = client.get(f"{drill}&after={first['next']}", actor=eve, now=NOW).json()

    assert first["customers"] == len(first["rows"]) + len(rest["rows"]) == 40
    assert first["total_minor"] == bar["amounts_minor"]["hand_overs"]
    assert sum(row["amount_minor"] for row in first["rows"] + rest["rows"]) == first["total_minor"]
    assert client.get(f"{path}/lines/profit/customers", actor=eve, now=NOW).status_code == 422


def test_statements_and_scorecards_are_listed_over_rest(
    client: TestClient, quarters: Quarters, world: World
) -> None:
    ben = world.actor("ben")
    heads = client.get("/statements", actor=ben, now=NOW).json()
    cards = client.get("/scorecards?as_of=2024-09-30", actor=ben, now=NOW).json()
    same = client.get(f"/scorecards?statement_id={quarters[1].id}", actor=ben, now=NOW).json()

    assert [head["id"] for head in heads] == [quarters[1].id, quarters[0].id]
    assert [card["manager"] for card in cards] == ["Ben"]
    assert same == cards


def test_hand_overs_and_grades_are_read_over_rest(
    client: TestClient, quarters: Quarters, world: World
) -> None:
    ben = world.actor("ben")
    shared = client.get(f"/statements/{quarters[1].id}/hand-overs", actor=ben, now=NOW).json()
    grades = client.get("/projections", actor=ben, now=NOW).json()

    assert [(row["from_portfolio"], row["to_portfolio"]) for row in shared] == [("New", "Top")]
    assert [(row["portfolio"], row["until"]) for row in grades] == [("New", "2024-09-30")]
