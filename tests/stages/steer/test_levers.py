"""What one point more is worth: the tree's figures are differences of whole revaluations."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from patronage.access.company import company_of, load_company
from patronage.access.errors import NotAllowed, NotFound
from patronage.access.roles import SYSTEM
from patronage.differentiate import registry
from patronage.differentiate.levers import LEVERS, POINT, Priced, price
from patronage.differentiate.models import ValuationRun
from patronage.differentiate.reads import valuations
from patronage.differentiate.valuation.scoring import Histories, Models, Window, score
from patronage.identify.models import Customer
from patronage.science.lifetime import ParetoNBD, PurchaseMoments
from patronage.science.lifetime.windows import Window as Ahead
from patronage.science.lifetime.windows import expected_days_alive
from patronage.steer.lever_tree import LeverTree, lever_tree

from ..differentiate.history import COMPANY, NOW
from .world import SEPTEMBER, World, best_of, hand, valued

Real = NDArray[np.float64]


@pytest.fixture
def run(world: World) -> ValuationRun:
    """Valued as of September; Ana's portfolio holds the forty best."""
    made = valued(SEPTEMBER)
    hand(world, best_of(made, 40), "Top", NOW)
    return made


def inputs(run: ValuationRun) -> tuple[pl.DataFrame, Models, Window]:
    """What the valuation was scored from."""
    company = company_of(run.company_version)
    models = registry.models_of(run.purchase_model, run.spend_model)
    return valuations(run), models, Window.of(company, run.as_of)


def total_of(histories: Histories, models: Models, window: Window) -> int:
    return int(score(histories, models, window)["value_minor"].sum())


def test_a_point_more_margin_is_the_difference_to_a_valuation_that_is_run_again(
    world: World, run: ValuationRun
) -> None:
    """Through the job itself: every declared margin a point higher, everybody valued again."""
    tree = lever_tree(SYSTEM, NOW)
    dearer = (
        COMPANY.replace("default_margin = 0.25", "default_margin = 0.26")
        .replace("PRODUCE = 0.345", "PRODUCE = 0.355")
        .replace("GROCERY = 0.2575", "GROCERY = 0.2675")
    )
    load_company(actor=SYSTEM, now=NOW, text=dearer, reason="a point more")
    again = valued(SEPTEMBER)
    assert again.id != run.id
    assert again.total_minor - run.total_minor == tree.total.worth_minor["margin"]


def test_a_point_less_cost_is_the_difference_to_a_valuation_that_is_run_again(
    world: World,
) -> None:
    """Baskets and months as a customer: every declared cost a point lower, valued again."""
    monthly = COMPANY + "\n[serving]\nper_month_minor = 200\n"
    at_a_dollar = monthly.replace("cost_per_basket_minor = 90", "cost_per_basket_minor = 100")
    load_company(actor=SYSTEM, now=NOW, text=at_a_dollar, reason="a dollar a basket")
    before = valued(SEPTEMBER)
    tree = lever_tree(SYSTEM, NOW)
    at_99 = monthly.replace("cost_per_basket_minor = 90", "cost_per_basket_minor = 99")
    at_99 = at_99.replace("per_month_minor = 200", "per_month_minor = 198")
    load_company(actor=SYSTEM, now=NOW, text=at_99, reason="a point less")
    after = valued(SEPTEMBER)
    assert after.total_minor - before.total_minor == tree.total.worth_minor["cost_to_serve"]


@dataclass(frozen=True)
class Later:
    """Customers whose purchase and dropout rates are multiplied from today on, in closed form.

    Given alive, the dropout rate is gamma (s, β + T), so that c times it is gamma (s, (β + T) / c).
    """

    model: ParetoNBD
    purchases: float = 1.0
    dropout: float = 1.0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.model, name)

    def purchase_moments(self, x: Real, t_x: Real, T: Real, **window: float) -> PurchaseMoments:
        known, p = self.model.purchase_moments(x, t_x, T, **window), self.model.parameters
        rate = self.purchases * (p.r + x) / (p.alpha + T)
        days = expected_days_alive(Ahead.of(**window), p.s, (p.beta + T) / self.dropout)
        return replace(known, mean=self.model.probability_alive(x, t_x, T) * rate * days)


def test_every_figure_is_the_difference_of_two_totals(world: World, run: ValuationRun) -> None:
    """Retention and frequency, which no declaration moves: by portfolio, against scoring again."""
    frame, models, window = inputs(run)
    tree = lever_tree(SYSTEM, NOW)
    assert total_of(Histories.of(frame, window.minor_per_major), models, window) == run.total_minor
    priced = priced_by(run)
    for branch in tree.portfolios:
        assert branch.portfolio_id is not None
        part = frame.join(placed(priced, branch.portfolio_id), on="customer_id", how="semi")
        histories = Histories.of(part, window.minor_per_major)
        before = total_of(histories, models, window)
        assert isinstance(models.purchase, ParetoNBD)
        ageing = priced.levels[branch.portfolio_id].ageing
        assert ageing is not None
        assert ageing < 1
        assert branch.value_minor == before
        for lever, future in (
            ("retention", Later(models.purchase, dropout=ageing)),
            ("frequency", Later(models.purchase, purchases=1.01)),
        ):
            after = total_of(histories, replace(models, purchase=cast(Any, future)), window)
            assert branch.worth_minor[lever] == after - before


def test_elasticities_are_not_revaluations(world: World, run: ValuationRun) -> None:
    """The broken twin: a share of the value, which forgets what serving costs and who leaves."""
    tree = lever_tree(SYSTEM, NOW)
    one_percent = round(run.total_minor * POINT)
    for lever in ("retention", "margin", "cost_to_serve", "acquisition"):
        assert abs((tree.total.worth_minor[lever] or 0) - one_percent) > 100


