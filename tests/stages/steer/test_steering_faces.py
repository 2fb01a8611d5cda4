"""Levers and metric pairs over REST and on their pages: the reads' figures, for the caller."""

from __future__ import annotations

import csv
import io

import pytest
from django.test import Client
from pytest_django import Settings

from patronage.differentiate.levers import LEVERS
from patronage.steer.lever_tree import lever_tree
from patronage.steer.metric_pairs import metric_pairs

from ..differentiate.history import NOW
from .world import JUNE, SEPTEMBER, World, best_of, hand, valued


@pytest.fixture
def retailer(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """Valued twice; Ana's portfolio holds the forty best."""
    monkeypatch.setattr("patronage.site.clock.now", lambda: NOW)
    valued(JUNE)
    hand(world, best_of(valued(SEPTEMBER), 40), "Top", NOW)
    return world


def as_(world: World, name: str) -> Client:
    client = Client()
    client.force_login(world.people[name])
    return client


def test_rest_answers_what_the_reads_answer(retailer: World) -> None:
    ana = as_(retailer, "ana")
    tree = lever_tree(retailer.actor("ana"), NOW)
    answer = ana.get("/api/v1/levers").json()
    assert answer["levers"] == list(tree.levers)
    assert answer["total"]["worth_minor"] == dict(tree.total.worth_minor)
    assert answer["total"]["retention"] == pytest.approx(tree.total.retention)
    pairs = metric_pairs(retailer.actor("ana"), NOW)
    answer = ana.get("/api/v1/metrics?as_of=2024-09-30").json()
    assert answer["profit"]["products_margin_minor"] == pairs.profit.products_margin_minor
    assert answer["sales"]["value_minor"] == pairs.sales.value_minor
    assert ana.get("/api/v1/levers?as_of=2020-01-01").status_code == 404


def test_the_page_says_what_is_at_stake_and_the_file_adds_up_to_it(retailer: World) -> None:
    eve, tree = as_(retailer, "eve"), lever_tree(retailer.actor("eve"), NOW)
    page = eve.get("/levers")
    text = page.content.decode()
    assert page.status_code == 200
    assert "One point more" in text
    assert "Portfolio by portfolio" in text
    file = eve.get("/levers.csv").content.decode()
    rows = list(csv.DictReader(io.StringIO(file)))
    for lever in LEVERS:
        amounts = [int(row["worth_minor"]) for row in rows if row["lever"] == lever]
        assert sum(amounts) == tree.total.worth_minor[lever]


def test_the_pairs_have_a_page(retailer: World) -> None:
    text = as_(retailer, "ana").get("/metrics").content.decode()
    assert "Products earned" in text
    assert "HOUSEHOLD" in text
    assert as_(retailer, "gus").get("/metrics").status_code == 403


def test_pages_without_a_valuation_say_what_is_missing(
    world: World, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("patronage.site.clock.now", lambda: NOW)
    eve = as_(world, "eve")
    for path in ("/levers", "/metrics"):
        assert "Nobody is valued as of this date" in eve.get(path).content.decode()
