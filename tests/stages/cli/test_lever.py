"""Levers and boundaries from the command line: granted, pulled, approved, set and lifted."""

from __future__ import annotations

import pytest

from patronage.govern.models import Boundary, Grant, LeverUse, Standing

from ..customize.world import World
from ..customize.world import build as build_world
from .conftest import Verb


@pytest.fixture
def world(db: None) -> World:
    return build_world()


def test_a_lever_is_granted_pulled_beyond_the_limit_and_approved(world: World, verb: Verb) -> None:
    customer = Standing.objects.filter(portfolio=world.portfolios["Top"])[0].customer_id
    ana, agent = ("--as", "ana@example.com"), ("--as", "agent@example.com")
    reason = ("--reason", "tests")
    assert verb(
        "lever", "grant", "goodwill", "20", "--role", "agent", "--per", "customer_quarter", *reason
    ).err == ""  # fmt: skip
    assert verb("lever", "grant", "goodwill", "50", "--portfolio", "Top", *reason).status == 0
    assert "Done" in verb(*agent, "lever", "use", customer, "goodwill", "20.00", *reason).out
    more = verb(*agent, "lever", "use", customer, "goodwill", "0.01", *reason)
    assert "waits for the manager" in more.out
    waiting = LeverUse.objects.get(state="waiting")
    assert waiting.id in verb(*ana, "lever", "show").out
    assert "approved" in verb(*ana, "lever", "approve", waiting.id, *reason).out
    done = LeverUse.objects.get(state="done")
    assert verb(*ana, "lever", "review", done.id, *reason).status == 0
    assert "taken back" in verb(*ana, "lever", "take-back", done.id, *reason).out
    whole = Grant.objects.get(portfolio=world.portfolios["Top"])
    passed = verb(*ana, "lever", "delegate", whole.id, "30", "--to", "agent@example.com", *reason)
    assert (passed.status, passed.err) == (0, "")
    part = Grant.objects.get(part_of=whole)
    assert part.limit == 3_000
    assert verb(*ana, "lever", "end", part.id, *reason).status == 0
    assert len(verb("--json", "lever", "grants").documents) == 3
    more = verb(*agent, "lever", "use", customer, "goodwill", "30", *reason)
    assert "waits" in more.out
    waits = LeverUse.objects.get(state="waiting")
    assert "refused" in verb(*ana, "lever", "refuse", waits.id, *reason).out
    for wrong in ("ten", "1.001"):
        answer = verb(*agent, "lever", "use", customer, "goodwill", wrong, *reason)
        assert (answer.status, "write money" in answer.err) == (1, True)


def test_a_boundary_is_tried_set_shown_and_lifted_and_terms_say_so(
    world: World, verb: Verb
) -> None:
    customer = Standing.objects.filter(portfolio=world.portfolios["Top"])[0].customer_id
    reason = ("--reason", "tests")
    verb("lever", "grant", "discount", "40%", "--portfolio", "Top", *reason)
    ana = ("--as", "ana@example.com")
    about = ("--category", "APPLES")
    used = verb(*ana, "lever", "use", customer, "discount", "40 %", *about, *reason)
    assert "Done" in used.out
    cap = ("boundary", "set", "Cap", "discount_cap", "--limit", "15%", "--source", "board", *reason)
    tried = verb("--json", *cap, "--when", "tier = 'top'", "--dry-run").documents[0]
    assert 0 < tried["surely_touched"] < tried["customers"]
    assert not Boundary.objects.exists()
    assert verb(*cap).status == 0
    said = verb("--json", *ana, "customer", "terms", customer, *about).documents
    assert (said[0]["share_of_list_price"], said[0]["price"]) == (0.85, None)
    assert [each["kind"] for each in said[1:]] == ["list price", "lever", "boundary"]
    assert "15 %" in verb("boundary", "list").out
    assert verb(*ana, *cap).status == 1
    assert verb("boundary", "lift", "Cap", *reason).status == 0
    kept = verb("--json", "boundary", "list", "--all").documents
    assert [each["name"] for each in kept] == ["Cap", "Cap"]
