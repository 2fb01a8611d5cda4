"""Does every reason, effect and state have words, and are they there in French too?"""

from __future__ import annotations

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
STAGES = ("differentiate", "customize", "interact", "learn")
TRANSLATED = re.compile(r"""\{% translate (?:"([^"]+)"|'([^']+)')""")
IN_PYTHON = re.compile(r"""\b(?:_|gettext_lazy)\(\s*"([^"]+)"\s*\)""")
#: written alike in both languages
ALIKE = {"Client", "Clients", "Contact", "Contacts", "Horizon", "Satisfaction", "Segments"}


def french(stage: str) -> gettext.GNUTranslations:
    path = ROOT / stage / "locale/fr/LC_MESSAGES/django.mo"
    with path.open("rb") as compiled:
        return gettext.GNUTranslations(compiled)


def texts(stage: str) -> set[str]:
    found = {
        double or single
        for path in (ROOT / stage / "templates").rglob("*.html")
        for double, single in TRANSLATED.findall(path.read_text(encoding="utf-8"))
    }
    paths = [*(ROOT / stage).glob("*.py"), *(ROOT / stage).glob("pages/*.py")]
    for path in paths:
        found.update(IN_PYTHON.findall(path.read_text(encoding="utf-8")))
    return {text.replace("%)", "%%)") for text in found}


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
