"""Do the pages of portfolios, equity and imports speak French to whoever asks for it?"""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect
from pytest_django.live_server_helper import LiveServer

from patronage.access.roles import SYSTEM
from patronage.steer.jobs import draft_statement

from ..stages.customize.world import AS_OF, World
from ..stages.differentiate.history import NOW
from .conftest import LogIn, charts_drawn


@pytest.mark.browser
def test_a_reader_of_french_reads_french(
    world: World, log_in: LogIn, live_server: LiveServer
) -> None:
    draft_statement(actor=SYSTEM, now=NOW, as_of=AS_OF)
    page = log_in("ana")
    page.get_by_label("Menu of Ana").click()
    page.get_by_role("button", name="Français").click()
    title = page.get_by_role("heading", level=1)
    expect(title).to_contain_text("Ana est responsable de")
    expect(page.get_by_role("link", name="offres attendent une décision")).to_be_visible()
    page.goto(f"{live_server.url}/equity")
    expect(title).to_contain_text("Vos clients valent")
    expect(page.locator("table.lines")).to_contain_text("Nouveaux clients")
    page.goto(f"{live_server.url}/scorecards")
    expect(title).to_contain_text("gestionnaire a gagné")
    # a per cent sign in a text is no reason to fall back to English
    page = log_in("eva")
    page.get_by_label("Menu of Eva").click()
    page.get_by_role("button", name="Français").click()
    page.goto(f"{live_server.url}/value/acquisition")
    expect(page.locator("footer")).to_contain_text("intervalles à 95")
    page.goto(f"{live_server.url}/equity")
    charts_drawn(page)
    ticks = page.locator("[data-chart] svg .role-axis-label text").all_text_contents()
    assert any(re.fullmatch(r"[0-9,]+k?\N{NO-BREAK SPACE}\$", text) for text in ticks), ticks
