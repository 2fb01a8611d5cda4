"""What did the products earn, and is that what the customers earned? The same cents, cut twice."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import lru_cache
from typing import Any, Final

import ibis
import numpy as np
import polars as pl
import pyarrow as pa
from django.conf import settings

from patronage.access import datasets
from patronage.access.company import company_of
from patronage.access.roles import Actor
from patronage.access.scope import scope_of
from patronage.differentiate.models import ValuationRun
from patronage.differentiate.reads.frames import Manifests, valuations
from patronage.differentiate.reads.in_sight import in_scope, require_run
from patronage.differentiate.valuation.history import PARTS_PER_UNIT, seen_before
from patronage.differentiate.valuation.profit import allocated
from patronage.vocabulary.company import Company
from patronage.vocabulary.periods import BusinessCalendar

#: sums that stay in memory, of runs and of sets of customers
_KEPT: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class DepartmentProfit:
    """What the products of one department earned in the quarter; minor units."""

    #: None for lines of products that are not in the catalogue
    department: str | None
    #: sales net of returns
    revenue_minor: int
    #: at the department's declared margin
    cost_of_goods_minor: int
    #: its part of what serving the customers cost, in proportion to what was sold
    cost_to_serve_minor: int
    margin_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductProfit:
    """The quarter by product, beside the same quarter by customer; minor units."""

    run_id: str
    as_of: date
    quarter: str
    currency: str
    #: most earned first
    departments: Sequence[DepartmentProfit]
    #: products less customers: each side rounds its own rows to the cent; 0 for the enterprise
    rounding_minor: int
    customers: int
    customers_revenue_minor: int
    customers_margin_minor: int
    #: revenue of lines whose customers are not valued, in neither side; None in a part of the base
    unvalued_revenue_minor: int | None

    @property
    def products_margin_minor(self) -> int:
        """What the products earned, in all."""
        return sum(each.margin_minor for each in self.departments)


def product_profit(actor: Actor, now: datetime, *, as_of: date | None = None) -> ProductProfit:
    """Give the quarter of a valuation by product and by customer, for those in scope.

    Raises:
        NotAllowed: the actor may not see profitability.
        NotFound: nobody was valued as of that date, or at all.
    """
    run = require_run(actor, as_of)
    valued = valuations(run)
    frame = in_scope(valued, actor, now)
    company = company_of(run.company_version)
    quarter = BusinessCalendar(company.time_zone).quarter_of(run.as_of)
    goods = int(frame["quarter_cost_of_goods_minor"].sum())
    serving = int(frame["quarter_cost_to_serve_minor"].sum())
    revenue = int((frame["quarter_sales_minor"] + frame["quarter_returns_minor"]).sum())
    sold = _sold_of(run, frame["customer_id"])
    departments = _departments(sold, company, serving)
    by_product = sum(each.cost_of_goods_minor for each in departments)
    everybody = scope_of(actor, now).everything
    return ProductProfit(
        run_id=run.id,
        as_of=run.as_of,
        quarter=str(quarter),
        currency=run.currency,
        departments=departments,
        rounding_minor=goods - by_product,
        customers=len(frame),
        customers_revenue_minor=revenue,
        customers_margin_minor=revenue - goods - serving,
        unvalued_revenue_minor=_unvalued(run, sold) if everybody else None,
    )


def _lines(run: ValuationRun, company: Company) -> Any:
    """The lines of the run's quarter, up to its date, in the state that it read."""
    calendar = BusinessCalendar(company.time_zone)
    first = calendar.start_of_day(calendar.quarter_of(run.as_of).first_day)
    lines = Manifests.of(run).read("order_lines")
    seen = seen_before(lines, calendar.end_of_day(run.as_of))
    return seen.filter(seen.ordered_at >= ibis.literal(first, type="timestamp('UTC')"))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Whose:
    """Some customers, told apart by a digest of their ids."""

    digest: str
    customer_ids: pl.Series = field(compare=False, repr=False)


