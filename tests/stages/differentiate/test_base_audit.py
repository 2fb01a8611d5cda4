"""Five views of one base: each is counted here the plain way too, and they agree among them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from types import SimpleNamespace

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from patronage.access.errors import NotAllowed, NotFound
from patronage.access.roles import SYSTEM, Actor, Role
from patronage.access.scope import Scope, customer_scope
from patronage.differentiate import reads
from patronage.differentiate.jobs import value
from patronage.differentiate.reads import activity, base_audit
from patronage.differentiate.reads.in_sight import in_scope
from patronage.differentiate.valuation.effects import effects
from patronage.identify.models import Customer

from ..cli.conftest import Verb, verb
from .history import NOW, History

__all__ = ["verb"]

AS_OF = date(2024, 12, 31)
BOSS = Actor(id="usr_boss", name="Boss", roles=frozenset({Role.EXECUTIVE}))
MANAGER = Actor(id="usr_ana", name="Ana", roles=frozenset({Role.MANAGER}))
AGENT = Actor(id="usr_agent", name="Agent", roles=frozenset({Role.AGENT}))


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """What the views are of, and what they are compared with."""

    seen: activity.Activity
    #: lines up to the date with their business day and quarter
    lines: pl.DataFrame
    #: customers who were there when recording began
    panel: set[str]
    margin_minor: int
    revenue_minor: int


_KEPT: list[Base] = []


@pytest.fixture
def plain(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> pl.DataFrame:
    """The lines in New York, one at a time; the views see the cube of a base valued once."""
    if not _KEPT:
        _KEPT.append(_valued(request.getfixturevalue("history")))
    monkeypatch.setattr(base_audit, "activity_of", lambda *_: _KEPT[0].seen)
    return _KEPT[0].lines


def _valued(history: History) -> Base:
    panel = history.customer_ids[:20]
    Customer.objects.filter(id__in=panel).update(entry="panel")
    rows = reads.valuations(value(actor=SYSTEM, now=NOW, as_of=AS_OF))
    local = pl.col("ordered_at").dt.convert_time_zone("America/New_York").dt.date()
    dated = history.lines.with_columns(day=local).filter(pl.col("day") <= AS_OF)
    costs = pl.col("quarter_cost_of_goods_minor") + pl.col("quarter_cost_to_serve_minor")
    revenue = pl.col("quarter_sales_minor") + pl.col("quarter_returns_minor")
    return Base(
        seen=activity.activity_of(BOSS, NOW),
        lines=dated.with_columns(quarter=pl.col("day").dt.truncate("1q")),
        panel=set(panel),
        margin_minor=rows.select((revenue - costs).sum()).item(),
        revenue_minor=rows.select(revenue.sum()).item(),
    )


def bought(plain: pl.DataFrame, quarter: date) -> pl.DataFrame:
    sales = plain.filter((pl.col("kind") == "sale") & (pl.col("quarter") == quarter))
    return sales.group_by("customer_id").agg(orders=pl.col("order_id").n_unique())


def test_within_a_period_the_tenths_are_the_account_cut_by_rank(plain: pl.DataFrame) -> None:
    found = base_audit.within_period(BOSS, NOW)
    counted = bought(plain, date(2024, 10, 1))

    assert found.quarter == "2024-Q4"
    assert found.totals.customers == len(counted)
    assert found.totals.orders == counted["orders"].sum()
    assert sum(each.totals.customers for each in found.tenths) == found.totals.customers
    assert sum(each.totals.margin_minor for each in found.tenths) == found.totals.margin_minor
    sizes = [each.totals.customers for each in found.tenths]
    assert max(sizes) - min(sizes) <= 1
    earned = [each.totals.margin_minor / each.totals.customers for each in found.tenths]
    assert earned == sorted(earned, reverse=True)
    assert sum(each.share_of_margin or 0 for each in found.tenths) == pytest.approx(1)
    by_orders = {each.orders: each.customers for each in found.orders}
    assert by_orders[1] == (counted["orders"] == 1).sum()
    assert by_orders[10] == (counted["orders"] >= 10).sum()
    (last,) = [each for each in found.orders if each.and_more]
    assert last.orders == 10


def test_the_quarter_is_that_of_the_profit_and_loss(plain: pl.DataFrame) -> None:
    total = base_audit.whole_base(BOSS, NOW).totals[-1]
    assert total.margin_minor == _KEPT[0].margin_minor
    assert total.revenue_minor == _KEPT[0].revenue_minor


def test_between_two_periods_everybody_moved_in_one_way(plain: pl.DataFrame) -> None:
    found = base_audit.between_periods(BOSS, NOW)
    before = set(bought(plain, date(2024, 7, 1))["customer_id"])
    after = set(bought(plain, date(2024, 10, 1))["customer_id"])
    sales = plain.filter(pl.col("kind") == "sale")
    older = set(sales.filter(pl.col("quarter") < date(2024, 10, 1))["customer_id"])

    moved = {each.name: each for each in found.movements}
    assert (found.first, found.second) == ("2024-Q3", "2024-Q4")
    assert moved["stayed"].customers == len(before & after)
    assert moved["lapsed"].customers == len(before - after)
    assert moved["new"].customers == len(after - older)
    assert moved["returned"].customers == len((after & older) - before)
    first, second = found.first_totals.margin_minor, found.second_totals.margin_minor
    assert sum(each.first_margin_minor for each in found.movements) == first
    assert sum(each.second_margin_minor for each in found.movements) == second
    assert sum(each.margin_minor for each in found.effects) == second - first


def test_a_cohort_is_followed_from_its_first_quarter_on(plain: pl.DataFrame) -> None:
    found = base_audit.one_cohort(BOSS, NOW, cohort="2024-Q1").cohort
    sales = plain.filter(pl.col("kind") == "sale")
    came = sales.group_by("customer_id").agg(cohort=pl.col("quarter").min())
    theirs = set(came.filter(cohort=date(2024, 1, 1))["customer_id"]) - _KEPT[0].panel

    assert found.customers == len(theirs)
    assert [each.age_quarters for each in found.quarters] == [0, 1, 2, 3]
    assert found.quarters[0].share_active == 1.0
    for each, quarter in zip(
        found.quarters, [date(2024, month, 1) for month in (1, 4, 7, 10)], strict=True
    ):
        active = set(bought(plain, quarter)["customer_id"]) & theirs
        assert each.totals.customers == len(active)
        assert each.share_active == len(active) / len(theirs)
    earned = sum(each.totals.margin_minor for each in found.quarters)
    assert found.quarters[-1].cumulative_margin_minor == earned


def test_cohorts_layer_into_the_whole_base(plain: pl.DataFrame) -> None:
    whole = base_audit.whole_base(BOSS, NOW)
    compared = base_audit.cohorts_compared(BOSS, NOW)

    assert whole.quarters == ("2024-Q1", "2024-Q2", "2024-Q3", "2024-Q4")
    assert whole.cohorts[0].cohort is None
    assert whole.cohorts[0].customers > 0
    assert whole.cohorts[1:] == compared.cohorts
    for quarter, total in zip(whole.quarters, whole.totals, strict=True):
        layers = [
            each.totals for cohort in whole.cohorts for each in cohort.quarters
            if each.quarter == quarter
        ]  # fmt: skip
        for measure in ("customers", "orders", "revenue_minor", "margin_minor"):
            assert sum(getattr(each, measure) for each in layers) == getattr(total, measure)


def test_views_are_of_the_actors_customers_only(history: History) -> None:
    for view in (
        base_audit.within_period,
        base_audit.between_periods,
        base_audit.one_cohort,
        base_audit.cohorts_compared,
        base_audit.whole_base,
        base_audit.quarters_seen,
    ):
        with pytest.raises(NotAllowed):
            view(AGENT, NOW)
        with pytest.raises(NotFound):
            view(BOSS, NOW)
    frame = pl.DataFrame({"customer_id": history.customer_ids})
    assert in_scope(frame, BOSS, NOW).height == len(frame)
    with customer_scope.answered_by(lambda actor, now: Scope()):
        assert in_scope(frame, MANAGER, NOW).height == 0


def test_a_quarter_or_cohort_that_nobody_has_is_not_found(plain: pl.DataFrame) -> None:
    with pytest.raises(NotFound):
        base_audit.within_period(BOSS, NOW, quarter="2031-Q1")
    with pytest.raises(NotFound):
        base_audit.between_periods(BOSS, NOW, second="2024-Q1")
    with pytest.raises(NotFound):
        base_audit.one_cohort(BOSS, NOW, cohort="2031-Q1")


# --- effects --------------------------------------------------------------------------------------

_totals = st.builds(
    SimpleNamespace,
    customers=st.integers(0, 10**6),
    orders=st.integers(0, 10**7),
    revenue_minor=st.integers(-(10**6), 10**12),
    margin_minor=st.integers(-(10**11), 10**11),
)


@given(_totals, _totals)
def test_effects_add_up_to_the_change_whatever_the_figures(
    first: SimpleNamespace, second: SimpleNamespace
) -> None:
    found = effects(first, second)
    assert sum(each.margin_minor for each in found) == second.margin_minor - first.margin_minor


def test_effects_counted_by_hand() -> None:
    """10 customers × 2 orders × 5.00 × 20 % = 20.00 → 12 × 2.5 × 6.00 × 25 % = 45.00."""
    first = SimpleNamespace(customers=10, orders=20, revenue_minor=10_000, margin_minor=2_000)
    second = SimpleNamespace(customers=12, orders=30, revenue_minor=18_000, margin_minor=4_500)
    assert [(each.name, each.margin_minor) for each in effects(first, second)] == [
        ("customers", 400),
        ("orders_per_customer", 600),
        ("revenue_per_order", 600),
        ("margin_rate", 900),
    ]


def test_each_factor_moved_alone_from_the_start_does_not_add_up() -> None:
    """Broken twin: without the chain, what factors do together is lost."""
    first, second = (10, 2.0, 500.0, 0.20), (12, 2.5, 600.0, 0.25)
    alone = 0.0
    for place, moved in enumerate(second):
        factors = [*first[:place], moved, *first[place + 1 :]]
        alone += factors[0] * factors[1] * factors[2] * factors[3] - 2_000
    assert round(alone) != 4_500 - 2_000


def test_the_command_shows_the_other_views_of_the_oldest_quarter_too(
    plain: pl.DataFrame, verb: Verb
) -> None:
    oldest, second = base_audit.quarters_seen(BOSS, NOW)[:2]
    said = verb("value", "audit", "--quarter", oldest)
    assert (said.status, said.err) == (0, "")
    assert "What changed" not in said.out
    assert "The whole base" in said.out
    assert (
        f"What changed from {oldest} to {second}" in verb("value", "audit", "--quarter", second).out
    )
    alone = verb("value", "audit", "--quarter", oldest, "--view", "between")
    assert alone.status != 0
    assert "There is no quarter" in alone.err
