"""Does every reason, effect and state have words, and are they there in French too?"""

from __future__ import annotations

import ast
import gettext
import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

import patronage
from patronage.customize import words
from patronage.customize.actions import REASONS
from patronage.customize.actions.rulings import EFFECTS
from patronage.interact.pages.advice import ADVICE_WORDS
from patronage.science.arbitration import REASON_WORDS, Reason

from ..stages.customize.world import World
from ..stages.site.test_gallery import keep_picture
from .conftest import LogIn

ROOT = Path(next(iter(patronage.__path__)))
STAGES = ("identify", "differentiate", "govern", "customize", "interact", "learn", "steer")
TRANSLATED = re.compile(r"""\{% translate (?:"([^"]+)"|'([^']+)')""")
ASKS_FOR_A_TEXT = {"_", "gettext", "gettext_lazy"}
#: written alike in both languages
ALIKE = {
    "Options",
    "Agents",
    "Client",
    "Clients",
    "Condition",
    "Contact",
    "Contacts",
    "Horizon",
    "Imports",
    "Message",
    "Satisfaction",
    "Segments",
    "Service",
    "Signal",
    "Source",
    "date",
}


def french(stage: str) -> gettext.GNUTranslations:
    path = ROOT / stage / "locale/fr/LC_MESSAGES/django.mo"
    with path.open("rb") as compiled:
        return gettext.GNUTranslations(compiled)


def texts(stage: str) -> set[str]:
    """What a stage's templates and modules show; a template's per cent sign is looked up double."""
    found = {
        (double or single).replace("%", "%%")
        for path in (ROOT / stage / "templates").rglob("*.html")
        for double, single in TRANSLATED.findall(path.read_text(encoding="utf-8"))
    }
    for path in (*(ROOT / stage).glob("*.py"), *(ROOT / stage).glob("pages/*.py")):
        found.update(in_python(path.read_text(encoding="utf-8")))
    return found


def in_python(source: str) -> set[str]:
    """Every text that is asked for by itself, written in one piece or in several."""
    return {
        call.args[0].value
        for call in ast.walk(ast.parse(source))
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Name)
        and call.func.id in ASKS_FOR_A_TEXT
        and call.args
        and isinstance(call.args[0], ast.Constant)
        and isinstance(call.args[0].value, str)
    }


def test_every_reason_effect_and_outcome_can_be_shown() -> None:
    assert set(words.REASON_NAMES) == set(words.REASON_WORDS)
    english = {name.lower(): REASON_WORDS[Reason[name]] for name in Reason.__members__}
    assert {name: str(text) for name, text in words.REASON_WORDS.items()} == english
    for code, text in REASONS.items():
        assert str(words.RULING_WORDS[code]) == text
    assert set(words.REASONS_READY) == set(EFFECTS)
    assert {code for ready in words.REASONS_READY.values() for code in ready} == set(REASONS)
    assert set(ADVICE_WORDS) == set(words.OUTCOME_WORDS)


@pytest.mark.parametrize("stage", STAGES)
def test_every_text_of_a_stages_pages_has_a_french_one(stage: str) -> None:
    known = french(stage)
    found = texts(stage)
    assert len(found) > 15
    assert {text for text in found if known.gettext(text) == text} - ALIKE == set()


@pytest.mark.parametrize("stage", STAGES)
def test_placeholders_survive_translation(stage: str) -> None:
    source = (ROOT / stage / "locale/fr/LC_MESSAGES/django.po").read_text(encoding="utf-8")
    pairs = re.findall(r'msgid "(.+)"\nmsgstr "(.+)"', source)
    assert pairs
    for original, translated in pairs:
        names = re.findall(r"%\((\w+)\)", original)
        assert sorted(re.findall(r"%\((\w+)\)", translated)) == sorted(names), original


@pytest.mark.browser
def test_a_manager_reads_the_gate_in_french(world: World, log_in: LogIn) -> None:
    page = log_in("ana")
    page.get_by_role("link", name="Gate", exact=True).click()
    page.get_by_label("Menu of Ana").click()
    page.get_by_role("button", name="français").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("4 offres attendent votre décision")
    page.locator("tr[data-row]").first.get_by_role("link", name="Bloquer").click()
    expect(page.get_by_role("dialog")).to_contain_text("Elle ne convient pas à ces clients.")
    keep_picture(page, "gate-french")
