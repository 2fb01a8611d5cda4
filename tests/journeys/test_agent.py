"""Can an agent with a caller on the line find them, write down a need and say the right thing?"""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from patronage.access import vault
from patronage.access.roles import SYSTEM
from patronage.customize.jobs import decide
from patronage.customize.models import Decision, DecisionRun
from patronage.differentiate.models import Need
from patronage.identify.models import Customer

from ..stages.customize.world import AS_OF, World
from ..stages.differentiate.history import NOW
from ..stages.site.test_gallery import keep_picture, serious
from .conftest import LogIn, fits

pytestmark = pytest.mark.browser


@pytest.fixture
def run(world: World) -> DecisionRun:
    """Everybody is decided once."""
    return decide(actor=SYSTEM, now=NOW, as_of=AS_OF)


@pytest.fixture
def caller(run: DecisionRun) -> Customer:
    """Somebody for whom an offer was chosen that a need for fresh food speaks against."""
    chosen = Decision.objects.filter(run=run, outcome="offered").exclude(
        treatment__offer__category="APPLES"
    )
    decision = chosen.order_by("id").first()
    assert decision is not None
    return decision.customer


def open_caller(page: Page, caller: Customer) -> None:
    """Find the caller as an agent does."""
    page.get_by_label("Name, number or e-mail address").fill(caller.label)
    page.get_by_role("link", name=caller.label).click()
    expect(page.get_by_role("heading", name=caller.label)).to_be_visible()


def test_a_need_is_written_down_in_two_clicks_and_changes_the_next_best_action(
    world: World, caller: Customer, log_in: LogIn
) -> None:
    page = log_in("agent")
    open_caller(page, caller)
    before = page.locator("#next .lead strong").inner_text()
    page.get_by_role("button", name="They told us a need").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("In their words").fill("We eat apples all day")
    keep_picture(page, "say-need")
    dialog.get_by_role("button", name="Cooks fresh").click()
    needs = page.locator("#needs")
    expect(needs).to_contain_text("Cooks fresh")
    expect(needs).to_contain_text("We eat apples all day")
    expect(needs).to_contain_text("On the phone")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.locator("#next .lead").first).not_to_contain_text(before)
    explained = page.locator("#next tr", has_text="Save on cereal")
    assert "does not meet the offer's conditions" in (explained.first.text_content() or "")
    need = Need.objects.get(customer=caller)
    assert vault.get(caller.id, f"note:{need.id}") == "We eat apples all day"
    keep_picture(page, "agent-customer")
    assert serious(page) == []


def test_a_need_that_was_met_is_closed_and_stays_on_record(
    world: World, caller: Customer, log_in: LogIn
) -> None:
    page = log_in("agent")
    open_caller(page, caller)
    page.get_by_role("button", name="They told us a need").click()
    page.get_by_role("dialog").get_by_role("button", name="Cooks fresh").click()
    page.locator("#needs").get_by_role("button", name="Close").first.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Why?").fill("They found the apples")
    dialog.get_by_role("button", name="Close").click()
    expect(page.locator("#needs")).to_contain_text("Fulfilled")
    expect(page.locator("#needs")).to_contain_text("They found the apples")
    assert Need.objects.get(customer=caller).status == "fulfilled"


def test_an_agent_never_sees_what_a_customer_is_worth(
    world: World, caller: Customer, log_in: LogIn
) -> None:
    page = log_in("agent")
    open_caller(page, caller)
    expect(page.locator("ol.timeline li").first).to_be_visible()
    for more in page.locator("details").all():
        more.evaluate("each => each.open = true")
    shown = page.locator("main").inner_text()
    assert "Next best action" in shown
    for word in ("Worth", "Tier", "Profit", "Margin", "margin", "Earns", "earn 0"):
        assert word not in shown, word
    decision = page.get_by_role("region", name="Contacts").get_by_role("link").first
    decision.click()
    explained = page.locator("main").inner_text()
    assert "Chosen" in explained
    for word in ("Earns", "more than leaving"):
        assert word not in explained, word


def test_the_same_page_shows_its_manager_what_an_agent_does_not_see(
    world: World, caller: Customer, run: DecisionRun, log_in: LogIn
) -> None:
    """The broken twin: without the agent's role the words are there."""
    decision = Decision.objects.get(run=run, customer=caller)
    manager = "ana" if decision.portfolio.name == "Top" else "ben"
    page = log_in(manager)
    page.goto(page.url.split("/portfolio")[0] + f"/customers/{caller.id}")
    for more in page.locator("details").all():
        more.evaluate("each => each.open = true")
    shown = page.locator("main").inner_text()
    for word in ("Worth", "Tier", "Profit", "Margin", "Earns"):
        assert word in shown, word


def test_an_agents_page_works_on_a_narrow_window(
    world: World, caller: Customer, log_in: LogIn
) -> None:
    page = log_in("agent")
    open_caller(page, caller)
    expect(page.locator("ol.timeline li").first).to_be_visible()
    fits(page, 390)
    page.get_by_role("button", name="They told us a need").click()
    expect(page.get_by_role("dialog").get_by_role("button", name="Cooks fresh")).to_be_visible()
    keep_picture(page, "say-need-narrow")
    assert serious(page) == []
