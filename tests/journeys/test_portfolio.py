"""Can a manager see whom they are in charge of, find some of them, and hand them over?"""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from patronage.access.models import AuditEntry
from patronage.customize.actions import rule
from patronage.customize.reads import gate
from patronage.customize.waiting import offers_waiting
from patronage.govern import reads
from patronage.govern.actions import hand_over
from patronage.govern.models import Standing
from patronage.site import clock

from ..stages.customize.world import World
from .conftest import LogIn, fits, keep_picture, serious

pytestmark = pytest.mark.browser


def of(world: World, name: str) -> list[Standing]:
    """A portfolio's customers, most valuable first."""
    held = Standing.objects.filter(portfolio=world.portfolios[name], value_minor__isnull=False)
    return list(held.order_by("-value_minor", "customer_id"))


def labels(page: Page) -> list[str]:
    return page.locator("#customers tbody th").all_inner_texts()


def test_a_manager_reads_what_they_are_in_charge_of_first(world: World, log_in: LogIn) -> None:
    page = log_in("ana")
    mine = of(world, "Top")
    expect(page).to_have_url(re.compile("/portfolio$"))
    said = f"Ana is in charge of {len(mine)} customers worth"
    expect(page.get_by_role("heading", level=1)).to_contain_text(said)
    expect(page.get_by_role("heading", level=1)).to_contain_text("over 3 years")
    assert labels(page) == [each.label for each in mine][:50]
    assert {each.label for each in of(world, "Everybody else")}.isdisjoint(labels(page))
    keep_picture(page, "portfolio-1440")
    assert serious(page) == []
    fits(page, 390)
    keep_picture(page, "portfolio-390")


def test_sorting_and_filtering_swap_the_table_and_stay_in_the_address(
    world: World, log_in: LogIn
) -> None:
    page = log_in("ana")
    page.evaluate("document.body.dataset.stayed = 'yes'")
    page.get_by_role("link", name="At risk").click()
    expect(page).to_have_url(re.compile("sort=risk"))
    expect(page.locator("th[aria-sort]")).to_contain_text("At risk")
    by_risk = sorted(of(world, "Top"), key=lambda each: -(each.at_risk_minor or 0))
    expect(page.locator("#customers tbody th").first).to_have_text(by_risk[0].label)

    wanted = by_risk[-1].label
    page.get_by_label("Name or number").fill(wanted)
    expect(page.locator("#customers tbody tr")).to_have_count(1)
    expect(page).to_have_url(re.compile("search=Household"))
    assert "tier=" not in page.url
    assert "sort=risk" in page.url
    assert page.evaluate("document.body.dataset.stayed") == "yes"

    # the address is the view
    page.goto(page.url)
    assert labels(page) == [wanted]
    expect(page.get_by_label("Name or number")).to_have_value(wanted)
    page.get_by_label("Name or number").fill("nobody at all")
    expect(page.get_by_text("Nobody in this portfolio is like that")).to_be_visible()
    page.get_by_role("link", name="Show all").last.click()
    expect(page.locator("#customers tbody tr")).not_to_have_count(0)


def test_pages_follow_each_other_without_losing_or_repeating_anybody(
    world: World, log_in: LogIn, live_server: LiveServer
) -> None:
    page = log_in("ben")
    page.goto(f"{live_server.url}/portfolio?sort=label")
    seen = labels(page)
    while page.get_by_role("link", name="Next page").count():
        first = seen[-1]
        page.get_by_role("link", name="Next page").click()
        expect(page.locator("#customers tbody th", has_text=first)).to_have_count(0)
        seen += labels(page)
    everybody = Standing.objects.filter(portfolio=world.portfolios["Everybody else"])
    assert len(seen) > 50
    assert seen == sorted(everybody.values_list("label", flat=True))


def test_two_selected_customers_are_handed_over_with_a_reason_in_two_clicks(
    world: World, log_in: LogIn
) -> None:
    page = log_in("ana")
    moving = of(world, "Top")[:2]
    for each in moving:
        page.get_by_label(f"Select {each.label}").check()
    page.get_by_role("button", name="Hand over the selected").click()
    dialog = page.get_by_role("dialog", name="Hand over")
    expect(dialog).to_contain_text("Hand over 2 customers worth")
    expect(dialog).to_contain_text(moving[0].label)
    keep_picture(page, "hand-over")
    assert serious(page) == []
    dialog.get_by_label("To", exact=True).select_option(label="Everybody else · Ben")
    dialog.get_by_text("Too many for me to look after").click()
    dialog.get_by_label("In your words").fill("On leave")
    dialog.get_by_role("button", name="Hand over").click()

    expect(page.get_by_text("2 customers are in “Everybody else” now.")).to_be_visible()
    for each in moving:
        expect(page.locator("#customers tbody th", has_text=each.label)).to_have_count(0)
    newest = reads.history_of(world.ben, moving[0].customer_id, clock.now())[-1]
    assert (newest.portfolio, newest.cause) == ("Everybody else", "hand_over")
    assert newest.reason == "Too many for me to look after: On leave"
    assert AuditEntry.objects.filter(action="hand over customers").count() == 1


