"""Loyalty, segments and acquisition over REST and on their pages."""

from __future__ import annotations

from datetime import date

import pytest
from django.test import Client

from patronage.access.models import User
from patronage.access.people import create_user
from patronage.access.roles import SYSTEM, Role
from patronage.differentiate.jobs import value
from patronage.differentiate.reads.acquisition import acquisition
from patronage.differentiate.reads.layers import layers
from patronage.differentiate.reads.loyalty import loyalty

from .history import NOW, History

SEPTEMBER, DECEMBER = date(2024, 9, 30), date(2024, 12, 31)


def client_of(role: Role) -> Client:
    user: User = create_user(
        actor=SYSTEM,
        now=NOW,
        email=f"{role}@example.com",
        name=role.title(),
        password="a long enough phrase",
        roles=[role],
        reason="tests",
    )
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("patronage.site.clock.now", lambda: NOW)


def test_rest_and_pages_answer_what_the_reads_answer(history: History) -> None:
    for day in (SEPTEMBER, DECEMBER):
        value(actor=SYSTEM, now=NOW, as_of=day)
    nina = client_of(Role.ANALYST)
    kept = loyalty(SYSTEM, NOW).total
    assert kept is not None
    answer = nina.get("/api/v1/loyalty").json()
    assert answer["total"]["stayed"] == kept.stayed
    assert answer["satisfaction"] is None
    shown = layers(SYSTEM, NOW)
    answer = nina.get("/api/v1/segments").json()
    assert [each["covered"] for each in answer["layers"]] == [part.covered for part in shown.layers]
    found = acquisition(SYSTEM, NOW, window_days=30, outcome_days=60)
    answer = nina.get("/api/v1/acquisition?window_days=30&outcome_days=60").json()
    assert answer["matured"] == found.matured > 0
    assert answer["prospect_allowed_minor"] == found.prospect_allowed_minor
    assert nina.get("/api/v1/acquisition?window_days=0").status_code == 422

    page = nina.get("/value/loyalty").content.decode()
    assert "Nobody has the fact “satisfaction”" in page
    assert "did not come back" in page
    page = nina.get("/value/segments").content.decode()
    assert "No demographic facts are imported" in page
    page = nina.get("/value/acquisition").content.decode()
    assert "Winning a customer may cost" in page


def test_what_is_not_valued_says_so_and_an_agent_sees_nothing(history: History) -> None:
    nina, agent = client_of(Role.ANALYST), client_of(Role.AGENT)
    for path in ("loyalty", "segments", "acquisition"):
        assert "Nobody is valued yet" in nina.get(f"/value/{path}").content.decode()
        assert nina.get(f"/api/v1/{path}").status_code == 404
        assert agent.get(f"/value/{path}").status_code == 403
