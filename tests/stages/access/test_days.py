"""What people type as days is read in one place, in the same words on every page."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

import patronage
from patronage.access.days import day_typed, day_typed_or_none
from patronage.access.errors import Refused

ROOT = Path(next(iter(patronage.__path__)))
#: what is written by the product, not typed by a person: a link's cursor, a stored approval
OWN = {"learn/pages.py", "differentiate/pages/assumptions.py"}


def test_a_day_is_read_and_none_is_none() -> None:
    assert day_typed(" 2026-12-24 ") == date(2026, 12, 24)
    assert day_typed_or_none("  ") is None
    assert day_typed_or_none("2200-12-31") == date(2200, 12, 31)


@pytest.mark.parametrize("text", ["", "soon", "2026-02-30", "24.12.2026", "x" * 9_000])
def test_what_is_no_day_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(Refused, match=r"is no date; write it like 2026-12-24") as refused:
        day_typed(text)
    assert len(str(refused.value)) < 100


@pytest.mark.parametrize("text", ["9999-12-31", "0001-01-01", "1969-12-31", "2201-01-01"])
def test_a_day_without_an_end_in_some_zone_is_refused(text: str) -> None:
    with pytest.raises(Refused, match="outside the years 1970 to 2200"):
        day_typed(text)


def readers(root: Path) -> set[str]:
    """The page modules that read a day themselves."""
    modules = [*root.glob("*/pages/*.py"), *root.glob("*/pages.py"), *root.glob("site/*.py")]
    return {
        each.relative_to(root).as_posix()
        for each in modules
        if "date.fromisoformat(" in each.read_text(encoding="utf-8")
    } - {"site/entry.py"}


def test_no_page_reads_typed_days_in_words_of_its_own(tmp_path: Path) -> None:
    assert readers(ROOT) <= OWN | {"interact/pages/timeline.py"}
    twin = tmp_path / "learn" / "pages"
    twin.mkdir(parents=True)
    (twin / "twin.py").write_text("day = date.fromisoformat(text)\n", encoding="utf-8")
    assert readers(tmp_path) == {"learn/pages/twin.py"}