def test_one_box_selects_all_that_are_shown(world: World, log_in: LogIn) -> None:
    page = log_in("ana")
    page.get_by_label("Select all shown").check()
    page.get_by_role("button", name="Hand over the selected").click()
    shown = len(of(world, "Top"))
    expect(page.get_by_role("dialog")).to_contain_text(f"Hand over {shown} customers worth")
    expect(page.get_by_role("dialog")).to_contain_text("They leave “Top” (Ana).")
    page.get_by_role("button", name="Cancel").click()
    page.get_by_label("Select all shown").uncheck()
    expect(page.locator("#customers tbody input:checked")).to_have_count(0)


def test_a_refusal_is_read_in_the_dialog_and_what_was_typed_stays(
    world: World, log_in: LogIn
) -> None:
    page = log_in("ana")
    first = of(world, "Top")[0]
    page.get_by_label(f"Select {first.label}").check()
    page.get_by_role("button", name="Hand over the selected").click()
    dialog = page.get_by_role("dialog", name="Hand over")
    dialog.get_by_label("To", exact=True).select_option(label="Everybody else · Ben")
    dialog.get_by_text("Knows the other manager").click()
    dialog.get_by_label("In your words").fill("They are neighbours")
    # in the meantime somebody else hands the customer over
    hand_over(
        actor=world.ana,
        now=clock.now(),
        customer_ids=[first.customer_id],
        to_portfolio_id=world.portfolios["Everybody else"].id,
        reason="first come",
    )
    dialog.get_by_role("button", name="Hand over").click()
    expect(dialog.locator("[data-errors]")).to_contain_text("There is no customer")
    expect(dialog.get_by_label("In your words")).to_have_value("They are neighbours")


def test_nothing_selected_is_said_and_nothing_moves(world: World, log_in: LogIn) -> None:
    page = log_in("ana")
    page.get_by_role("button", name="Hand over the selected").click()
    expect(page.get_by_role("dialog")).to_contain_text("Nobody is selected")
    page.get_by_role("button", name="Back to the list").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert not AuditEntry.objects.filter(action="hand over customers").exists()


def test_a_foreign_portfolio_looks_like_an_absent_one(
    world: World, log_in: LogIn, live_server: LiveServer
) -> None:
    page = log_in("ana")
    pages = []
    for portfolio in (world.portfolios["Everybody else"].id, "prt_nobody"):
        answer = page.goto(f"{live_server.url}/portfolio?portfolio={portfolio}")
        assert answer is not None
        assert answer.status == 404
        pages.append(page.locator("main").inner_text().replace(portfolio, "it"))
    assert pages[0] == pages[1]
    theirs = of(world, "Everybody else")[0].customer_id
    answer = page.goto(f"{live_server.url}/portfolio/hand-over?customer={theirs}")
    assert answer is not None
    assert answer.status == 404


def test_an_executive_sees_who_holds_what_value(world: World, log_in: LogIn) -> None:
    page = log_in("eva")
    page.get_by_role("link", name="Portfolio", exact=True).click()
    expect(page).to_have_url(re.compile("/portfolios$"))
    expect(page.get_by_role("heading", level=1)).to_contain_text("of the value with")
    rows = page.locator("tbody tr")
    expect(rows).to_have_count(2)
    expect(rows.filter(has_text="Ana")).to_contain_text(str(len(of(world, "Top"))))
    keep_picture(page, "portfolios")
    assert serious(page) == []
    fits(page, 390)
    page.set_viewport_size({"width": 1440, "height": 900})
    page.get_by_role("link", name="Top", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Ana is in charge of")
    page.get_by_role("link", name=re.compile("Everybody else")).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Ben is in charge of")


def test_rows_open_by_keyboard(log_in: LogIn, world: World) -> None:
    page = log_in("ana")
    page.keyboard.press("j")
    page.keyboard.press("j")
    second = of(world, "Top")[1]
    expect(page.get_by_role("link", name=second.label)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(f"/customers/{second.customer_id}$"))


def test_an_agent_sees_no_portfolio(log_in: LogIn, live_server: LiveServer) -> None:
    page = log_in("agent")
    answer = page.goto(f"{live_server.url}/portfolio")
    assert answer is not None
    assert answer.status == 403
    expect(page.get_by_role("link", name="Portfolio", exact=True)).to_have_count(0)


def test_the_offers_that_wait_are_those_at_the_gate(world: World, log_in: LogIn) -> None:
    waiting = gate(world.ana, clock.now(), state="waiting")
    assert len(waiting) > 1
    page = log_in("ana")
    link = page.get_by_role("link", name=f"{len(waiting)} offers wait for a ruling")
    expect(link).to_be_visible()
    rule(
        actor=world.ana,
        now=clock.now(),
        offer_id=waiting[0].offer_id,
        portfolio_id=waiting[0].portfolio_id,
        effect="block",
        reason_code="timing",
    )
    page.reload()
    expect(page.get_by_text(f"{len(waiting) - 1} offers wait for a ruling")).to_be_visible()
    assert offers_waiting(world.ana, clock.now()) == len(waiting) - 1