def test_customers_sum_to_portfolios_and_portfolios_to_the_enterprise(
    world: World, run: ValuationRun
) -> None:
    tree, priced = lever_tree(SYSTEM, NOW), priced_by(run)
    for lever in LEVERS:
        by_customer = int(priced.customers[lever].sum())
        by_portfolio = sum(branch.worth_minor[lever] or 0 for branch in tree.portfolios)
        assert by_customer == by_portfolio == tree.total.worth_minor[lever]
    assert tree.total.value_minor == run.total_minor


def test_figures_rounded_by_portfolio_would_not_sum(world: World, run: ValuationRun) -> None:
    """The broken twin of the sum rule: shares of a total in whole dollars lose cents."""
    tree = lever_tree(SYSTEM, NOW)
    dollars = [round((branch.worth_minor["margin"] or 0) / 100) for branch in tree.portfolios]
    assert sum(dollars) * 100 != tree.total.worth_minor["margin"]


def test_more_of_a_lever_that_earns_is_worth_more_than_nothing(
    world: World, run: ValuationRun
) -> None:
    tree = lever_tree(SYSTEM, NOW)
    assert set(tree.levers) == set(LEVERS)
    amounts = [tree.total.worth_minor[name] or 0 for name in tree.levers]
    assert amounts == sorted(amounts, reverse=True)
    assert amounts[-1] > 0
    assert tree.is_enterprise


def test_a_manager_sees_their_own_portfolio_only(world: World, run: ValuationRun) -> None:
    whole, own = lever_tree(SYSTEM, NOW), lever_tree(world.actor("ana"), NOW)
    assert [branch.portfolio for branch in own.portfolios] == ["Top"]
    assert own.portfolios[0] in whole.portfolios
    assert own.total.worth_minor == own.portfolios[0].worth_minor
    assert not own.is_enterprise


def test_an_agent_sees_none_of_it(world: World, run: ValuationRun) -> None:
    with pytest.raises(NotAllowed):
        lever_tree(world.actor("gus"), NOW)


def test_without_a_valuation_there_is_nothing_to_price(world: World) -> None:
    with pytest.raises(NotFound):
        lever_tree(SYSTEM, NOW)


def test_acquisition_counts_who_was_won_in_the_year_at_the_value_of_their_first_day(
    world: World, run: ValuationRun
) -> None:
    frame, models, window = inputs(run)
    tree = lever_tree(SYSTEM, NOW)
    won = Customer.objects.filter(entry="acquired").values_list("id", flat=True)
    new = frame.filter(pl.col("customer_id").is_in(list(won)), pl.col("age_days") < 365)
    assert tree.total.acquired == len(new) > 0
    histories = Histories.of(new, window.minor_per_major)
    margin = models.spend.expected_spend(0, 0) * histories.margin_rate - histories.serve
    purchases = 1 + models.purchase.discounted_expected_purchases(
        0, 0, 0, horizon_days=window.horizon_days, annual_discount_rate=0.10
    )
    assert tree.total.worth_minor["acquisition"] == int(np.rint(margin * purchases).sum())


def test_what_winning_a_customer_costs_is_taken_off(world: World, run: ValuationRun) -> None:
    frame, models, window = inputs(run)
    everybody = frame.with_columns(portfolio_id=pl.lit("prt_all"), acquired=pl.lit(True))
    free = price(everybody, models, window)
    paid = price(everybody, models, window, acquisition_cost_minor=1000)
    acquired = free.levels["prt_all"].acquired
    saved = int((free.customers["acquisition"] - paid.customers["acquisition"]).sum())
    assert abs(saved - 10 * acquired) <= acquired  # 1 % of $10 each, each rounded


def test_a_portfolio_that_nobody_leaves_says_so_instead_of_naming_a_figure(
    world: World, run: ValuationRun
) -> None:
    frame, models, window = inputs(run)
    faithful = replace(
        models, purchase=type(models.purchase).from_parameters(r=1, alpha=30, s=1, beta=1e6)
    )
    everybody = frame.with_columns(portfolio_id=pl.lit("prt_all"), acquired=pl.lit(False))
    priced = price(everybody, faithful, window)
    level = priced.levels["prt_all"]
    assert level.ageing is None
    assert (level.activity.retention or 0) > 0.99
    assert priced.customers["retention"].sum() == 0


def placed(priced: Priced, portfolio_id: str) -> pl.DataFrame:
    return priced.customers.filter(pl.col("portfolio_id") == portfolio_id)


def priced_by(run: ValuationRun) -> Priced:
    """Prices for everybody, worked out here from the rows that say who is where."""
    frame, models, window = inputs(run)
    where = dict(Customer.objects.values_list("id", "standing__portfolio_id"))
    won = set(Customer.objects.filter(entry="acquired").values_list("id", flat=True))
    ids = frame["customer_id"].to_list()
    described = frame.with_columns(
        portfolio_id=pl.Series([where[each] for each in ids]),
        acquired=pl.Series([each in won for each in ids]),
    )
    return price(described, models, window)


def test_the_tree_is_worked_out_once(world: World, run: ValuationRun) -> None:
    first: LeverTree = lever_tree(SYSTEM, NOW)
    assert lever_tree(SYSTEM, NOW) == first
    hand(world, best_of(run, 60)[-5:], "Top", NOW.replace(hour=10))
    assert lever_tree(SYSTEM, NOW) != first
