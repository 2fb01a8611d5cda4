"""Is every part readable in a real browser, light and dark, wide and narrow?"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page
from pytest_django.live_server_helper import LiveServer

from patronage.access.roles import Role

from .conftest import LogIn

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("gallery")]

SIZES = {"wide": (1440, 900), "narrow": (390, 844)}


def serious(page: Page) -> list[Any]:
    """What axe-core calls serious or critical, once no request dims its buttons."""
    page.wait_for_function("() => !document.querySelector('.htmx-request')")
    found = Axe().run(page).response["violations"]
    return [
        (v["id"], [node["target"] for node in v["nodes"]])
        for v in found
        if v["impact"] in {"serious", "critical"}
    ]


def charts_drawn(page: Page) -> None:
    """Wait until every chart of the page is on it."""
    page.wait_for_function(
        "() => document.querySelectorAll('[data-chart]:not([data-mounted])').length === 0"
    )


def keep_picture(page: Page, name: str) -> None:
    """Leave a picture where PATRONAGE_TEST_PICTURES says, to be looked at."""
    folder = os.environ.get("PATRONAGE_TEST_PICTURES")
    if folder:
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_every_part_passes_axe_and_fits_the_window(
    logged_in: LogIn, live_server: LiveServer, size: str, scheme: Any
) -> None:
    page = logged_in(Role.EXECUTIVE)
    width, height = SIZES[size]
    page.set_viewport_size({"width": width, "height": height})
    page.emulate_media(color_scheme=scheme)
    page.goto(f"{live_server.url}/gallery")
    charts_drawn(page)
    keep_picture(page, f"gallery-{size}-{scheme}")
    assert serious(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
