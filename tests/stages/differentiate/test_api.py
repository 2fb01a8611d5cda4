"""The REST resources answer what the reads and actions answer, for the caller of the request."""

from __future__ import annotations

from datetime import date

import pytest
from ninja.testing import TestClient

from patronage.access.errors import NotAllowed, NotFound
from patronage.access.roles import SYSTEM, Actor, Role
from patronage.differentiate import reads
from patronage.differentiate.api import router
from patronage.differentiate.jobs import value
from patronage.differentiate.models import LatestValuation, Need, ValuationRun

from .history import NOW, History

AGENT = Actor(id="usr_agent", name="Agent", roles=frozenset({Role.AGENT}))
ANALYST = Actor(id="usr_analyst", name="Analyst", roles=frozenset({Role.ANALYST}))


@pytest.fixture(scope="module")
def client() -> TestClient:
    return TestClient(router)


@pytest.fixture
def run(history: History) -> ValuationRun:
    return value(actor=SYSTEM, now=NOW, as_of=date(2024, 12, 31))


def test_valuations_are_listed_page_by_page(client: TestClient, run: ValuationRun) -> None:
    first = client.get("/valuations?as_of=2024-12-31&limit=2", actor=ANALYST, now=NOW).json()
    path = f"/valuations?limit=2&after={first['next']}"
    second = client.get(path, actor=ANALYST, now=NOW).json()
    frozen = reads.valuations(run).head(4)

    listed = [row["value_minor"] for page in (first, second) for row in page["valuations"]]
    assert listed == frozen["value_minor"].to_list()
    assert first["valuations"][0]["currency"] == "USD"


def test_a_date_without_a_valuation_is_not_found(client: TestClient, run: ValuationRun) -> None:
    with pytest.raises(NotFound, match="2019-03-31"):
        client.get("/valuations?as_of=2019-03-31", actor=ANALYST, now=NOW)


def test_a_customers_past_values_and_account_are_shown(
    client: TestClient, run: ValuationRun
) -> None:
    latest = LatestValuation.objects.order_by("-value_minor")[0]
    path = f"/customers/{latest.customer_id}"

    (past,) = client.get(f"{path}/valuations", actor=ANALYST, now=NOW).json()
    account = client.get(f"{path}/profit-and-loss", actor=ANALYST, now=NOW).json()

    assert past["value_minor"] == latest.value_minor
    assert account["margin_minor"] == latest.quarter_margin_minor
    with pytest.raises(NotAllowed):
        client.get(f"{path}/profit-and-loss", actor=AGENT, now=NOW)


def test_an_agent_records_what_the_customer_said(client: TestClient, history: History) -> None:
    customer_id = history.customer_ids[0]
    answer = client.post(
        f"/customers/{customer_id}/needs",
        json={"name": "fresh", "channel": "call", "note": "wants more apples"},
        actor=AGENT,
        now=NOW,
    )

    assert answer.status_code == 201
    assert Need.objects.get(id=answer.json()["id"]).customer_id == customer_id


def test_models_show_their_parameters(client: TestClient, run: ValuationRun) -> None:
    rows = client.get("/models", actor=ANALYST, now=NOW).json()

    assert {row["id"] for row in rows} == {run.purchase_model_id, run.spend_model_id}
    assert {frozenset(row["parameters"]) for row in rows} == {
        frozenset(("r", "alpha", "s", "beta")),
        frozenset(("p", "q", "v")),
    }
