"""Is every text of the frame there in French?"""

from __future__ import annotations

import gettext
import re
from pathlib import Path

import pytest

import patronage.site

SITE = Path(next(iter(patronage.site.__path__)))
IN_TEMPLATE = re.compile(r"""\{% translate ["']([^"']+)["']""")
IN_PYTHON = re.compile(r"""\b(?:_|gettext_lazy)\(\s*"([^"]+)"\s*\)""")


def texts() -> set[str]:
    found = {
        text
        for path in (SITE / "templates").rglob("*.html")
        for text in IN_TEMPLATE.findall(path.read_text(encoding="utf-8"))
    }
    for path in SITE.rglob("*.py"):
        found.update(IN_PYTHON.findall(path.read_text(encoding="utf-8")))
    return found


@pytest.fixture(scope="module")
def french() -> gettext.GNUTranslations:
    with (SITE / "locale/fr/LC_MESSAGES/django.mo").open("rb") as compiled:
        return gettext.GNUTranslations(compiled)


def test_every_text_of_the_frame_has_a_french_one(french: gettext.GNUTranslations) -> None:
    same_in_both = {"Portfolio", "Imports", "Date", "Agent", "Service"}
    assert len(texts()) > 70
    missing = {text for text in texts() if french.gettext(text) == text} - same_in_both
    assert missing == set()


def test_a_text_nobody_translated_would_be_noticed(french: gettext.GNUTranslations) -> None:
    assert french.gettext("A sentence nobody wrote") == "A sentence nobody wrote"


def test_placeholders_survive_translation() -> None:
    source = (SITE / "locale/fr/LC_MESSAGES/django.po").read_text(encoding="utf-8")
    for original, translated in re.findall(r'msgid "(.+)"\nmsgstr "(.+)"', source):
        names = re.findall(r"%\((\w+)\)", original)
        assert sorted(re.findall(r"%\((\w+)\)", translated)) == sorted(names), original
