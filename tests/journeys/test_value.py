"""Can an analyst see what customers are worth, follow a bar to them, and see what that rests on?"""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from patronage.access.roles import SYSTEM
from patronage.differentiate.models import ControlTotal, LatestValuation, ObjectiveOverride
from patronage.differentiate.reads.objectives import objective_of
from patronage.differentiate.reads.worth import value_summary
from patronage.differentiate.reads.worth_list import worth_page
from patronage.site import clock

from ..stages.customize.world import World
from .conftest import LogIn, charts_drawn, fits, keep_picture, serious

pytestmark = pytest.mark.browser


def heading(page: Page) -> str:
    return page.get_by_role("heading", level=1).inner_text()


def test_the_worth_of_everybody_a_tier_and_the_file(
    world: World, log_in: LogIn, live_server: LiveServer, tmp_path: Path
) -> None:
    page = log_in("nina")
    page.keyboard.press("g")
    page.keyboard.press("v")
    expect(page).to_have_url(re.compile("/value$"))
    summary = value_summary(SYSTEM, clock.now())
    assert f"{summary.customers:,} customers are worth" in heading(page)
    charts_drawn(page)
    keep_picture(page, "value-1440")
    assert serious(page) == []
    page.get_by_label("Tier", exact=True).select_option("top")
    expect(page).to_have_url(re.compile("tier=top"))
    (top,) = (part for part in summary.tiers if part.name == "top")
    expect(page.get_by_role("heading", level=1)).to_contain_text(f"{top.customers:,} customers")
    charts_drawn(page)
    page.get_by_role("link", name="Most at risk").click()
    expect(page).to_have_url(re.compile("tier=top.*sort=risk|sort=risk.*tier=top"))
    riskiest = worth_page(SYSTEM, clock.now(), sort="risk", limit=1).rows[0]
    expect(page.locator("#worth-list [aria-current]")).to_have_text("Most at risk")
    with page.expect_download() as download:
        page.get_by_role("link", name="Take as CSV").click()
    file = tmp_path / "value.csv"
    download.value.save_as(file)
    with file.open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert len(rows) == top.customers
    assert sum(int(row["value_minor"]) for row in rows) == top.value_minor
    assert riskiest.tier != "top" or rows[0]["customer_id"] == riskiest.customer_id
    fits(page, 390)


def test_a_bar_leads_to_the_customers_who_make_it_up(
    world: World, log_in: LogIn, live_server: LiveServer
) -> None:
    page = log_in("eva")
    page.goto(f"{live_server.url}/value")
    charts_drawn(page)
    page.locator("[data-chart]").first.locator("svg .mark-rect path").first.click()
    expect(page).to_have_url(re.compile("from=|below="))
    counted = int(re.sub(r"\D", "", heading(page).split(" customer")[0]))
    expect(page.locator(".pager")).to_contain_text(f"of {counted:,} shown")
    page.get_by_role("link", name="take this away").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(
        f"{LatestValuation.objects.count():,} customers"
    )
    page.goto(f"{live_server.url}/value?from=99999999999")
    expect(page.get_by_role("heading", level=1)).to_have_text("Nobody is like that")
    page.get_by_role("link", name="Show all").first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("are worth")


def test_a_manager_sees_their_own_and_sets_an_objective_above_the_rules(
    world: World, log_in: LogIn, live_server: LiveServer
) -> None:
    page = log_in("ana")
    page.goto(f"{live_server.url}/value")
    mine = value_summary(world.ana, clock.now())
    assert f"{mine.customers:,} customers are worth" in heading(page)
    assert mine.customers < LatestValuation.objects.count()
    page.locator("#worth-list tbody th a").first.click()
    expect(page).to_have_url(re.compile("/customers/cus_"))
    customer_id = page.url.rsplit("/", 1)[1]
    page.get_by_role("button", name="Set another objective").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Objective", exact=True).select_option("convert")
    dialog.get_by_text("The customer told us").click()
    dialog.get_by_label("In your words").fill("moves abroad")
    keep_picture(page, "objective")
    dialog.get_by_role("button", name="Set it").click()
    expect(page.get_by_text("The objective is set")).to_be_visible()
    expect(page.get_by_text("set by a person")).to_be_visible()
    word = ObjectiveOverride.objects.get(customer_id=customer_id)
    assert (word.objective, word.reason) == ("convert", "The customer told us: moves abroad")
    assert serious(page) == []
    fits(page, 390)
    page.set_viewport_size({"width": 1280, "height": 800})
    page.get_by_role("button", name="Let the rules decide").click()
    dialog.get_by_label("Why?").fill("stayed after all")
    dialog.get_by_role("button", name="Let the rules decide").click()
    expect(page.get_by_text("The rules decide on the objective again.")).to_be_visible()
    assert not objective_of(world.ana, customer_id, clock.now()).is_override


def test_the_audit_the_assumptions_and_the_ledger(
    world: World, log_in: LogIn, live_server: LiveServer
) -> None:
    page = log_in("nina")
    page.goto(f"{live_server.url}/value/audit")
    expect(page.get_by_role("heading", level=1)).to_contain_text("of the margin in Q4 2024")
    charts_drawn(page)
    keep_picture(page, "audit-1440")
    assert serious(page) == []
    fits(page, 390)
    page.set_viewport_size({"width": 1440, "height": 900})
    page.get_by_role("link", name="Q3 2024", exact=True).first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Q3 2024")
    page.get_by_role("link", name="Assumptions").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("not approved yet")
    expect(page.get_by_text("would move the value most")).to_be_visible()
    charts_drawn(page)
    assert serious(page) == []
    page.get_by_role("link", name="Reconciliation").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("agree to the cent")
    page.get_by_role("button", name="Record a ledger figure").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Amount in USD").fill("1,234.56")
    dialog.get_by_label("Why?").fill("General ledger, closed 2025-01-05")
    dialog.get_by_role("button", name="Record it").click()
    expect(page.get_by_text("The ledger's figure is recorded.")).to_be_visible()
    expect(page.get_by_role("heading", level=1)).to_contain_text("1 difference is not explained")
    assert ControlTotal.objects.get().amount_minor == 123_456
    assert serious(page) == []
    fits(page, 390)
