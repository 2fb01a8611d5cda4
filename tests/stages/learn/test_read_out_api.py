"""Read-outs as REST resources."""

from __future__ import annotations

import pytest

from patronage.access.datasets import close_warehouses
from patronage.access.roles import Role

from ..interact.web import Web
from .world import IN_TIME, LATER, buy, decide, last_order, store

pytestmark = pytest.mark.django_db


def test_an_analyst_reads_out_and_others_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("patronage.site.clock.now", lambda: LATER)
    decided = decide(300)
    store("order_lines", buy(decided.customer_ids, list(range(300))), last_order())
    analyst = Web(Role.ANALYST, IN_TIME)
    made = analyst.post("read-outs", as_of="2025-12-31")
    assert made.status_code == 201, made.content
    row = made.json()
    assert (row["state"], row["replayed"], row["as_of"]) == ("read", False, "2025-12-31")
    assert row["figures"]["currency"] == "USD"
    assert analyst.post("read-outs", as_of="2025-12-31").json() == row
    assert analyst.get("read-outs").json() == {"read_outs": [row], "next": None}
    assert analyst.get(f"read-outs/{row['id']}").json() == row
    assert analyst.get("read-outs/rdo_none").status_code == 404
    assert analyst.get("read-outs/%00").status_code == 422
    assert analyst.post("read-outs", as_of="2024-12-31").status_code in (409, 422)
    assert analyst.post("read-outs").status_code == 422
    agent = Web(Role.AGENT, IN_TIME)
    assert agent.get("read-outs").status_code == 403
    assert agent.post("read-outs", as_of="2025-12-31").status_code == 403
    close_warehouses()
