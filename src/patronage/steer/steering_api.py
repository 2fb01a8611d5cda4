"""What a point of each lever is worth, and old metrics beside new ones, as REST resources."""

from __future__ import annotations

from datetime import date

from ninja import Router, Schema

from patronage.access.requests import CallerRequest
from patronage.steer.lever_tree import LeverTree, lever_tree
from patronage.steer.metric_pairs import MetricPairs, metric_pairs

router = Router(tags=["steer"])


class BranchRow(Schema):
    """A portfolio's levers, or a sum; `worth_minor` is null where a point more cannot be had."""

    portfolio_id: str | None
    portfolio: str
    manager: str | None
    customers: int
    value_minor: int
    worth_minor: dict[str, int | None]
    retention: float | None
    acquired: int


class LeverTreeRow(Schema):
    """The levers of the portfolios you may see and of their sum; whole minor units.

    Each figure is the value with the lever moved by a point less the value without. `levers` are
    ordered by what is at stake.
    """

    run_id: str
    as_of: date
    currency: str
    horizon_days: int
    annual_discount_rate: float
    acquisition_cost_minor: int | None
    levers: list[str]
    total: BranchRow
    portfolios: list[BranchRow]
    is_enterprise: bool


@router.get("/levers", response=LeverTreeRow, summary="Show what a point of each lever is worth")
def levers(request: CallerRequest, as_of: date | None = None) -> LeverTree:
    return lever_tree(request.actor, request.now, as_of=as_of)


class DepartmentRow(Schema):
    """What a department's products earned; null for products that are not in the catalogue."""

    department: str | None
    revenue_minor: int
    cost_of_goods_minor: int
    cost_to_serve_minor: int
    margin_minor: int


class ProfitPairRow(Schema):
    """The quarter by product and by customer; products less `rounding_minor` are customers."""

    run_id: str
    as_of: date
    quarter: str
    currency: str
    departments: list[DepartmentRow]
    products_margin_minor: int
    customers: int
    customers_revenue_minor: int
    customers_margin_minor: int
    rounding_minor: int
    unvalued_revenue_minor: int | None


class TierPairRow(Schema):
    """One tier: what it bought this quarter, what it is worth."""

    tier: str
    customers: int
    revenue_minor: int
    value_minor: int


class SalesPairRow(Schema):
    """This quarter's sales beside lifetime value; `..._before_minor` are null without a before."""

    revenue_minor: int
    revenue_before_minor: int | None
    value_minor: int
    value_before_minor: int | None
    before: date | None
    horizon_days: int
    tiers: list[TierPairRow]
    best_by_sales: int
    best_by_sales_only: int
    overlooked_minor: int


class EquityShareRow(Schema):
    """An estimate: `market_minor` is the company's declaration."""

    market_minor: int
    share: float


class MetricPairsRow(Schema):
    """Old metrics beside new ones, for the customers you may see; whole minor units."""

    profit: ProfitPairRow
    sales: SalesPairRow
    equity_share: EquityShareRow | None
    is_enterprise: bool


@router.get("/metrics", response=MetricPairsRow, summary="Show old metrics beside new ones")
def metrics(request: CallerRequest, as_of: date | None = None) -> MetricPairs:
    return metric_pairs(request.actor, request.now, as_of=as_of)
