"""Portfolios over REST: own ones only, by cursor; hand-overs and assignments by those who may."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from patronage.access.keys import create_key
from patronage.access.roles import SYSTEM, Role
from patronage.govern.models import Membership

from .world import World, add_customers, figures, value

#: name of a person → a function (method, path, body) → (status, answer)
Call = Callable[..., tuple[int, Any]]


@pytest.fixture
def call(world: World, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Call:
    """Call the API as a person, at the tests' own instant."""
    monkeypatch.setattr("patronage.site.clock.now", lambda: world.now)
    roles = {"eve": Role.EXECUTIVE, "gus": Role.AGENT}
    keys = {
        name: create_key(
            actor=SYSTEM,
            now=world.now,
            label=name,
            role=roles.get(name, Role.MANAGER),
            user=world.people[name],
        )[1]
        for name in ("ana", "dev", "eve", "gus")
    }

    def as_person(name: str, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        answer = Client().generic(
            method,
            f"/api/v1/{path}",
            json.dumps(body) if body is not None else "",
            content_type="application/json",
            headers={"Authorization": f"Bearer {keys[name]}"},
        )
        return answer.status_code, answer.json()

    return as_person


def test_a_manager_lists_their_own_portfolios_and_an_executive_all(call: Call) -> None:
    status, mine = call("dev", "GET", "portfolios")
    assert (status, [(each["name"], each["manager"]) for each in mine]) == (200, [("New", "Dev")])
    assert len(call("eve", "GET", "portfolios")[1]) == 4


def test_a_list_goes_on_where_its_cursor_says(world: World, call: Call) -> None:
    ids = add_customers(5, world.now)
    path = f"portfolios/{world.portfolios['New']}/customers?sort=label&limit=3"
    _, first = call("dev", "GET", path)
    _, rest = call("dev", "GET", f"{path}&after={first['next']}")
    assert [row["customer_id"] for row in (*first["rows"], *rest["rows"])] == ids
    assert (first["total"], rest["next"]) == (5, None)
    assert call("dev", "GET", f"{path}&after=rubbish")[0] == 422
    assert call("dev", "GET", path.replace("label", "shoe_size"))[0] == 422


def test_foreign_and_absent_get_the_same_answer(world: World, call: Call, customer: str) -> None:
    for path, own, absent in (
        ("portfolios/{}/customers", world.portfolios["New"], "prt_" + "0" * 22),
        ("customers/{}/manager", customer, "cus_" + "0" * 22),
        ("customers/{}/memberships", customer, "cus_" + "0" * 22),
    ):
        assert call("dev", "GET", path.format(own))[0] == 200
        status, foreign = call("ana", "GET", path.format(own))
        _, missing = call("ana", "GET", path.format(absent))
        assert status == 404
        assert str(foreign).replace(own, "") == str(missing).replace(absent, "")


def test_who_was_in_charge_on_a_date(world: World, call: Call, customer: str) -> None:
    status, answer = call("eve", "GET", f"customers/{customer}/manager?on=2025-06-30")
    assert (status, answer["manager"], answer["portfolio"]) == (200, "Dev", "New")
    status, answer = call("eve", "GET", f"customers/{customer}/manager?on=2025-01-31")
    assert status == 404
    assert "was not a customer yet" in answer["detail"]
    # The customer came on 1 February at noon: at that day's end they had a manager.
    assert call("eve", "GET", f"customers/{customer}/manager?on=2025-02-01")[0] == 200
    assert call("eve", "GET", f"customers/{customer}/manager?on=9999-12-31")[0] == 422


def test_customers_are_handed_over_by_those_who_may(
    world: World, call: Call, customer: str
) -> None:
    body = {
        "customer_ids": [customer],
        "to_portfolio_id": world.portfolios["Top"],
        "reason": "moved house",
    }
    assert call("gus", "POST", "handovers", body)[0] == 403
    assert call("ana", "POST", "handovers", body)[0] == 404
    assert call("dev", "POST", "handovers", body | {"reason": " "})[0] == 422
    assert call("dev", "POST", "handovers", body | {"reason": "a\x00b"})[0] == 422
    assert call("dev", "POST", "handovers", body | {"starts_at": "2026-01-01T00:00:00"})[0] == 422
    assert Membership.objects.count() == 1
    status, answer = call("dev", "POST", "handovers", body)
    assert (status, answer["moved"], answer["to_portfolio"]) == (201, 1, "Top")
    assert call("dev", "GET", f"customers/{customer}/memberships")[0] == 404
    _, history = call("eve", "GET", f"customers/{customer}/memberships")
    assert [row["portfolio"] for row in history] == ["New", "Top"]
    assert history[0]["ends_at"] == history[1]["starts_at"]


def test_an_executive_appoints_the_next_manager(world: World, call: Call) -> None:
    path = f"portfolios/{world.portfolios['New']}/managers"
    body = {"manager_id": world.people["ana"].id, "reason": "Dev is on leave"}
    assert call("dev", "POST", path, body)[0] == 403
    assert call("eve", "POST", path.replace("prt_", "prt_0"), body)[0] == 404
    assert call("eve", "POST", path, body | {"manager_id": world.people["eve"].id})[0] == 422
    assert call("eve", "POST", path, body)[0] == 201
    assert [each["name"] for each in call("ana", "GET", "portfolios")[1]] == ["Top, fresh", "New"]
    assert call("dev", "GET", "portfolios")[1] == []


def test_an_assignment_is_tried_dry_first(world: World, call: Call, customer: str) -> None:
    assert call("eve", "POST", "assignments", {"as_of": "2025-12-31"})[0] == 422
    value(figures([(customer, 900, "top", None)]), as_of=date(2025, 12, 31), now=world.now)
    body = {"as_of": "2025-12-31", "dry_run": True}
    assert call("dev", "POST", "assignments", body)[0] == 403
    status, tried = call("eve", "POST", "assignments", body)
    assert (status, tried["moved"], tried["dry_run"]) == (201, 1, True)
    assert tried["movers"] == [
        {
            "customer_id": customer,
            "from_portfolio_id": world.portfolios["New"],
            "to_portfolio_id": world.portfolios["Top"],
            "value_minor": 900,
        }
    ]
    assert Membership.objects.count() == 1
    assert call("eve", "POST", "assignments", {"as_of": "2025-12-31"})[1]["moved"] == 1
    row = Membership.objects.get(cause="policy")
    assert row.starts_at == datetime(2026, 1, 1, 5, tzinfo=UTC)
