"""A real browser on the product's own pages: one Chromium a session, one context a test."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

#: the one that runs: each folder whose conftest takes the fixture over has an instance of it,
#: and Playwright starts only once a thread
_RUNNING: list[Browser] = []


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The machine's Chromium, one for all folders."""
    if _RUNNING:
        yield _RUNNING[0]
        return
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    assert found, "No Chromium on this machine: apt-get install -y chromium"
    # Playwright keeps an event loop in this thread, in which Django would else refuse to query
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        _RUNNING.append(chromium)
        yield chromium
        _RUNNING.clear()
        chromium.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A window in which a script error or a refusal by the content policy fails the test."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    context.set_default_timeout(8_000)
    opened = context.new_page()
    complaints: list[str] = []
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on(
        "console",
        lambda message: (
            complaints.append(message.text)
            if message.type in {"error", "warning"} and "status of 4" not in message.text
            else None
        ),
    )
    yield opened
    context.close()
    assert complaints == []
