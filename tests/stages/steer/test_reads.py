"""Readers see their own portfolios; behind every bar are the customers whose amounts make it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from patronage.access.errors import NotAllowed, NotFound, Refused
from patronage.steer import reads
from patronage.steer.actions import publish_statement
from patronage.steer.models import LINES, Statement

from ..differentiate.history import NOW
from .test_statement import amounts
from .world import JUNE, SEPTEMBER, World, best_of, hand

Quarters = tuple[Statement, Statement]


def pages(
    world: World, name: str, statement: Statement, kind: str, portfolio: str | None = None
) -> list[reads.BehindRow]:
    """Every customer behind a bar, page by page."""
    rows: list[reads.BehindRow] = []
    after: str | None = None
    while True:
        page = reads.line_customers(
            world.actor(name),
            statement.id,
            kind=kind,
            now=NOW,
            portfolio_id=portfolio,
            after=after,
            limit=31,
        )
        rows += page.rows
        after = page.next
        if after is None:
            return rows


def test_the_customers_behind_a_bar_add_up_to_it(quarters: Quarters, world: World) -> None:
    statement = quarters[1]
    total = reads.statement(world.actor("eve"), statement.id, NOW).total
    for kind in LINES:
        for portfolio, stated in amounts(statement).items():
            rows = pages(world, "eve", statement, kind, portfolio)
            assert sum(row.amount_minor for row in rows) == stated[kind]
            assert {row.portfolio_id for row in rows} <= {portfolio}
        everywhere = pages(world, "eve", statement, kind)
        assert sum(row.amount_minor for row in everywhere) == total.amounts_minor[kind]


def test_pages_name_each_customer_once_the_largest_first(quarters: Quarters, world: World) -> None:
    rows = pages(world, "eve", quarters[1], "hand_overs")
    sizes = [abs(row.amount_minor) for row in rows]

    assert len({(row.customer_id, row.portfolio_id) for row in rows}) == len(rows) == 80
    assert sizes == sorted(sizes, reverse=True)
    assert rows[0].label.startswith("Household ")


def test_a_manager_sees_only_their_own_column(quarters: Quarters, world: World) -> None:
    view = reads.statement(world.actor("ana"), SEPTEMBER, NOW)
    cards = reads.scorecards(world.actor("ana"), NOW, SEPTEMBER)

    assert [column.portfolio for column in view.portfolios] == ["Top"]
    assert view.total.amounts_minor == amounts(quarters[1])[world.portfolios["Top"]]
    assert not view.is_enterprise
    assert [card.portfolio for card in cards] == ["Top"]
    with pytest.raises(NotFound):
        pages(world, "ana", quarters[1], "closing", world.portfolios["New"])
    behind = pages(world, "ana", quarters[1], "closing")
    assert {row.portfolio_id for row in behind} == {world.portfolios["Top"]}


def test_an_executive_sees_the_enterprise(quarters: Quarters, world: World) -> None:
    view = reads.statement(world.actor("eve"), SEPTEMBER, NOW)

    assert view.is_enterprise
    assert {column.portfolio for column in view.portfolios} == {"Top", "New"}
    for kind in LINES:
        assert view.total.amounts_minor[kind] == sum(
            column.amounts_minor[kind] for column in view.portfolios
        )
    assert view.total.checksum_minor == 0
    assert view.total.realised_margin_minor == sum(
        card.margin_minor for card in reads.scorecards(world.actor("eve"), NOW, SEPTEMBER)
    )


def test_who_sees_no_customers_sees_no_figures(quarters: Quarters, world: World) -> None:
    view = reads.statement(world.actor("ada"), SEPTEMBER, NOW)

    assert view.portfolios == []
    assert set(view.total.amounts_minor.values()) == {0}
    with pytest.raises(NotAllowed):
        reads.statement(world.actor("gus"), SEPTEMBER, NOW)
    with pytest.raises(NotAllowed):
        reads.line_customers(world.actor("gus"), quarters[1].id, kind="closing", now=NOW)


def test_customers_who_moved_since_stay_in_the_bar_as_one_figure(
    quarters: Quarters, world: World
) -> None:
    statement, top = quarters[1], world.portfolios["Top"]
    gone = best_of(quarters[0].closing_run, 3)
    before = {
        row.customer_id: row.amount_minor for row in pages(world, "ana", statement, "closing")
    }
    hand(world, gone, "New", datetime(2024, 10, 9, 15, tzinfo=UTC))
    page = reads.line_customers(
        world.actor("ana"), statement.id, kind="closing", now=NOW, portfolio_id=top, limit=200
    )

    assert page.total_minor == amounts(statement)[top]["closing"]
    assert page.moved_customers == 3
    assert page.moved_minor == sum(before[each] for each in gone)
    assert not {row.customer_id for row in page.rows} & set(gone)
    assert sum(row.amount_minor for row in page.rows) + page.moved_minor == page.total_minor


def test_return_on_customer_is_recomputed_from_the_lines(quarters: Quarters, world: World) -> None:
    new = amounts(quarters[1])[world.portfolios["New"]]
    views = {
        column.portfolio: column
        for column in reads.statement(world.actor("eve"), SEPTEMBER, NOW).portfolios
    }
    gain = (
        views["New"].realised_margin_minor
        + new["closing"]
        - new["opening"]
        - new["hand_overs"]
        - new["model_change"]
    )

    assert views["New"].return_on_customer.rate == pytest.approx(gain / new["opening"], rel=1e-12)
    assert views["Top"].return_on_customer.rate is None
    assert "above 0" in str(views["Top"].return_on_customer.reason)


def test_a_date_shows_its_published_statement_and_the_newest_date_without_one(
    quarters: Quarters, world: World
) -> None:
    eve = world.actor("eve")
    publish_statement(actor=eve, now=NOW, statement_id=quarters[0].id)

    assert reads.statement(eve, None, NOW).head.id == quarters[1].id
    assert reads.statement(eve, JUNE, NOW).head.published_by == "Eve"
    heads = reads.statements(eve)
    assert [(head.quarter, head.state) for head in heads] == [
        ("2024-Q3", "draft"),
        ("2024-Q2", "published"),
    ]
    assert heads[0].drafted_by == "System"


def test_what_is_not_there_is_not_found(quarters: Quarters, world: World) -> None:
    eve = world.actor("eve")
    with pytest.raises(NotFound, match="2019"):
        reads.statement(eve, JUNE.replace(year=2019), NOW)
    with pytest.raises(NotFound, match="line"):
        reads.line_customers(eve, quarters[1].id, kind="profit", now=NOW)
    with pytest.raises(NotFound, match="portfolio"):
        pages(world, "eve", quarters[1], "closing", "prt_nothing")
    with pytest.raises(Refused, match="first page"):
        reads.line_customers(eve, quarters[1].id, kind="closing", now=NOW, after="x")
