"""A small retailer behind a live server, and a window in which each of its people can log in.

Everything in the retailer came about through the product's own actions and jobs: customers who
shop, two portfolios, two product teams with their offers, valuations and assignments. A test adds
what it needs on top (`decide`, `draft_statement`, an import).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from patronage.access.people import create_user
from patronage.access.roles import SYSTEM, Role
from patronage.site.bundle import chart_library

from ..stages.customize.world import BEGINNING, PASSWORD, World, build
from ..stages.differentiate.history import NOW
from ..stages.remembered import Remembered
from ..stages.site.browsing import browser, page
from ..stages.site.test_gallery import charts_drawn, keep_picture, serious

__all__ = ["browser", "charts_drawn", "keep_picture", "page", "serious"]

#: logs a person in by first name (ana, ben, olga, omar, agent, eva, adam, nina)
LogIn = Callable[[str], Page]

#: people whom only screens need: they see all customers, or none
_MORE_PEOPLE = {"eva": Role.EXECUTIVE, "adam": Role.ADMINISTRATOR, "nina": Role.ANALYST}


@pytest.fixture(autouse=True)
def clock_of_the_site(monkeypatch: pytest.MonkeyPatch) -> datetime:
    """Give pages the day after the retailer was set up; time goes on from there."""
    opened, started = NOW + timedelta(days=1), time.monotonic()

    def now() -> datetime:
        return opened + timedelta(seconds=time.monotonic() - started)

    monkeypatch.setattr("patronage.site.clock.now", now)
    return opened


@pytest.fixture(scope="session", autouse=True)
def chart_library_is_there() -> None:
    """Write the chart library before the first page, as `patronage serve` does."""
    chart_library()


def _peopled() -> World:
    made = build()
    for name, role in _MORE_PEOPLE.items():
        create_user(
            actor=SYSTEM,
            now=BEGINNING,
            email=f"{name}@example.com",
            name=name.title(),
            password=PASSWORD,
            roles=[role],
            reason="tests",
        )
    return made


_BUILT = Remembered(_peopled)


@pytest.fixture
def world(transactional_db: None) -> World:
    """The retailer, valued and assigned as of 2024-12-31; nothing is decided yet.

    Ana is in charge of "Top", Ben of "Everybody else"; Olga owns the offers of "Fresh", Omar
    those of "Dry"; `agent` is an agent, Eva an executive, Adam an administrator, Nina an analyst.
    """
    return _BUILT()


@pytest.fixture
def log_in(world: World, live_server: LiveServer, page: Page) -> LogIn:
    """Logs a person in through the log-in page, in place of whoever was logged in before."""

    def enter(name: str) -> Page:
        page.context.clear_cookies()
        page.goto(f"{live_server.url}/login")
        page.get_by_label("E-mail address").fill(f"{name}@example.com")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Log in").click()
        page.wait_for_url(lambda address: "/login" not in address)
        return page

    return enter


def fits(page: Page, width: int) -> None:
    """Nothing of the page stands beyond a window of this width."""
    page.set_viewport_size({"width": width, "height": 844})
    expect(page.locator("main")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
