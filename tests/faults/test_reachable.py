"""Everybody gets by links to every page they may use, and is offered none that they may not.

A crawl for each role, from the page where they land: two clicks to every page without a name in
its address. Each link, part of a page and form that was offered on the way is one that the table
of roles lets this person use, and answers.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Final
from urllib.parse import urljoin, urlsplit

import pytest
from django.test import Client
from django.urls import Resolver404, resolve

from patronage.access.roles import SYSTEM, Role
from patronage.site import navigation

from .company import CALLED, PEOPLE, Company, set_up
from .page_rows import PAGES
from .rows import Row

pytestmark = [pytest.mark.trial]
CLICKS: Final = 2
#: of pages with a name in their address so many are looked at; the others are alike
ALIKE: Final = 3
#: what a person gets to by asking for it in a form, or once there is something to ask about
ASKED_FOR: Final = {"/search", "/search/names", "/assignment/movers.csv", "/models/tracking"}
#: pages that are empty to who sees no customers, so that nothing leads there
EMPTY: Final = {Role.ADMINISTRATOR: {"/scorecards"}}
#: the table's key is somebody else's; one's own is everybody's to change
OWN: Final = {"/keys/{key_id}/rotation", "/keys/{key_id}/revocation"}
#: `Client` knows nothing of them, or they end the session
LEFT_OUT: Final = ("/static/", "/logout", "/api/", "/charts/", "/language/")


class Offered(HTMLParser):
    """What a page offers: other pages, parts of itself, and addresses to send forms to."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.page = page
        self.links: list[str] = []
        #: fetched into the page, or taken along from it: no click leads away
        self.parts: list[str] = []
        self.forms: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag != "link":
            self._keep(self.links, given.get("href"))
        self._keep(self.parts, given.get("hx-get"))
        for name in ("hx-post", "formaction", "data-post"):
            self._keep(self.forms, given.get(name))
        if tag == "form" and (given.get("method") or "get").lower() == "post":
            self._keep(self.forms, given.get("action") or self.page)

    def _keep(self, kept: list[str], address: str | None) -> None:
        if address is None or address.startswith(("#", "mailto:")):
            return
        whole = urlsplit(urljoin(self.page, address))
        if not whole.netloc and not whole.path.startswith(LEFT_OUT):
            kept = self.parts if whole.path.endswith(".csv") else kept
            kept.append(f"{whole.path}?{whole.query}" if whole.query else whole.path)


@dataclass(slots=True)
class Crawl:
    """Where a person came, by how many clicks, and what they were wrongly offered."""

    #: by address as the table of roles writes it
    clicks: dict[str, int] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


def pattern_of(address: str) -> str:
    """The address as the table of roles writes it."""
    route = resolve(urlsplit(address).path).route
    return "/" + re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", route)


def crawl(client: Client, role: Role, *, clicks: int = CLICKS) -> Crawl:
    found, seen = Crawl(), set()
    looked_at: Counter[str] = Counter()
    level = [("the start", "/")]
    for click in range(clicks + 1):
        following: list[tuple[str, str]] = []
        for where, address in level:
            if address in seen:
                continue
            seen.add(address)
            try:
                pattern = pattern_of(address)
            except Resolver404:
                found.problems.append(f"{where} offers {address}, which is no page")
                continue
            looked_at[pattern] += 1
            if "{" in pattern and looked_at[pattern] > ALIKE:
                continue
            answer = client.get(address, follow=True)
            if answer.status_code >= 400:
                found.problems.append(f"{where} offers {address}: {answer.status_code}")
                continue
            at = answer.redirect_chain[-1][0] if answer.redirect_chain else address
            for reached in {pattern, pattern_of(at)}:
                found.clicks.setdefault(reached, click)
            if answer.streaming or not answer["Content-Type"].startswith("text/html"):
                continue
            offered = Offered(at)
            offered.feed(answer.content.decode())
            following += [(at, each) for each in offered.links]
            level += [(at, each) for each in offered.parts]
            found.problems += wrongly_offered(at, offered.forms, role)
        level = following
    return found


def wrongly_offered(where: str, forms: list[str], role: Role) -> Iterator[str]:
    """Forms whose sending the table of roles denies."""
    cells = {row.path: row.cell(role) for row in PAGES if row.method == "POST"}
    for each in set(forms):
        cell = cells.get(pattern_of(each), "no row")
        if cell not in ("a", "s") and pattern_of(each) not in OWN:
            yield f"{where} offers to send {pattern_of(each)}: {cell}"


def open_pages(role: Role) -> set[str]:
    """The pages that a role may use and that no name leads to, but a link."""
    return {row.path for row in PAGES if _is_a_page(row) and row.cell(role) in "as"} - (
        ASKED_FOR | EMPTY.get(role, set())
    )


def _is_a_page(row: Row) -> bool:
    return row.method == "GET" and "{" not in row.path


@pytest.fixture
def company(db: None, monkeypatch: pytest.MonkeyPatch) -> Company:
    monkeypatch.setattr("patronage.site.clock.now", lambda: CALLED)
    return set_up()


def test_every_role_reaches_its_pages_in_two_clicks_and_is_offered_nothing_else(
    company: Company,
) -> None:
    problems = []
    for role in PEOPLE:
        found = crawl(company.by_session(role), role)
        problems += [f"{role}: {each}" for each in found.problems]
        problems += [
            f"{role}: no way to {each} in {CLICKS} clicks"
            for each in sorted(open_pages(role) - found.clicks.keys())
        ]
    assert not problems, "\n".join(problems)


def test_the_crawl_finds_a_place_that_is_offered_wrongly_and_one_that_is_not(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The broken twins: a navigation of everything, and one of nothing."""
    client = company.by_session(Role.AGENT)
    places = navigation.places_for(SYSTEM, "/")
    monkeypatch.setattr("patronage.site.context.places_for", lambda _actor, _path: places)
    assert any("/people: 403" in each for each in crawl(client, Role.AGENT, clicks=1).problems)
    monkeypatch.setattr("patronage.site.context.places_for", lambda _actor, _path: ())
    assert "/my-levers" not in crawl(client, Role.AGENT, clicks=1).clicks
