"""Do the pages of portfolios, equity and imports speak French to whoever asks for it?"""

from __future__ import annotations

import gettext
import re
from pathlib import Path

import pytest
from playwright.sync_api import expect
from pytest_django.live_server_helper import LiveServer

import patronage
from patronage.access.roles import SYSTEM
from patronage.steer.jobs import draft_statement

from ..stages.customize.world import AS_OF, World
from ..stages.differentiate.history import NOW
from .conftest import LogIn

ROOT = Path(next(iter(patronage.__path__)))
IN_TEMPLATE = re.compile(r"""\{% translate "([^"]+)\"""")
#: written alike in both languages
ALIKE = {"Imports", "Signal"}


@pytest.mark.parametrize("stage", ["govern", "steer", "identify"])
def test_every_text_of_a_template_has_a_french_one(stage: str) -> None:
    with (ROOT / stage / "locale/fr/LC_MESSAGES/django.mo").open("rb") as compiled:
        french = gettext.GNUTranslations(compiled)
    texts = {
        text.replace("%", "%%")
        for path in (ROOT / stage / "templates").rglob("*.html")
        for text in IN_TEMPLATE.findall(path.read_text(encoding="utf-8"))
    }
    assert len(texts) > 20
    assert {text for text in texts if french.gettext(text) == text} - ALIKE == set()


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
