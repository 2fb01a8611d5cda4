"""Can an administrator run the loop, leave the page, come back, and read what came out?"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from patronage.access.roles import SYSTEM
from patronage.customize.errors import NoOffers
from patronage.customize.jobs import decide
from patronage.steer.cycle import STAGES, cycle
from patronage.steer.models import Statement

from ..stages.customize.world import AS_OF
from ..stages.differentiate.history import NOW
from .conftest import LogIn, fits, keep_picture, serious

pytestmark = pytest.mark.browser

DAY = "31 Dec 2024"


def to_the_loop(page: Page) -> None:
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Loop").click()


def run(page: Page, opens: str = "Run the loop", confirms: str = "Run") -> None:
    page.get_by_role("button", name=opens).click()
    page.get_by_label("As of", exact=True).fill(AS_OF.isoformat())
    page.get_by_role("dialog").get_by_role("button", name=confirms, exact=True).click()


def ended() -> None:
    for thread in threading.enumerate():
        if thread.name == "cycle":
            thread.join(60)


def test_an_administrator_runs_the_loop_and_sees_it_done(log_in: LogIn) -> None:
    page = log_in("adam")
    to_the_loop(page)
    title = page.get_by_role("heading", level=1)
    expect(title).to_have_text("The loop was never run")
    keep_picture(page, "cycles-empty")
    assert serious(page) == []
    page.get_by_role("button", name="Run the loop").click()
    expect(page.get_by_role("dialog")).to_contain_text("This cannot be taken back")
    keep_picture(page, "cycles-dialog")
    page.keyboard.press("Escape")
    run(page)
    expect(title).to_have_text(f"The loop ran last as of {DAY} and is complete", timeout=60_000)
    rows = page.locator("main table tbody tr")
    expect(rows).to_have_count(len(STAGES))
    done = page.locator("main table .badge").filter(has_text="Done")
    expect(done).to_have_count(len(STAGES))
    expect(rows.nth(0)).to_contain_text("customers are worth")
    expect(rows.nth(2)).to_contain_text("offered")
    assert Statement.objects.get().as_of == AS_OF
    page.set_viewport_size({"width": 1440, "height": 900})
    keep_picture(page, "cycles-1440")
    assert serious(page) == []
    fits(page, 390)
    keep_picture(page, "cycles-390")
    page.emulate_media(color_scheme="dark")
    keep_picture(page, "cycles-390-dark")
    assert serious(page) == []
    page.set_viewport_size({"width": 1440, "height": 900})
    keep_picture(page, "cycles-1440-dark")


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Decisions stop half-way until the event is set."""
    go = threading.Event()

    def slow(*, progress: Any, **named: Any) -> Any:
        progress(0.5, "choosing")
        go.wait(60)
        return decide(progress=progress, **named)

    monkeypatch.setattr("patronage.steer.cycle.decide", slow)
    yield go
    go.set()
    ended()


def test_a_loop_shows_progress_may_be_left_and_is_found_again(
    log_in: LogIn, held: threading.Event
) -> None:
    page = log_in("adam")
    to_the_loop(page)
    run(page)
    title = page.get_by_role("heading", level=1)
    expect(title).to_have_text(f"The loop is under way as of {DAY}")
    # two stages of six, and a half
    expect(page.get_by_role("progressbar")).to_have_attribute("value", "42", timeout=30_000)
    expect(page.locator(".progress")).to_contain_text("Decide offers")
    expect(page.get_by_role("button", name="Run the loop")).to_have_count(0)
    keep_picture(page, "cycles-progress")
    assert serious(page) == []
    page.get_by_role("navigation", name="Main").get_by_role("link", name="Imports").click()
    to_the_loop(page)
    expect(page.get_by_role("progressbar")).to_be_visible()
    held.set()
    expect(title).to_have_text(f"The loop ran last as of {DAY} and is complete", timeout=60_000)


def test_a_failure_is_read_in_words_and_the_loop_goes_on_from_there(
    log_in: LogIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(**_: object) -> None:
        raise NoOffers(as_of=AS_OF)

    page = log_in("adam")
    with monkeypatch.context() as broken:
        broken.setattr("patronage.steer.cycle.decide", refuse)
        to_the_loop(page)
        run(page)
        ended()
    to_the_loop(page)
    title = page.get_by_role("heading", level=1)
    expect(title).to_have_text(f"The loop as of {DAY} failed at “Decide offers”")
    alert = page.get_by_role("alert").filter(has_text="No offer is open")
    expect(alert).to_contain_text("it goes on from here")
    keep_picture(page, "cycles-failed")
    assert serious(page) == []
    run(page, "Go on with the loop", "Go on")
    expect(title).to_have_text(f"The loop ran last as of {DAY} and is complete", timeout=60_000)


def test_an_executive_looks_on_and_a_manager_does_not(
    log_in: LogIn, live_server: LiveServer
) -> None:
    page = log_in("eva")
    page.goto(f"{live_server.url}/cycles")
    expect(page.get_by_text("An administrator runs the loop")).to_be_visible()
    expect(page.get_by_role("button", name="Run the loop")).to_have_count(0)
    cycle(actor=SYSTEM, now=NOW, as_of=AS_OF)
    page.reload()
    page.get_by_role("link", name="drafted").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Customers are worth")
    page = log_in("ana")
    answer = page.goto(f"{live_server.url}/cycles")
    assert answer is not None
    assert answer.status == 403
    expect(page.get_by_text("does not have the right to see runs of the loop")).to_be_visible()
    expect(page.get_by_role("link", name="Loop", exact=True)).to_have_count(0)


def test_a_day_that_is_not_over_is_refused_in_words(log_in: LogIn) -> None:
    page = log_in("adam")
    to_the_loop(page)
    page.get_by_role("button", name="Run the loop").click()
    page.get_by_label("As of", exact=True).fill("2199-12-31")
    page.get_by_role("dialog").get_by_role("button", name="Run", exact=True).click()
    expect(page.get_by_text("has not ended yet in the company's time zone")).to_be_visible()
    to_the_loop(page)
    expect(page.get_by_role("heading", level=1)).to_have_text("The loop was never run")
