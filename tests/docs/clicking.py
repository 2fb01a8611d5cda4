"""Does in a browser what a page of the documentation tells its reader to do, word for word.

Every line of a numbered step that begins with `- ` is one thing to do or to see, in one of the
forms below. A line in no such form fails: what a reader cannot follow is not written.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from playwright.sync_api import Locator, Page, expect

#: longest that a page may take, milliseconds
PATIENCE = 60_000
_STEP: Final = re.compile(r"^- (?P<text>.+)$")
_ELLIPSIS: Final = "…"
_BOLD: Final = r"\*\*([^*]+)\*\*"
_SAID: Final = r"“([^”]+)”"
_DAY: Final = re.compile(r"\{next (\w+)\}")
_DAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday")


@dataclass(frozen=True, slots=True, kw_only=True)
class Instruction:
    """One line that says what to do."""

    text: str
    #: of the page, from 1
    line: int


def instructions(text: str) -> Iterator[Instruction]:
    """The lines of a page that say what to do, in order; what is indented below goes along."""
    held: list[str] = []
    began = 0
    fenced = False
    for number, line in enumerate([*text.splitlines(), ""], start=1):
        if held and line.startswith("  ") and line.strip():
            held.append(line.strip())
            continue
        if held:
            yield Instruction(text=" ".join(held), line=began)
            held = []
        fenced ^= line.startswith("```")
        found = _STEP.match(line)
        if found and not fenced:
            held, began = [found["text"]], number


def follow(page: Page, text: str, *, at: str, password: str, today: date) -> int:
    """Do all of it on the site at an address; give how many things were done.

    Args:
        password: of everybody who logs in.
        today: from which days such as {next monday} count.

    Raises:
        AssertionError: a line cannot be followed, or is not what one sees.
    """
    page.set_default_timeout(PATIENCE)
    count = 0
    for each in instructions(text):
        try:
            said = _DAY.sub(lambda found: next_day(found[1], today).isoformat(), each.text)
            who = re.fullmatch(rf"Log in as {_BOLD}\.", said)
            if who is None:
                _do(page, said)
            else:
                _log_in(page, who[1], at, password)
        except Exception as error:
            raise AssertionError(
                f"line {each.line} of the page says {each.text!r}, at {page.url}: {error}"
            ) from error
        count += 1
    return count


def next_day(name: str, today: date) -> date:
    """The first day of a name in the week after today's."""
    monday = today + timedelta(days=7 - today.weekday())
    return monday + timedelta(days=_DAYS.index(name))


def _log_in(page: Page, address: str, at: str, password: str) -> None:
    page.context.clear_cookies()
    page.goto(f"{at}/login")
    page.get_by_label("E-mail address").fill(address)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url(lambda url: "/login" not in url)


def _do(page: Page, text: str) -> None:
    for pattern, act in _FORMS:
        found = re.fullmatch(pattern, text)
        if found is not None:
            act(page, *found.groups())
            return
    raise AssertionError(
        "nobody knows how to do this; write it in a form of tests/docs/clicking.py"
    )


def _go(page: Page, name: str) -> None:
    page.get_by_role("navigation").get_by_role("link", name=name, exact=True).first.click()


def _click(page: Page, name: str) -> None:
    _button(_front(page), name).click()


def _click_in(page: Page, name: str, row: str) -> None:
    _button(_row(page, row), name).click()


def _write(page: Page, text: str, label: str) -> None:
    _field(page, label).fill(text)


def _choose(page: Page, option: str, label: str) -> None:
    _field(page, label).select_option(label=option)


def _see(page: Page, text: str) -> None:
    shown = re.compile(".*".join(map(re.escape, text.split(_ELLIPSIS))), re.DOTALL)
    expect(page.locator("body")).to_contain_text(shown, timeout=PATIENCE)


def _see_in(page: Page, text: str, row: str) -> None:
    shown = re.compile(".*".join(map(re.escape, text.split(_ELLIPSIS))), re.DOTALL)
    expect(_row(page, row)).to_contain_text(shown, timeout=PATIENCE)


def _front(page: Page) -> Locator:
    """The dialog that is open, else the page."""
    opened = page.locator("dialog[open]")
    return opened.last if opened.count() else page.locator("main")


def _row(page: Page, text: str) -> Locator:
    return page.locator("main tr", has_text=text).first


def _button(within: Locator, name: str) -> Locator:
    """A button, a link or what opens and closes a part, by all of its words or by how it begins."""
    begins = re.compile(rf"^\s*{re.escape(name)}")
    of_name = within.get_by_role("button", name=name, exact=True)
    of_name = of_name.or_(within.get_by_role("link", name=name, exact=True))
    of_name = of_name.or_(within.locator("summary", has_text=begins))
    longer = within.get_by_role("button", name=begins).or_(within.get_by_role("link", name=begins))
    return of_name.or_(longer).filter(visible=True).first


def _field(page: Page, label: str) -> Locator:
    return _front(page).get_by_label(label, exact=True).filter(visible=True).first


_FORMS: Final[tuple[tuple[str, Callable[..., None]], ...]] = (
    (rf"Go to {_BOLD}\.", _go),
    (rf"Click {_BOLD}\.", _click),
    (rf"Click {_BOLD} in the row of {_BOLD}\.", _click_in),
    (rf"Write `([^`]+)` into {_BOLD}\.", _write),
    (rf"Choose {_BOLD} under {_BOLD}\.", _choose),
    (rf"You see {_SAID}\.", _see),
    (rf"You see {_SAID} in the row of {_BOLD}\.", _see_in),
)
