"""Can an executive read what customers are worth, follow a bar to its customers, and publish?"""

from __future__ import annotations

import csv
import re
from datetime import date
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from patronage.access.roles import SYSTEM, Actor, Role
from patronage.differentiate.jobs import value
from patronage.govern.actions import hand_over
from patronage.govern.jobs import assign
from patronage.site import clock
from patronage.steer import actions, reads
from patronage.steer.errors import SamePerson
from patronage.steer.jobs import draft_statement
from patronage.steer.models import LINES, Statement
from patronage.steer.pages.words import TITLES

from ..stages.customize.world import AS_OF, World
from ..stages.differentiate.history import NOW
from .conftest import LogIn, charts_drawn, fits, keep_picture, serious

pytestmark = pytest.mark.browser

BEFORE = date(2024, 9, 30)


@pytest.fixture
def statement(world: World) -> Statement:
    """Two quarters stated by the system: the first without an opening, then AS_OF."""
    run = value(actor=SYSTEM, now=NOW, as_of=BEFORE)
    assign(actor=SYSTEM, now=NOW, as_of=BEFORE, run=run)
    draft_statement(actor=SYSTEM, now=NOW, as_of=BEFORE)
    return draft_statement(actor=SYSTEM, now=NOW, as_of=AS_OF)


def minor(text: str) -> int:
    """An exact amount as written on the page, in cents."""
    sign = -1 if text.strip().startswith("\N{MINUS SIGN}") else 1
    return sign * int(re.sub(r"[^0-9]", "", text))


def amounts_of_lines(page: Page, column: int) -> list[int]:
    cells = page.locator(f"table.lines tbody td:nth-of-type({column})").all_inner_texts()
    return [minor(text) for text in cells]


def test_the_statement_closes_on_the_page_and_every_portfolio_adds_up(
    world: World, statement: Statement, log_in: LogIn
) -> None:
    page = log_in("eva")
    expect(page).to_have_url(re.compile("/equity$"))
    expect(page.get_by_role("heading", level=1)).to_contain_text("Customers are worth $")
    charts_drawn(page)
    enterprise, top, rest = (amounts_of_lines(page, column) for column in (1, 2, 3))
    assert len(enterprise) == len(LINES)
    for column in (enterprise, top, rest):
        assert sum(column[:-1]) == column[-1]
    assert [a + b for a, b in zip(top, rest, strict=True)] == enterprise
    shown = reads.statement(SYSTEM, statement.id, clock.now())
    assert enterprise == [shown.total.amounts_minor[kind] for kind in LINES]
    expect(page.locator("table.lines tfoot td").first).to_have_text("$0.00")
    keep_picture(page, "equity-1440")
    assert serious(page) == []
    fits(page, 390)


def test_a_bar_leads_to_customers_who_add_up_to_it(
    world: World, statement: Statement, log_in: LogIn, live_server: LiveServer
) -> None:
    page = log_in("eva")
    charts_drawn(page)
    # the chart's own bar, as a mouse would follow it: the closing level
    page.locator("[data-chart]").first.locator("svg .mark-rect path").last.click()
    expect(page).to_have_url(re.compile("/lines/closing"))
    listed = 0
    while True:
        cells = page.locator("tbody td.number").all_inner_texts()
        listed += sum(minor(text) for text in cells)
        following = page.get_by_role("link", name="Next page")
        if not following.count():
            break
        following.click()
        expect(page).to_have_url(re.compile("after="))
        page.wait_for_load_state()
    bar = page.locator("tfoot tr").last.locator("td.number").inner_text()
    assert listed == minor(bar)
    closing = reads.statement(SYSTEM, statement.id, clock.now()).total.amounts_minor["closing"]
    assert minor(bar) == closing
    keep_picture(page, "behind-a-bar")
    assert serious(page) == []
    page.get_by_role("link", name="Top", exact=True).click()
    expect(page.get_by_text("The bar: Top")).to_be_visible()
    fits(page, 390)


def test_a_manager_sees_their_part_and_one_line_for_those_who_moved_since(
    world: World, statement: Statement, log_in: LogIn, live_server: LiveServer
) -> None:
    behind = reads.line_customers(world.ana, statement.id, kind="closing", now=clock.now())
    moving = behind.rows[0]
    hand_over(
        actor=world.ana,
        now=clock.now(),
        customer_ids=[moving.customer_id],
        to_portfolio_id=world.portfolios["Everybody else"].id,
        reason="moved away",
    )
    page = log_in("ana")
    page.goto(f"{live_server.url}/equity")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Your customers are worth")
    # Another portfolio is named only where a hand-over shares what followed.
    others = page.locator("main section:not(:has(h2:text-is('After hand-overs')))")
    for text in [*others.all_inner_texts(), page.locator("table.lines").inner_text()]:
        assert "Everybody else" not in text
    expect(page.get_by_role("button", name="Publish")).to_have_count(0)
    page.locator("table.lines tbody tr").last.get_by_role("link").first.click()
    moved_row = page.locator("tfoot tr", has_text=f"{behind.moved_customers + 1} customer")
    expect(moved_row).to_be_visible()
    expect(page.get_by_role("link", name=moving.label, exact=True)).to_have_count(0)
    assert minor(moved_row.locator("td.number").inner_text()) == (
        behind.moved_minor + moving.amount_minor
    )
    shown = reads.statement(world.ana, statement.id, clock.now())
    bar = page.locator("tfoot tr").last.locator("td.number").inner_text()
    assert minor(bar) == shown.total.amounts_minor["closing"]


