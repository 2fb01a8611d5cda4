"""Can a manager write a rule, see what it costs, publish it, and take it back with one click?"""

from __future__ import annotations

from datetime import timedelta

import pytest
from playwright.sync_api import expect

from patronage.access.roles import SYSTEM
from patronage.customize.actions import decide_now
from patronage.customize.jobs import decide
from patronage.customize.models import Decision, DecisionRun, PriceTag
from patronage.govern.models import PolicyVersion

from ..stages.customize.world import AS_OF, World
from ..stages.differentiate.history import NOW
from ..stages.site.test_gallery import keep_picture, serious
from .conftest import LogIn, fits

pytestmark = pytest.mark.browser


@pytest.fixture
def run(world: World) -> DecisionRun:
    """Everybody is decided once, so that there is something at stake."""
    return decide(actor=SYSTEM, now=NOW, as_of=AS_OF)


def outcome(world: World, decision: Decision, days: int) -> str:
    at = NOW + timedelta(days=days)
    return decide_now(actor=world.service, now=at, customer_id=decision.customer_id).outcome


def test_a_rule_is_written_priced_published_and_taken_back(
    world: World, run: DecisionRun, log_in: LogIn
) -> None:
    offered = Decision.objects.filter(run=run, outcome="offered")
    decision = offered.filter(portfolio=world.portfolios["Everybody else"]).earliest("id")
    page = log_in("ben")
    page.get_by_role("link", name="Rules", exact=True).click()
    expect(page.get_by_role("heading", name="No rules yet")).to_be_visible()
    page.get_by_role("link", name="Write a draft").click()
    page.get_by_label("What are these rules for?").fill("Leave the quiet ones alone")
    card = page.locator("#rules-form fieldset").first
    card.get_by_label("Name").fill("quiet")
    card.get_by_label("Effect").select_option("block")
    card.get_by_label("For whom").fill("orders_9d < 100")
    check = page.locator("#rules-check")
    expect(check).to_contain_text("column 1")
    expect(check).to_contain_text("orders_90d")
    keep_picture(page, "rules-refused")
    card.get_by_label("For whom").fill("orders_90d < 100")
    expect(check).to_contain_text("1 rule can be kept")
    page.get_by_role("button", name="Keep the draft").click()

    expect(page.get_by_role("heading", name="Leave the quiet ones alone")).to_be_visible()
    expect(page.get_by_text("Not priced yet.")).to_be_visible()
    page.get_by_role("button", name="Estimate on a sample").click()
    expect(page.locator(".badge", has_text="estimate")).to_be_visible()
    page.get_by_role("button", name="Work it out exactly").click()
    tag = page.locator("section.card", has_text="decided anew, with")
    expect(tag).to_contain_text("Expected value")
    expect(tag).to_contain_text("likely")
    assert PriceTag.objects.count() == 2
    assert not serious(page)
    keep_picture(page, "rules-priced")

    page.get_by_role("button", name="Publish").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Why?").fill("they asked for quiet")
    dialog.get_by_role("button", name="Publish").click()
    expect(page.get_by_text("Version 1 is in force")).to_be_visible()
    assert outcome(world, decision, 2) == "nothing"

    page.get_by_role("link", name="Rules", exact=True).first.click()
    page.get_by_role("link", name="Write a draft").click()
    expect(page.locator("#name-1")).to_have_value("quiet")
    page.get_by_label("What are these rules for?").fill("All may hear from us again")
    page.locator("#name-1").fill("")
    page.locator("#when-1").fill("")
    page.get_by_role("button", name="Keep the draft").click()
    expect(page.locator("table.difference del")).to_contain_text("orders_90d < 100")
    page.get_by_role("button", name="Publish").click()
    page.get_by_role("dialog").get_by_label("Why?").fill("quiet is over")
    page.get_by_role("dialog").get_by_role("button", name="Publish").click()
    expect(page.get_by_text("Version 2 is in force")).to_be_visible()
    assert outcome(world, decision, 3) == "offered"

    page.get_by_role("link", name="Rules", exact=True).first.click()
    keep_picture(page, "rules-history")
    page.get_by_role("button", name="Back to version 1").click()
    expect(page.get_by_text("Version 3 is in force")).to_be_visible()
    expect(page.get_by_role("heading", name="1 rule decides with the gate")).to_be_visible()
    assert outcome(world, decision, 4) == "nothing"
    assert PolicyVersion.objects.get(number=3).restores == PolicyVersion.objects.get(number=1)
    fits(page, 390)


def test_an_analyst_reads_the_rules_and_changes_none(
    world: World, run: DecisionRun, log_in: LogIn
) -> None:
    page = log_in("nina")
    page.goto(page.url.rstrip("/").rsplit("/", 1)[0] + "/rules")
    expect(page.get_by_role("heading", name="No rules yet")).to_be_visible()
    expect(page.get_by_role("link", name="Write a draft")).to_have_count(0)
    page.get_by_role("link", name="Everybody else").click()
    expect(page.get_by_role("heading", name="Everybody else")).to_be_visible()
