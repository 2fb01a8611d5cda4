"""Whoever may run the loop runs it, everybody else who may sees how far it is."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection
from ninja.testing import TestClient

from patronage.access.errors import NotAllowed
from patronage.access.jobs import this_worker
from patronage.access.models import JobRun
from patronage.access.roles import SYSTEM, Actor, Role
from patronage.differentiate.api import router as valuations
from patronage.differentiate.errors import DateNotOver, NothingToValue
from patronage.differentiate.models import ValuationRun
from patronage.govern.jobs import assign
from patronage.steer import cycle as loop
from patronage.steer import runs
from patronage.steer.api import router
from patronage.steer.cycle import STAGES, cycle, job_of
from patronage.steer.models import Statement
from patronage.steer.told import told

from ..customize.world import AS_OF, World, build
from ..differentiate.history import NOW

LATER = NOW + timedelta(hours=1)
BEFORE = date(2024, 9, 30)


def acting(role: Role) -> Actor:
    return Actor(id=f"usr_{role}", name=role.title(), roles=frozenset({role}))


ADMINISTRATOR, EXECUTIVE = acting(Role.ADMINISTRATOR), acting(Role.EXECUTIVE)


@pytest.fixture
def world(db: None) -> World:
    """A retailer with offers, valued and assigned as of the end of 2024; no loop was run."""
    return build()


@pytest.fixture(scope="module")
def client() -> TestClient:
    return TestClient(router)


def test_an_administrator_runs_the_loop_over_rest_and_again_changes_nothing(
    client: TestClient, world: World
) -> None:
    made = client.post("/cycles", json={"as_of": "2024-09-30"}, actor=ADMINISTRATOR, now=NOW)
    again = client.post("/cycles", json={"as_of": "2024-09-30"}, actor=ADMINISTRATOR, now=LATER)

    assert (made.status_code, again.status_code) == (201, 200)
    assert [stage["name"] for stage in made.json()["stages"]] == list(STAGES)
    assert not any(stage["done_before"] for stage in made.json()["stages"])
    assert all(stage["done_before"] for stage in again.json()["stages"])
    results = [stage["result"] for stage in made.json()["stages"]]
    assert results == [stage["result"] for stage in again.json()["stages"]]
    assert Statement.objects.get().id == results[-1]["statement"]
    assert ValuationRun.objects.get(as_of=BEFORE).id == results[0]["run"]


def test_the_runs_are_listed_newest_date_first(client: TestClient, world: World) -> None:
    cycle(actor=SYSTEM, now=NOW, as_of=AS_OF)
    cycle(actor=SYSTEM, now=LATER, as_of=BEFORE)
    first = client.get("/cycles?limit=1", actor=EXECUTIVE, now=LATER).json()
    rest = client.get(f"/cycles?before={first['next']}", actor=EXECUTIVE, now=LATER).json()

    assert [each["as_of"] for each in first["cycles"] + rest["cycles"]] == [
        "2024-12-31",
        "2024-09-30",
    ]
    assert rest["next"] is None
    (earlier,) = rest["cycles"]
    assert (earlier["state"], earlier["share"]) == ("complete", 1.0)
    assert all(stage["error"] == "" and stage["seconds"] > 0 for stage in earlier["stages"])
    last = runs.last_begun(EXECUTIVE, LATER)
    assert last is not None
    assert last.as_of == BEFORE


def test_whoever_lacks_one_right_of_a_stage_runs_none_of_them(
    client: TestClient, world: World
) -> None:
    for role in set(Role) - {Role.ADMINISTRATOR}:
        with pytest.raises(NotAllowed):
            client.post("/cycles", json={"as_of": "2024-09-30"}, actor=acting(role), now=NOW)
    watching = {Role.ADMINISTRATOR, Role.EXECUTIVE, Role.CAPABILITIES_MANAGER}
    for role in set(Role) - watching:
        with pytest.raises(NotAllowed, match="see runs of the loop"):
            client.get("/cycles", actor=acting(role), now=NOW)
    assert not JobRun.objects.exists()
    # an analyst may value, yet begins nothing that others have to end
    assert not ValuationRun.objects.filter(as_of=BEFORE).exists()


def test_a_date_that_is_not_over_leaves_no_failed_stage_behind(world: World) -> None:
    for day in (NOW.date(), date.max):
        with pytest.raises(DateNotOver):
            cycle(actor=SYSTEM, now=NOW, as_of=day)
    assert not JobRun.objects.exists()


def test_a_failed_stage_says_why_and_the_next_run_goes_on_behind_what_is_done(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(loop, "assign", _refuse)
        with pytest.raises(NothingToValue):
            cycle(actor=SYSTEM, now=NOW, as_of=BEFORE)
    (failed,) = runs.cycles(SYSTEM, NOW).cycles

    assert failed.state == "failed"
    assert [stage.state for stage in failed.stages[:3]] == ["done", "failed", "waiting"]
    assert failed.stages[1].error == str(NothingToValue(as_of=BEFORE))
    stages = cycle(actor=SYSTEM, now=LATER, as_of=BEFORE)
    assert [stage.done_before for stage in stages] == [True, *[False] * 5]
    (done,) = runs.cycles(SYSTEM, LATER).cycles
    assert done.state == "complete"
    assert done.stages[1].attempts == 2


def _refuse(**_: object) -> None:
    raise NothingToValue(as_of=BEFORE)


def test_a_loop_whose_process_is_gone_is_stopped_and_not_under_way(world: World) -> None:
    machine = this_worker().rsplit(" ", 2)[0]
    run = JobRun.objects.create(
        job=job_of("value"), period="2024-09-30", worker=f"{machine} 1 0",
        started_at=NOW, seen_at=NOW,
    )  # fmt: skip
    assert [each.state for each in runs.cycles(SYSTEM, NOW).cycles] == ["stopped"]
    run.worker = this_worker()
    run.save()
    assert [each.state for each in runs.cycles(SYSTEM, NOW).cycles] == ["running"]
    with pytest.raises(runs.LoopUnderWay, match="2024-09-30"):
        runs.start_cycle(actor=SYSTEM, now=NOW, as_of=AS_OF)


@pytest.mark.django_db(transaction=True)
def test_a_loop_that_was_begun_ends_by_itself(world: World) -> None:
    runs.start_cycle(actor=ADMINISTRATOR, now=NOW, as_of=BEFORE)
    runs._BEGUN[BEFORE].shown(lambda: None)
    (done,) = runs.cycles(SYSTEM, LATER).cycles
    assert (done.as_of, done.state) == (BEFORE, "complete")
    assert connection.is_usable()


def test_the_usual_date_is_the_last_quarters_end_that_the_history_covers(world: World) -> None:
    ends = world.history.lines["ordered_at"].max()
    assert isinstance(ends, datetime)
    usual = runs.usual_date(NOW)
    assert usual is not None
    assert usual <= ends.date() < usual + timedelta(days=92)
    assert (usual + timedelta(days=1)).day == 1
    assert usual.month % 3 == 0
    # what is not over is not proposed, however far the history goes
    assert runs.usual_date(NOW.replace(year=2024, month=7, day=20)) == date(2024, 6, 30)
    assert runs.usual_date(datetime(2024, 7, 1, 3, tzinfo=UTC)) == date(2024, 3, 31)
    assert runs.usual_date(datetime(2024, 7, 1, 5, tzinfo=UTC)) == date(2024, 6, 30)


def test_everybody_is_valued_over_rest(world: World) -> None:
    client = TestClient(valuations)
    made = client.post("/valuations", json={"as_of": "2024-09-30"}, actor=ADMINISTRATOR, now=NOW)
    again = client.post("/valuations", json={"as_of": "2024-09-30"}, actor=ADMINISTRATOR, now=LATER)

    assert (made.status_code, again.json()) == (201, made.json())
    run = ValuationRun.objects.get(as_of=BEFORE)
    assert made.json()["id"] == run.id
    assert made.json()["total_minor"] == run.total_minor
    with pytest.raises(NotAllowed):
        client.post("/valuations", json={"as_of": "2024-09-30"}, actor=EXECUTIVE, now=NOW)
    assign(actor=SYSTEM, now=NOW, as_of=BEFORE, run=run)


def test_what_a_stage_did_is_written_in_words() -> None:
    worth = {"customers": 1200, "value_minor": 123456, "currency": "USD"}
    assert told("value", worth) == "1,200 customers are worth USD 1,234.56"
    assert told("value", worth | {"customers": 1}).startswith("1 customer is worth")
    assert told("deliver", {"sent": 3, "cancelled": {"no consent": 1, "late": 2}}) == (
        "3 sent, 3 cancelled"
    )
    assert told("read out", {"read_outs": {}}) == "nothing is over yet"
    assert told("read out", {"read_outs": {"2024-09-30": "pending"}}) == "30 Sep 2024: pending"
