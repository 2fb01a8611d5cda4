"""Can a manager rule for some customers and for a while, and can an owner answer and resubmit?"""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from patronage.access.roles import SYSTEM
from patronage.customize.actions import rule
from patronage.customize.jobs import decide
from patronage.customize.models import DecisionRun, Offer, Ruling

from ..stages.customize.world import AS_OF, World
from ..stages.differentiate.history import NOW
from ..stages.site.test_gallery import keep_picture, serious
from .conftest import LogIn, fits

pytestmark = pytest.mark.browser


@pytest.fixture
def run(world: World) -> DecisionRun:
    return decide(actor=SYSTEM, now=NOW, as_of=AS_OF)


def test_a_block_for_a_segment_until_a_day_with_a_test_is_made_seen_and_taken_back(
    world: World, run: DecisionRun, log_in: LogIn
) -> None:
    offer = world.offers["APPLES"]
    page = log_in("ana")
    page.get_by_role("link", name="Gate", exact=True).click()
    row = page.locator("tr[data-row]", has_text=offer.name)
    expect(row).to_contain_text("waits")
    expect(row).to_contain_text("falls to it on")
    row.get_by_role("link", name="Block").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_text("For some of them, until a day, or with a test").click()
    dialog.get_by_label("Only customers for whom").fill("orders_90d >")
    expect(dialog.get_by_role("alert").first).to_contain_text("The segment cannot be used")
    dialog.get_by_label("Only customers for whom").fill("orders_90d >= 12")
    expect(dialog).to_contain_text("Decides for")
    dialog.get_by_label("Last day").fill("2199-12-31")
    dialog.get_by_label("Test share").select_option("2")
    keep_picture(page, "gate-some")
    assert serious(page) == []
    dialog.get_by_role("button", name="It comes at the wrong time.").click()
    expect(row).to_contain_text("1 word on some customers")
    made = Ruling.objects.get(by_default=False)
    assert (made.when, made.test_share) == ("orders_90d >= 12", 0.02)
    assert made.forgone_minor is not None

    row.get_by_role("link", name="1 word on some customers").click()
    said = page.locator("ol.timeline li", has_text="orders_90d >= 12")
    expect(said).to_contain_text("still let through for 2.0%, drawn by chance")
    expect(said).to_contain_text("What it costs is not known yet")
    keep_picture(page, "ruling-some")
    fits(page, 390)
    keep_picture(page, "ruling-some-narrow")
    assert serious(page) == []
    said.get_by_role("button", name="Take back").click()
    dialog = page.locator("dialog[open]")
    dialog.get_by_role("textbox").fill("one week was enough")
    dialog.get_by_role("button", name="Take back").click()
    expect(page.get_by_role("status")).to_contain_text("what held before it holds again")
    expect(page.locator("ol.timeline li", has_text="took it back")).to_contain_text(
        "one week was enough"
    )


def test_an_owner_answers_and_resubmits_and_the_manager_sees_what_changed(
    world: World, run: DecisionRun, log_in: LogIn
) -> None:
    offer = world.offers["APPLES"]
    rule(
        actor=world.ana,
        now=NOW,
        offer_id=offer.id,
        portfolio_id=world.portfolios["Top"].id,
        effect="block",
        reason_code="price",
        reason="Half would do",
    )
    page = log_in("olga")
    page.get_by_role("link", name=offer.name).click()
    page.get_by_text("Answer", exact=True).click()
    page.get_by_label("What you say stands beside the ruling").fill("Then we offer half.")
    page.get_by_role("button", name="Send").click()
    expect(page.locator("ol.timeline")).to_contain_text("Then we offer half.")
    keep_picture(page, "offer-answers")
    assert serious(page) == []
    page.get_by_role("link", name="Resubmit").click()
    page.get_by_label("Saves the customer").fill("0.50")
    keep_picture(page, "offer-resubmit")
    page.get_by_role("button", name="Resubmit").click()
    expect(page.get_by_role("status")).to_contain_text("Version 2 of Save on apples")
    expect(page.locator("table.difference")).to_contain_text("1.00 USD → 0.50 USD")
    keep_picture(page, "offer-version")
    assert serious(page) == []
    new = Offer.objects.get(replaces=offer)

    page = log_in("ana")
    page.get_by_role("link", name="Gate", exact=True).click()
    row = page.locator("tr[data-row]", has_text="version 2")
    expect(row).to_contain_text("Blocked")
    keep_picture(page, "gate-version")
    row.get_by_role("link", name=new.name).first.click()
    expect(page.locator("table.difference").first).to_contain_text("1.00 USD → 0.50 USD")
    keep_picture(page, "ruling-version")
    assert serious(page) == []