def test_two_people_take_a_statement_on_in_two_clicks_each_and_it_is_frozen(
    statement: Statement, log_in: LogIn, live_server: LiveServer
) -> None:
    page = log_in("nina")
    page.goto(f"{live_server.url}/equity")
    expect(page.get_by_role("button", name="Publish")).to_have_count(0)
    page.get_by_role("button", name="Review").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("as System drafted them")
    dialog.get_by_role("button", name="Review").click()
    expect(page.get_by_text("The statement is reviewed.")).to_be_visible()
    page = log_in("eva")
    page.get_by_role("button", name="Publish").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("cannot be taken back")
    keep_picture(page, "publish")
    dialog.get_by_role("button", name="Publish").click()
    expect(page.get_by_text("The statement is published.")).to_be_visible()
    expect(page.get_by_text("by Eva on")).to_be_visible()
    expect(page.get_by_text("reviewed by Nina")).to_be_visible()
    expect(page.get_by_role("button", name="Publish")).to_have_count(0)
    statement.refresh_from_db()
    assert statement.published_at is not None


def test_who_drafted_or_reviewed_alone_reads_why_they_cannot_go_on(
    world: World, log_in: LogIn, live_server: LiveServer
) -> None:
    page = log_in("eva")
    expect(page.get_by_role("heading", level=1)).to_have_text("There is no equity statement yet")
    page.get_by_role("button", name="Draft the statement as of 31 Dec 2024").click()
    expect(page.get_by_text("The statement is drafted.")).to_be_visible()
    expect(page.get_by_role("button", name="Review")).to_be_disabled()
    expect(page.get_by_text("You drafted it")).to_be_visible()
    drafted = Statement.objects.get()
    eva = Actor(id=drafted.drafted_by, name="Eva", roles=frozenset({Role.EXECUTIVE}))
    with pytest.raises(SamePerson):
        actions.review_statement(actor=eva, now=clock.now(), statement_id=drafted.id)


def test_a_reviewer_of_the_systems_draft_leaves_publishing_to_another(
    statement: Statement, log_in: LogIn
) -> None:
    page = log_in("eva")
    page.get_by_role("button", name="Review").click()
    page.get_by_role("dialog").get_by_role("button", name="Review").click()
    expect(page.get_by_role("button", name="Publish")).to_be_disabled()
    expect(page.get_by_text("You reviewed what the system drafted")).to_be_visible()


def test_chance_and_hand_overs_stand_beside_the_bridge(statement: Statement, log_in: LogIn) -> None:
    page = log_in("eva")
    shown = reads.statement(SYSTEM, statement.id, clock.now())
    chance = page.get_by_role("region", name="Signal or chance").locator("tbody tr")
    expect(chance).to_have_count(3)
    assert shown.total.frequency is not None
    words = "Signal" if shown.total.frequency.is_signal else "Chance"
    expect(chance.last.locator("td").nth(2)).to_contain_text(words)
    expect(page.get_by_role("region", name="After hand-overs").locator("tbody tr")).to_have_count(
        len(reads.shared_experience(SYSTEM, statement.id, clock.now()))
    )
    expect(page.locator("table.lines").get_by_text("Paid to nobody")).to_be_visible()


def test_an_earlier_quarter_is_one_click_away_and_a_date_without_one_says_so(
    statement: Statement, log_in: LogIn, live_server: LiveServer
) -> None:
    page = log_in("eva")
    page.get_by_role("link", name="Q3 2024").click()
    expect(page).to_have_url(re.compile("as_of=2024-09-30"))
    expect(page.get_by_text("This is the first statement")).to_be_visible()
    expect(page.locator(".top .as-of")).to_contain_text("30 Sep 2024")
    # the way back from a drill-down is to the same statement
    page.locator("table.lines tbody tr").last.get_by_role("link").first.click()
    page.get_by_role("link", name="Q3 2024").click()
    expect(page.get_by_text("This is the first statement")).to_be_visible()
    page.goto(f"{live_server.url}/equity?as_of=2023-12-31")
    expect(page.get_by_role("heading", level=1)).to_contain_text("no statement as of 31 Dec 2023")
    page.get_by_role("link", name="See the newest statement").click()
    expect(page.get_by_role("link", name="Q4 2024")).to_be_visible()


