"""Readers see their own portfolios; behind every bar are the customers whose amounts make it."""

from __future__ import annotations

from datetime import UTC, datetime

import polars as pl
import pytest

from patronage.access.errors import NotAllowed, NotFound, Refused
from patronage.differentiate.reads import features, valuations
from patronage.science.equity import UNATTRIBUTABLE
from patronage.steer import reads
from patronage.steer.actions import publish_statement, review_statement
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
    views = {
        column.portfolio: column
        for column in reads.statement(world.actor("eve"), SEPTEMBER, NOW).portfolios
    }
    new, top = views["New"], views["Top"]
    lines = new.amounts_minor
    unearned = sum(lines[name] for name in UNATTRIBUTABLE)
    margin = new.margin_while_held_minor - new.contact_cost_minor
    gain = margin + lines["closing"] - lines["opening"] - lines["hand_overs"] - unearned
    # New gave its best customers away on 19 July: 73 of the quarter's 92 days were left.
    base = lines["opening"] + lines["hand_overs"] * 73 / 92

    assert new.window_return.rate == pytest.approx(gain / base, rel=1e-4)
    # Top opened with nothing and earns on what it received.
    assert top.window_return.base == pytest.approx(top.amounts_minor["hand_overs"] * 73 / 92, abs=1)
    for view in (new, top):
        whole, part = view.return_on_customer, view.window_return
        assert whole.rate is not None
        assert part.rate is not None
        # A lifetime does not earn by rolling forward, a window of three years does.
        assert part.expected_rate is not None
        # new customers add to what time earns, and nothing to the equity at the opening
        assert whole.expected_rate is not None
        assert 0.9 * (1.10 ** (92 / 365) - 1) < whole.expected_rate < part.expected_rate
        assert whole.base > part.base


def test_without_equity_to_begin_with_the_return_is_undetermined(
    quarters: Quarters, world: World
) -> None:
    first = reads.statement(world.actor("eve"), JUNE, NOW).total

    assert first.window_return.rate is None
    assert "above 0" in str(first.window_return.reason)
    assert (first.return_on_customer.rate, first.frequency, first.paid_for_minor) == (
        None,
        None,
        None,
    )


def test_margins_are_counted_while_a_portfolio_held_the_customer(
    quarters: Quarters, world: World
) -> None:
    view = reads.statement(world.actor("eve"), SEPTEMBER, NOW)
    while_held = {each.portfolio: each.margin_while_held_minor for each in view.portfolios}
    at_date = {each.portfolio: each.realised_margin_minor for each in view.portfolios}

    assert sum(while_held.values()) == sum(at_date.values())
    assert 0 < while_held["Top"] < at_date["Top"]


def test_what_chance_would_do_stands_beside_experience(quarters: Quarters, world: World) -> None:
    view = reads.statement(world.actor("eve"), SEPTEMBER, NOW)
    for kind in ("frequency", "spend"):
        parts = [getattr(each, kind) for each in view.portfolios]
        total = getattr(view.total, kind)
        assert total.amount_minor == view.total.amounts_minor[f"experience_{kind}"]
        root = sum(each.spread_minor**2 for each in parts) ** 0.5
        # half a unit of each part, and half a unit of the total, may be lost to rounding
        rounded = 0.5 * sum(each.spread_minor for each in parts) / root + 0.5
        assert total.spread_minor == pytest.approx(root, abs=rounded)
        assert total.is_signal == (abs(total.amount_minor) > total.reach_minor)
        assert all(each.spread_minor > 0 for each in parts)


def test_both_managers_see_what_followed_a_hand_over(quarters: Quarters, world: World) -> None:
    statement = quarters[1]
    seen = {
        name: reads.shared_experience(world.actor(name), statement.id, NOW)
        for name in ("ana", "ben", "eve", "ada")
    }
    (row,) = seen["eve"]

    assert seen["ana"] == seen["ben"] == seen["eve"]
    assert seen["ada"] == []
    assert (row.from_portfolio, row.to_portfolio, row.customers) == ("New", "Top", 40)
    top = amounts(statement)[world.portfolios["Top"]]
    # All that Top has, it has had for less than 90 days.
    assert row.experience_frequency_minor == top["experience_frequency"]
    with pytest.raises(NotFound):
        reads.shared_experience(world.actor("eve"), "stm_nothing", NOW)
    with pytest.raises(NotAllowed):
        reads.shared_experience(world.actor("gus"), statement.id, NOW)


def test_what_follows_a_hand_over_counts_for_who_chose_the_day(
    quarters: Quarters, world: World
) -> None:
    """Uncut, so that the day of the hand-over changes nothing of what is paid for."""
    view = reads.statement(world.actor("eve"), SEPTEMBER, NOW)
    paid = {each.portfolio: each.paid_for_minor for each in view.portfolios}
    total = view.total
    lines = total.amounts_minor
    cut = (
        total.margin_while_held_minor
        + lines["expected_margin"]
        + lines["experience_frequency"]
        + lines["experience_spend"]
        + lines["new_customers"]
    )

    assert paid["Top"] == 0
    assert paid["New"] == total.paid_for_minor
    assert total.paid_for_minor == pytest.approx(cut, abs=0.05 * lines["opening"])


def test_frozen_projections_are_graded_by_the_next_statement(
    quarters: Quarters, world: World
) -> None:
    grades = reads.grades(world.actor("eve"), NOW)
    at_june = reads.statement(world.actor("eve"), JUNE, NOW)

    (grade,) = grades  # Top held nobody in June
    assert (grade.portfolio, grade.frozen_as_of, grade.until) == ("New", JUNE, SEPTEMBER)
    opening = amounts(quarters[1])[world.portfolios["New"]]["opening"]
    assert opening == at_june.total.amounts_minor["closing"]
    assert 0 < grade.expected_minor < opening
    frame = features(quarters[1].closing_run)
    known = valuations(quarters[0].closing_run).filter(pl.col("value_minor") != 0)["customer_id"]
    theirs = frame.filter(pl.col("customer_id").is_in(known.implode()))
    assert grade.came_minor == theirs["quarter_margin_minor"].sum()
    assert reads.grades(world.actor("ana"), NOW) == []


def test_a_date_shows_its_published_statement_and_the_newest_date_without_one(
    quarters: Quarters, world: World
) -> None:
    eve = world.actor("eve")
    review_statement(actor=world.actor("zoe"), now=NOW, statement_id=quarters[0].id)
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
