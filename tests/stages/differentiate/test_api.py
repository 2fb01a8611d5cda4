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
EXECUTIVE = Actor(id="usr_executive", name="Executive", roles=frozenset({Role.EXECUTIVE}))
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


def test_an_objective_is_set_above_the_rules_and_the_rules_decide_again(
    client: TestClient, run: ValuationRun
) -> None:
    latest = LatestValuation.objects.order_by("-value_minor")[0]
    path = f"/customers/{latest.customer_id}/objective"
    by_rule = client.get(path, actor=ANALYST, now=NOW).json()
    assert (by_rule["objective"], by_rule["is_override"]) == (latest.objective, False)
    wanted = {"objective": "exit", "reason": "closed the shop", "until": "2026-12-31"}
    done = client.post(path, json=wanted, actor=EXECUTIVE, now=NOW)
    assert done.status_code == 201
    latest.refresh_from_db()
    assert (latest.objective, done.json()["by_rule"]) == ("exit", by_rule["objective"])
    page = client.get("/value/customers?objective=exit", actor=ANALYST, now=NOW).json()
    assert latest.customer_id in {row["customer_id"] for row in page["rows"]}
    with pytest.raises(NotAllowed):
        client.post(path, json=wanted, actor=ANALYST, now=NOW)
    again = client.post(
        f"{path}/revocation", json={"reason": "it goes on"}, actor=EXECUTIVE, now=NOW
    )
    assert again.json()["objective"] == by_rule["objective"]


def test_the_ledger_the_assumptions_and_their_differences(
    client: TestClient, run: ValuationRun
) -> None:
    hung = client.get("/value/sensitivity", actor=ANALYST, now=NOW).json()
    assert hung["total_minor"] == run.total_minor
    assert {each["assumption"] for each in hung["provenance"]} >= {"margins", "costs"}
    total = {
        "first_day": "2024-10-01",
        "last_day": "2024-12-31",
        "measure": "sales",
        "amount_minor": 1,
        "source": "General ledger",
    }
    assert client.post("/control-totals", json=total, actor=ANALYST, now=NOW).status_code == 201
    compared = client.get("/value/reconciliation", actor=ANALYST, now=NOW).json()
    (different,) = [each for each in compared["differences"] if each["side"] == "ledger"]
    assert different["difference_minor"] == 1 - compared["sides"]["lines"]["sales"]