def test_the_quarter_stands_beside_the_one_before_line_by_line(
    world: World, statement: Statement, log_in: LogIn
) -> None:
    page = log_in("eva")
    rows = page.get_by_role("region", name="Beside the quarter before").locator("tbody tr")
    now = reads.statement(SYSTEM, statement.id, clock.now()).total
    before = reads.statement(SYSTEM, BEFORE, clock.now()).total
    closing = rows.filter(has=page.get_by_role("rowheader", name="Closing", exact=True))
    written = [minor(text) for text in closing.locator("td").all_inner_texts()]
    cents = (now.amounts_minor["closing"], before.amounts_minor["closing"])
    assert [100 * each for each in written[:2]] == pytest.approx(cents, abs=51)
    assert written[2] == pytest.approx(written[0] - written[1], abs=1)
    # the first statement has no opening, which is not an opening of nothing
    opening = rows.filter(has=page.get_by_role("rowheader", name="Opening", exact=True))
    expect(opening.locator("td").nth(1)).to_contain_text("not known")
    # the closing is the last line of the statement and needs no scrolling to
    frame = page.get_by_role("region", name="Line by line")
    assert frame.evaluate("it => it.scrollHeight <= it.clientHeight + 1")
    expect(page.get_by_text("The statement of Q3 2024 is not published yet")).to_be_visible()
    page.get_by_role("link", name="Q3 2024").click()
    expect(page.get_by_text("This is the first statement")).to_be_visible()
    expect(page.get_by_role("region", name="Beside the quarter before")).to_have_count(0)


def test_the_customers_behind_a_bar_can_be_taken_away_as_a_file(
    world: World, statement: Statement, log_in: LogIn, live_server: LiveServer, tmp_path: Path
) -> None:
    page = log_in("ana")
    page.goto(f"{live_server.url}/equity/{statement.id}/lines/closing")
    with page.expect_download() as download:
        page.get_by_role("link", name="Take as CSV").click()
    file = tmp_path / "closing.csv"
    download.value.save_as(file)
    with file.open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    mine = reads.statement(world.ana, statement.id, clock.now())
    assert {row["portfolio"] for row in rows} == {each.portfolio for each in mine.portfolios}
    assert sum(int(row["amount_minor"]) for row in rows) == mine.total.amounts_minor["closing"]


def test_a_printed_statement_holds_every_column_and_no_button(
    statement: Statement, log_in: LogIn
) -> None:
    page = log_in("eva")
    charts_drawn(page)
    page.emulate_media(media="print")
    expect(page.get_by_role("link", name="Take as CSV")).to_be_hidden()
    expect(page.locator(".top .bar")).to_be_hidden()
    expect(page.get_by_role("columnheader", name="Of expected")).to_be_visible()
    keep_picture(page, "equity-print")
    # A4 with margins of 1 cm
    page.set_viewport_size({"width": 718, "height": 1047})
    for table in page.locator(".table-frame table").all():
        if table.is_visible():
            assert table.evaluate("it => it.scrollWidth <= it.parentElement.clientWidth + 1")


def test_the_csv_holds_every_line_to_the_cent(
    statement: Statement, log_in: LogIn, tmp_path: Path
) -> None:
    page = log_in("eva")
    with page.expect_download() as download:
        page.get_by_role("link", name="Take as CSV").click()
    file = tmp_path / "statement.csv"
    download.value.save_as(file)
    with file.open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    shown = reads.statement(SYSTEM, statement.id, clock.now())
    assert len(rows) == len(LINES) * len(shown.portfolios)
    for kind in LINES:
        total = sum(int(row["amount_minor"]) for row in rows if row["line"] == kind)
        assert total == shown.total.amounts_minor[kind]


def test_scorecards_show_the_quarter_beside_the_frozen_value(
    statement: Statement, log_in: LogIn, live_server: LiveServer
) -> None:
    page = log_in("eva")
    page.goto(f"{live_server.url}/scorecards")
    expect(page.get_by_role("heading", level=1)).to_contain_text("2 managers earned")
    rows = page.locator("main > .table-frame tbody tr")
    expect(rows).to_have_count(2)
    expect(rows.filter(has_text="Ana")).to_contain_text(" to ")
    charts_drawn(page)
    keep_picture(page, "scorecards")
    assert serious(page) == []
    fits(page, 390)
    page = log_in("ben")
    page.goto(f"{live_server.url}/scorecards")
    expect(page.locator("main")).to_contain_text("Ben")
    expect(page.locator("main")).not_to_contain_text("Ana")


def test_every_line_has_a_name_and_a_meaning() -> None:
    assert tuple(TITLES) == LINES
