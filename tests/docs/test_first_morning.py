"""A manager's first morning is spent in a browser: every line of the page is done, and seen."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.docs import clicking
from tests.docs.pages import read
from tests.docs.running import Reader, free_port, serving
from tests.stages.site.browsing import browser, page

__all__ = ["browser", "page"]
pytestmark = pytest.mark.browser
PAGE = "docs/tutorial/first-morning.md"


def test_a_managers_first_morning_is_as_the_page_says(page: Page, tmp_path: Path) -> None:
    port, home = free_port(), tmp_path / "var"
    reader = Reader(folder=tmp_path, extra={"PATRONAGE_HOME": str(home)})
    reader.run("patronage demo")
    with serving(reader, port):
        done = clicking.follow(
            page,
            read(PAGE),
            at=f"http://127.0.0.1:{port}",
            password=(home / "demo_password").read_text(encoding="utf-8").strip(),
            today=datetime.now(UTC).date(),
        )
    assert done > 70


def test_a_line_that_is_not_so_or_cannot_be_done_fails(page: Page) -> None:
    """The broken twins: the page says what one does not see, or in words that nobody can follow."""
    page.set_content("<main><p>One</p></main>")
    clicking.PATIENCE, kept = 300, clicking.PATIENCE
    try:
        for text in ("- You see “Two”.", "- Click **Go**.", "- Feel at home."):
            with pytest.raises(AssertionError, match="line 1 of the page says"):
                clicking.follow(page, text, at="", password="", today=date(2026, 1, 1))
    finally:
        clicking.PATIENCE = kept
    assert clicking.next_day("friday", date(2026, 11, 26)) == date(2026, 12, 4)
