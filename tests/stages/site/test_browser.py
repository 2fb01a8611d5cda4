"""Does the frame of every page do what its keys and buttons promise?"""

from __future__ import annotations

import re
from datetime import date, datetime

import pytest
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from patronage.access.company import current
from patronage.access.roles import Role
from patronage.differentiate.models import ModelVersion, ValuationRun

from .conftest import LogIn
from .test_gallery import charts_drawn, keep_picture, serious

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("gallery")]


@pytest.fixture
def two_dates(transactional_db: None, company: None, now: datetime) -> None:
    """Customers were valued at two quarters' ends."""
    model = ModelVersion.objects.create(
        kind="purchase",
        name="pareto_nbd",
        as_of=date(2017, 9, 30),
        parameters={},
        converged=True,
        customers=2,
        fitted_at=now,
    )
    for day in (date(2017, 9, 30), date(2017, 12, 31)):
        ValuationRun.objects.create(
            as_of=day,
            input_digest=day.isoformat(),
            purchase_model=model,
            spend_model=model,
            company_version=current().version,
            horizon_days=1095,
            history_days=365,
            customers=2,
            total_minor=1,
            currency="USD",
            manifest=1,
            order_lines_manifest=1,
            created_at=now,
        )


@pytest.mark.parametrize("width", [1440, 390])
def test_the_log_in_page_stands_in_both_sizes_and_says_what_is_wrong(
    live_server: LiveServer, transactional_db: None, page: Page, width: int
) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(f"{live_server.url}/login")
    page.get_by_label("E-mail address").fill("nobody@example.com")
    page.get_by_label("Password").fill("wrong")
    page.get_by_label("Password").press("Control+Enter")
    expect(page.get_by_role("alert")).to_contain_text("do not go together")
    keep_picture(page, f"login-{width}")
    assert serious(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_slash_finds_g_goes_and_question_mark_shows_all_keys(
    logged_in: LogIn, live_server: LiveServer
) -> None:
    page = logged_in(Role.EXECUTIVE)
    page.goto(f"{live_server.url}/gallery")
    page.keyboard.press("/")
    expect(page.get_by_placeholder("Find a customer")).to_be_focused()
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard")).to_be_visible()
    keep_picture(page, "keys")
    page.keyboard.press("Escape")
    page.keyboard.press("g")
    page.keyboard.press("s")
    expect(page).to_have_url(re.compile("/search$"))
    keep_picture(page, "search")
    assert serious(page) == []


def test_j_and_k_walk_the_rows_and_enter_opens_one(
    logged_in: LogIn, live_server: LiveServer
) -> None:
    page = logged_in(Role.EXECUTIVE)
    page.goto(f"{live_server.url}/gallery")
    for key in ("j", "j", "j", "k"):
        page.keyboard.press(key)
    expect(page.get_by_role("link", name="Household 2")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("customer=2$"))


def test_a_ruling_takes_two_clicks_and_a_refusal_is_read_inside_the_dialog(
    logged_in: LogIn, live_server: LiveServer
) -> None:
    page = logged_in(Role.EXECUTIVE)
    page.goto(f"{live_server.url}/gallery")
    page.get_by_role("button", name="Block", exact=True).click()
    dialog = page.get_by_role("dialog", name="Block “10% off pasta”")
    dialog.get_by_text("Price too deep").click()
    dialog.get_by_role("button", name="Block the offer").click()
    expect(dialog.get_by_role("alert").first).to_contain_text("take that back first")
    keep_picture(page, "dialog")
    assert serious(page) == []
    dialog.get_by_text("Wrong season").click()
    dialog.get_by_role("button", name="Block the offer").click()
    expect(page.locator("#ruling")).to_have_text("Blocked: season")
    expect(dialog).to_be_hidden()


def test_a_click_on_a_bar_opens_the_rows_behind_it(
    logged_in: LogIn, live_server: LiveServer
) -> None:
    page = logged_in(Role.EXECUTIVE)
    page.goto(f"{live_server.url}/gallery")
    charts_drawn(page)
    page.locator("[data-chart] svg path[aria-roledescription='bar']").nth(4).click()
    expect(page).to_have_url(re.compile("line=experience$"))


def test_the_chosen_appearance_is_kept(logged_in: LogIn, live_server: LiveServer) -> None:
    page = logged_in(Role.EXECUTIVE)
    page.goto(f"{live_server.url}/gallery")
    page.get_by_label("Menu of Executive Ruiz").click()
    keep_picture(page, "menu")
    page.get_by_role("button", name="Dark").click()
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert ground == "rgb(15, 18, 23)"


def test_a_page_can_be_seen_as_of_an_earlier_date_and_the_way_keeps_it(
    logged_in: LogIn, live_server: LiveServer, two_dates: None
) -> None:
    page = logged_in(Role.EXECUTIVE)
    page.goto(f"{live_server.url}/gallery?tab=ruled&after=xyz")
    page.get_by_text("As of 31 Dec 2017").click()
    page.get_by_role("link", name="30 Sep 2017").click()
    expect(page).to_have_url(re.compile(r"/gallery\?tab=ruled&as_of=2017-09-30$"))
    expect(page.locator(".as-of")).to_contain_text("earlier")
    keep_picture(page, "as-of")
    page.get_by_role("link", name="Search").click()
    expect(page).to_have_url(re.compile(r"/search\?as_of=2017-09-30$"))


def test_the_api_documentation_works_without_any_other_server(
    logged_in: LogIn, live_server: LiveServer
) -> None:
    page = logged_in(Role.EXECUTIVE)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{live_server.url}/api/v1/docs")
    expect(page.get_by_role("heading", name="Patronage")).to_be_visible()
    keep_picture(page, "api-docs")
    elsewhere = [url for url in asked if not url.startswith((live_server.url, "data:"))]
    assert elsewhere == []


def test_an_error_page_stands_inside_the_frame(logged_in: LogIn, live_server: LiveServer) -> None:
    page = logged_in(Role.EXECUTIVE)
    page.goto(f"{live_server.url}/gallery/broken?how=not-found")
    expect(page.get_by_role("heading", name="Not here")).to_be_visible()
    keep_picture(page, "not-found")
    assert serious(page) == []


def test_french_readers_read_french_numbers(logged_in: LogIn, live_server: LiveServer) -> None:
    page = logged_in(Role.EXECUTIVE)
    page.goto(f"{live_server.url}/gallery")
    page.get_by_label("Menu of Executive Ruiz").click()
    page.get_by_role("button", name="Français").click()
    expect(page.locator("html")).to_have_attribute("lang", "fr")
    expect(page.locator("[data-rows] tbody tr").first).to_contain_text("97\N{NO-BREAK SPACE}752,34")


def test_a_session_that_ended_leads_back_to_the_same_page_after_logging_in(
    logged_in: LogIn, live_server: LiveServer
) -> None:
    page = logged_in(Role.EXECUTIVE)
    page.goto(f"{live_server.url}/gallery?tab=ruled")
    page.context.clear_cookies(name="sessionid")
    page.get_by_role("button", name="Block", exact=True).click()
    page.get_by_text("Wrong season").click()
    page.get_by_role("button", name="Block the offer").click()
    expect(page).to_have_url(re.compile(r"/login\?next=/gallery%3Ftab%3Druled$"))
