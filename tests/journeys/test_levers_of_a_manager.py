"""Can a manager see what they may do, do it, say yes to an agent, and pass a part on?"""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from patronage.access.roles import SYSTEM
from patronage.govern.actions import grant_lever
from patronage.govern.models import Boundary, Grant, LeverUse, Standing
from patronage.site import clock

from ..stages.customize.world import World
from .conftest import LogIn, fits, keep_picture, serious

pytestmark = pytest.mark.browser


def granted(world: World, lever: str, limit: int, role: str = "") -> Grant:
    portfolio_id = "" if role else world.portfolios["Top"].id
    return grant_lever(
        actor=SYSTEM,
        now=clock.now(),
        lever=lever,
        limit=limit,
        per="use",
        reason="agreed",
        portfolio_id=portfolio_id,
        role=role,
    )


def customer_of(world: World, portfolio: str) -> Standing:
    return Standing.objects.filter(portfolio=world.portfolios[portfolio]).order_by("label")[0]


def do(page: Page, customer: str, lever: str, amount: str, **more: str) -> None:
    page.get_by_label("Customer (name or number)").fill(customer)
    page.get_by_label("Lever", exact=True).select_option(label=lever)
    page.get_by_label("How much").fill(amount)
    for label, value in more.items():
        page.get_by_label(re.compile(label, re.IGNORECASE)).first.fill(value)
    page.locator("#pull-reason").fill("a late delivery")
    page.get_by_role("button", name="Do it").click()


def test_an_agent_acts_within_the_limit_and_the_manager_says_yes_beyond_it(
    world: World, log_in: LogIn, live_server: LiveServer
) -> None:
    granted(world, "goodwill", 2_000, role="agent")
    granted(world, "goodwill", 5_000)
    label = customer_of(world, "Top").label
    page = log_in("agent")
    page.goto(f"{live_server.url}/my-levers")
    expect(page.get_by_role("heading", level=1)).to_have_text("You hold 1 lever")
    do(page, label, "Goodwill gesture", "20.00")
    expect(page.get_by_text(f"Done for {label}.")).to_be_visible()
    do(page, label, "Goodwill gesture", "20.01")
    expect(page.get_by_text("waits for the manager").first).to_be_visible()
    assert serious(page) == []

    page = log_in("ana")
    page.goto(f"{live_server.url}/my-levers")
    expect(page.get_by_role("heading", level=1)).to_have_text("1 request waits for your word")
    keep_picture(page, "my-levers-1440")
    assert serious(page) == []
    page.locator("#waiting").get_by_role("button", name="Approve").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Why?").fill("fair")
    dialog.get_by_role("button", name="Approve").click()
    expect(page.get_by_text(f"Approved for {label}.")).to_be_visible()
    page.locator("#to-review").get_by_role("button", name="Seen").click()
    page.get_by_role("dialog").get_by_label("Why?").fill("fine")
    page.get_by_role("dialog").get_by_role("button", name="Seen").click()
    expect(page.get_by_text(f"Seen, for {label}.")).to_be_visible()
    states = LeverUse.objects.order_by("amount").values_list("state", flat=True)
    assert list(states) == ["done", "approved"]
    fits(page, 390)


def test_a_manager_passes_a_part_on_and_takes_it_back(
    world: World, log_in: LogIn, live_server: LiveServer
) -> None:
    granted(world, "discount", 2_000)
    page = log_in("ana")
    page.goto(f"{live_server.url}/my-levers")
    page.get_by_role("button", name="Pass a part on").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Person").select_option(label="Agent")
    dialog.get_by_label("Up to").fill("25 %")
    dialog.get_by_label("Why?").fill("busy weeks")
    dialog.get_by_role("button", name="Pass it on").click()
    expect(page.get_by_text("is more than the 20 % that you hold")).to_be_visible()
    page.goto(f"{live_server.url}/my-levers")
    page.get_by_role("button", name="Pass a part on").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Person").select_option(label="Agent")
    dialog.get_by_label("Up to").fill("10 %")
    dialog.get_by_label("Why?").fill("busy weeks")
    dialog.get_by_role("button", name="Pass it on").click()
    expect(page.locator("#delegated")).to_contain_text("Agent")
    page.locator("#delegated").get_by_role("button", name="End it").click()
    page.get_by_role("dialog").get_by_label("Why?").fill("over")
    page.get_by_role("dialog").get_by_role("button", name="End it").click()
    expect(page.locator("#delegated")).to_contain_text("Ended early: over")


def test_an_executive_sees_whom_a_boundary_touches_sets_it_and_it_cuts_a_price_back(
    world: World, log_in: LogIn, live_server: LiveServer
) -> None:
    granted(world, "discount", 4_000)
    label = customer_of(world, "Top").label
    page = log_in("ana")
    page.goto(f"{live_server.url}/my-levers")
    do(page, label, "Discount", "40 %", Category="APPLES")
    expect(page.get_by_text(f"Done for {label}.")).to_be_visible()

    page = log_in("eva")
    page.goto(f"{live_server.url}/boundaries")
    expect(page.get_by_role("heading", level=1)).to_have_text("Nothing is forbidden or limited yet")
    page.get_by_label("Name").fill("No more than 15 %")
    page.locator("#boundary-kind").select_option("discount_cap")
    page.get_by_label("Limit").fill("15 %")
    page.locator("#boundary-source").select_option("board")
    page.get_by_label("For which customers").fill("tier = 'top'")
    page.get_by_role("button", name="Whom would it touch?").click()
    preview = page.locator("#boundary-preview")
    expect(preview).to_contain_text("customers are within it")
    page.get_by_label("For which customers").fill("tyer = 'top'")
    page.get_by_role("button", name="Whom would it touch?").click()
    expect(preview).to_contain_text("The condition cannot be used")
    page.get_by_label("For which customers").fill("tier = 'top'")
    page.locator("#boundary-reason").fill("The board decided it")
    page.get_by_role("button", name="Set it").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("1 boundary stands above")
    assert Boundary.objects.get().limit == 1_500
    keep_picture(page, "boundaries-1440")
    assert serious(page) == []
    fits(page, 390)

    page = log_in("agent")
    page.goto(f"{live_server.url}/terms")
    page.get_by_label("Customer (name or number)").fill(label)
    page.get_by_label("or category").fill("APPLES")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(
        f"{label} pays 85.00% of the list price for APPLES"
    )
    expect(page.get_by_text("cut back to 85 % of the list price")).to_be_visible()
    assert serious(page) == []
