"""Old and new metrics: the products' profit is the customers' profit, to the cent."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from patronage.access import datasets
from patronage.access.company import load_company
from patronage.access.errors import NotAllowed
from patronage.access.roles import SYSTEM
from patronage.differentiate.models import ValuationRun
from patronage.differentiate.reads import valuations
from patronage.steer.metric_pairs import metric_pairs

from ..differentiate.history import COMPANY, NOW, commit, line
from .world import JUNE, SEPTEMBER, World, best_of, hand, valued


@pytest.fixture
def run(world: World) -> ValuationRun:
    valued(JUNE)
    made = valued(SEPTEMBER)
    hand(world, best_of(made, 40), "Top", NOW)
    return made


def test_what_products_earned_is_what_customers_earned(world: World, run: ValuationRun) -> None:
    """Two ways through the same lines: by department in one query, by customer in the valuation."""
    profit = metric_pairs(SYSTEM, NOW).profit
    assert profit.products_margin_minor == profit.customers_margin_minor > 0
    assert profit.rounding_minor == 0
    assert sum(each.revenue_minor for each in profit.departments) == profit.customers_revenue_minor
    assert {each.department for each in profit.departments} == {"PRODUCE", "GROCERY", "HOUSEHOLD"}
    assert profit.unvalued_revenue_minor == 0


def test_a_line_that_only_one_side_sees_breaks_the_equality(
    world: World, run: ValuationRun
) -> None:
    """The broken twin: the run names another state of the lines than the one it was valued on."""
    lines = datasets.warehouse().polars(datasets.read("order_lines"))
    someone = lines["customer_id"][0]
    extra = line(someone, datetime(2024, 8, 15, 15, tzinfo=UTC), 777)
    number = commit("order_lines", pl.concat([lines, extra], how="diagonal_relaxed"))
    ValuationRun.objects.filter(id=run.id).update(order_lines_manifest=number)
    profit = metric_pairs(SYSTEM, NOW).profit
    assert profit.products_margin_minor != profit.customers_margin_minor


def test_lines_of_nobody_valued_stand_apart(world: World) -> None:
    """Who only brought something back is not valued: the line is in neither side, and is named."""
    lines = datasets.warehouse().polars(datasets.read("order_lines"))
    valued(SEPTEMBER)
    sold = lines.filter(
        pl.col("ordered_at").is_between(
            datetime(2024, 7, 1, 4, tzinfo=UTC), datetime(2024, 10, 1, 4, tzinfo=UTC), closed="left"
        )
    )
    profit = metric_pairs(SYSTEM, NOW).profit
    expected = int(sold["amount_minor"].sum()) - profit.customers_revenue_minor
    assert profit.unvalued_revenue_minor == expected


def test_a_portfolio_adds_up_but_for_cents(world: World, run: ValuationRun) -> None:
    pairs = metric_pairs(world.actor("ana"), NOW)
    profit = pairs.profit
    assert not pairs.is_enterprise
    assert profit.customers == 40
    assert profit.unvalued_revenue_minor is None
    assert abs(profit.rounding_minor) <= profit.customers
    assert profit.products_margin_minor - profit.rounding_minor == profit.customers_margin_minor


def test_sales_stand_beside_what_the_same_customers_are_worth(
    world: World, run: ValuationRun
) -> None:
    sales = metric_pairs(SYSTEM, NOW).sales
    frame = valuations(run)
    assert sales.value_minor == run.total_minor == sum(each.value_minor for each in sales.tiers)
    assert sales.revenue_minor == int(
        (frame["quarter_sales_minor"] + frame["quarter_returns_minor"]).sum()
    )
    assert sales.before == JUNE
    assert sales.value_before_minor is not None
    assert [each.tier for each in sales.tiers] == ["top", "middle", "base"]
    assert 0 < sales.best_by_sales_only < sales.best_by_sales
    assert 0 < sales.overlooked_minor < sales.value_minor


def test_part_of_a_quarter_is_compared_with_no_whole_one(world: World) -> None:
    valued(JUNE)
    valued(date(2024, 8, 15))
    sales = metric_pairs(SYSTEM, NOW).sales
    assert (sales.before, sales.revenue_before_minor, sales.value_before_minor) == (None,) * 3
    valued(SEPTEMBER)
    assert metric_pairs(SYSTEM, NOW).sales.before == JUNE  # and not the fifteenth of August


def test_an_equity_share_needs_a_declared_market(world: World) -> None:
    valued(SEPTEMBER)
    assert metric_pairs(SYSTEM, NOW).equity_share is None
    declared = COMPANY + "\n[steering]\nmarket_value_minor = 500_000_000\n"
    load_company(actor=SYSTEM, now=NOW, text=declared, reason="estimated")
    run = valued(SEPTEMBER, NOW + timedelta(minutes=1))
    share = metric_pairs(SYSTEM, NOW).equity_share
    assert share is not None
    assert share.share == pytest.approx(run.total_minor / 500_000_000)
    assert metric_pairs(world.actor("ana"), NOW).equity_share is None


def test_an_agent_sees_none_of_it(world: World, run: ValuationRun) -> None:
    with pytest.raises(NotAllowed):
        metric_pairs(world.actor("gus"), NOW)