def _state(run: ValuationRun) -> tuple[str, tuple[int, ...], str]:
    """What the quarter's sums rest on; what is kept of a state that was erased from is sums."""
    heads = tuple(datasets.head(name) or 0 for name in ("order_lines", "products"))
    return str(settings.WAREHOUSE_ROOT), heads, run.id


def _sold_of(run: ValuationRun, customer_ids: pl.Series) -> pl.DataFrame:
    digest = hashlib.sha256(customer_ids.hash().to_numpy().tobytes()).hexdigest()
    return _sold(*_state(run), _Whose(digest=digest, customer_ids=customer_ids))


@lru_cache(maxsize=_KEPT)
def _sold(_root: str, _heads: tuple[int, ...], run_id: str, whose: _Whose) -> pl.DataFrame:
    """`department`, `amount_minor` (net) and `sales_minor` of these customers, by department.

    Summed once for a state of the data and a set of customers.
    """
    run = ValuationRun.objects.select_related("company_version").get(id=run_id)
    company, ids = company_of(run.company_version), whose.customer_ids
    people = ibis.memtable(pa.table({"customer_id": ids.to_arrow().cast(pa.string())}))
    products = Manifests.of(run).read("products")
    lines = _lines(run, company).semi_join(people, "customer_id")
    joined = lines.left_join(products.select("product_id", "department"), "product_id")
    summed = joined.group_by("department").aggregate(
        amount_minor=joined.amount_minor.sum().cast("int64"),
        sales_minor=joined.amount_minor.sum(where=joined.kind == "sale").fill_null(0).cast("int64"),
    )
    return datasets.warehouse().polars(summed).sort("department", nulls_last=True)


def _departments(sold: pl.DataFrame, company: Company, serving: int) -> list[DepartmentProfit]:
    """Cost of goods at each department's margin, the cost to serve in proportion to sales."""
    if sold.is_empty() and serving:
        sold = pl.DataFrame(
            {"department": [None], "amount_minor": [0], "sales_minor": [0]}, schema=sold.schema
        )
    names = sold["department"].to_list()
    margins = [company.margin(name) for name in names]
    unit = np.array([round((1 - each) * PARTS_PER_UNIT) for each in margins], dtype=np.int64)
    goods = allocated(sold["amount_minor"].to_numpy() * unit)
    served = _spread(serving, sold["sales_minor"].to_list())
    rows = [
        DepartmentProfit(
            department=name,
            revenue_minor=revenue,
            cost_of_goods_minor=cost,
            cost_to_serve_minor=part,
            margin_minor=revenue - cost - part,
        )
        for name, revenue, cost, part in zip(
            names, sold["amount_minor"].to_list(), goods.tolist(), served, strict=True
        )
    ]
    return sorted(rows, key=lambda each: (-each.margin_minor, each.department or ""))


def _spread(total: int, weights: Sequence[int]) -> list[int]:
    """Whole minor units in proportion to weights from 0, summing to the total exactly.

    By largest remainders, the earlier row first among equals; evenly where all weights are 0.
    """
    shares = list(weights) if any(weights) else [1] * len(weights)
    whole = sum(shares)
    parts = [total * share // whole for share in shares]
    rests = [total * share % whole for share in shares]
    for row in sorted(range(len(shares)), key=lambda row: -rests[row])[: total - sum(parts)]:
        parts[row] += 1
    return parts


def _unvalued(run: ValuationRun, sold: pl.DataFrame) -> int:
    return _whole(*_state(run)) - int(sold["amount_minor"].sum())


@lru_cache(maxsize=_KEPT)
def _whole(_root: str, _heads: tuple[int, ...], run_id: str) -> int:
    """Everything sold in the quarter, whoever bought it."""
    run = ValuationRun.objects.select_related("company_version").get(id=run_id)
    lines = _lines(run, company_of(run.company_version))
    whole = datasets.warehouse().polars(
        lines.aggregate(amount_minor=lines.amount_minor.sum().fill_null(0).cast("int64"))
    )
    return int(whole["amount_minor"][0])
