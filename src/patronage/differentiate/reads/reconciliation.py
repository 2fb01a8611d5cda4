"""Do customers, products, divisions and the ledger say the same of a period, to the cent?

Each side is counted for itself, from the lines or from what was frozen, so that a cent that is lost
on one side shows. Nothing is scaled to fit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Any, Final

import polars as pl
from django.conf import settings

from patronage.access import datasets
from patronage.access.company import company_of
from patronage.access.errors import NotAllowed
from patronage.access.roles import Actor, Right
from patronage.access.scope import scope_of
from patronage.differentiate.errors import PeriodMalformed
from patronage.differentiate.models import ControlTotal, ValuationRun
from patronage.differentiate.reads.frames import run_at, valuations
from patronage.differentiate.reads.in_sight import require_run
from patronage.differentiate.valuation.divisions import period_lines
from patronage.differentiate.valuation.history import PARTS_PER_UNIT
from patronage.differentiate.valuation.profit import allocated, half_even
from patronage.vocabulary.company import Company
from patronage.vocabulary.periods import BusinessCalendar
from patronage.warehouse.untyped import Table

#: What every side states, minor units.
Figures = Mapping[str, int]
#: products and customers that a list of unallocated lines names
_NAMED: Final = 5
#: a new state of these is counted anew: what came in, what an erasure took out
_READ: Final = ("order_lines", "products")
#: periods that stay in memory
_KEPT: Final = 2
#: customers whose frozen account is listed because it is not what their lines say
_ACCOUNTS: Final = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Two sides that do not say the same."""

    #: sales, returns, revenue, cost_of_goods or gross_margin
    measure: str
    #: the side that is compared with the lines
    side: str
    lines_minor: int
    side_minor: int
    #: side less lines
    difference_minor: int
    #: the part that the unallocated lines make
    explained_minor: int

    @property
    def unexplained_minor(self) -> int:
        """What nothing here explains."""
        return self.difference_minor - self.explained_minor


@dataclass(frozen=True, slots=True, kw_only=True)
class Unallocated:
    """Lines of the period that some side does not hold."""

    #: "no product": not in the catalogue, counted at the default margin and in no division;
    #: "not valued": of customers whom the valuation does not hold (erased, or returns only)
    kind: str
    lines: int
    sales_minor: int
    #: zero or below
    returns_minor: int
    cost_of_goods_minor: int
    #: some of the products or customers, by id
    examples: tuple[str, ...]

    @property
    def revenue_minor(self) -> int:
        """Sales net of returns."""
        return self.sales_minor + self.returns_minor


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountDifference:
    """A customer whose frozen revenue is not what their lines say now; minor units."""

    customer_id: str
    lines_minor: int
    valued_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciliation:
    """The period's figures by side, every difference, and what is allocated to nobody."""

    first_day: date
    last_day: date
    currency: str
    #: side → measure → minor units. Sides: "lines", "customers", "products", "divisions",
    #: "valued" (the frozen profit and loss, where the period is a valuation's quarter) and
    #: "ledger" (control totals, the measures that were recorded)
    sides: Mapping[str, Figures]
    differences: tuple[Difference, ...]
    unallocated: tuple[Unallocated, ...]
    #: customers with a frozen account that their lines contradict, the first of them by id; totals
    #: alone would not show a cent that moved from one to another
    accounts: tuple[AccountDifference, ...]
    #: how many there are
    accounts_apart: int
    #: where the ledger's figures come from, by measure
    sources: Mapping[str, str]

    @property
    def closes(self) -> bool:
        """Whether nothing is left unexplained."""
        explained = all(each.unexplained_minor == 0 for each in self.differences)
        return explained and not self.accounts_apart


def reconciliation(
    actor: Actor,
    now: datetime,
    *,
    first_day: date | None = None,
    last_day: date | None = None,
) -> Reconciliation:
    """Compare the sides over a period, by default the quarter of the newest valuation up to it.

    Args:
        first_day, last_day: business dates, both inside; both or neither.

    Raises:
        NotAllowed: the actor may not see profitability, or does not see every customer, of whom a
            ledger's totals are.
        PeriodMalformed: one day without the other, or the first after the last.
        NotFound: nobody was ever valued, so that no assumptions are in force.
    """
    actor.require(Right.SEE_PROFITABILITY)
    if not scope_of(actor, now).everything:
        raise NotAllowed(actor=actor.name, right="see every customer")
    _require_period(first_day, last_day)
    run = (run_at(last_day) if last_day else None) or require_run(actor)
    company = company_of(run.company_version)
    quarter = BusinessCalendar(company.time_zone).quarter_of(run.as_of)
    first, last = first_day or quarter.first_day, last_day or run.as_of
    frozen = run if (first, last) == (quarter.first_day, run.as_of) else None
    counted = _counted_of(run, first, last)
    sides: dict[str, Figures] = {
        "lines": counted.lines,
        "customers": _figures(counted.customers),
        "products": _figures(_rounded(counted.products)),
        "divisions": _figures(_divisions(counted.products)),
    }
    unallocated = _no_product(counted.products)
    explained: dict[str, Unallocated] = {}
    apart = _NO_ACCOUNTS
    if frozen is not None:
        rows = valuations(frozen)
        everybody = counted.customers
        sides["valued"] = _frozen(rows)
        missing = _not_valued(rows, everybody)
        unallocated += missing
        if missing:
            explained["valued"] = missing[0]
        apart = _apart(rows, everybody)
    totals = _control_totals(first, last)
    sides["ledger"] = {each.measure: each.amount_minor for each in totals}
    return Reconciliation(
        first_day=first,
        last_day=last,
        currency=company.currency,
        sides=sides,
        differences=_differences(sides, explained),
        unallocated=unallocated,
        accounts=tuple(AccountDifference(**row) for row in apart.head(_ACCOUNTS).to_dicts()),
        accounts_apart=len(apart),
        sources={each.measure: each.source for each in totals},
    )


def _require_period(first_day: date | None, last_day: date | None) -> None:
    if first_day is None and last_day is None:
        return
    if first_day is None or last_day is None or first_day > last_day:
        raise PeriodMalformed(first_day=first_day, last_day=last_day)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Counted:
    """The lines of a period, counted three times."""

    #: all of them at once, their cost rounded once
    lines: Figures
    #: a row a customer, each with its own cents
    customers: pl.DataFrame
    #: a row a product with its `department`, cost in parts
    products: pl.DataFrame


def _counted_of(run: ValuationRun, first: date, last: date) -> _Counted:
    states = tuple(datasets.head(name) or 0 for name in _READ)
    return _counted(str(settings.WAREHOUSE_ROOT), states, run.id, first, last)


@lru_cache(maxsize=_KEPT)
def _counted(
    _root: str, _states: tuple[int, ...], run_id: str, first: date, last: date
) -> _Counted:
    """Count once for a state of the data; figures of the whole company, whoever asks."""
    run = ValuationRun.objects.select_related("company_version").get(id=run_id)
    lines = _lines(company_of(run.company_version), first, last)
    return _Counted(
        lines=_figures(_total(lines)),
        customers=_rounded(_grouped(lines, "customer_id")),
        products=_grouped(lines, "product_id", "department"),
    )


def _lines(company: Company, first: date, last: date) -> Table:
    """The lines of the period as they are on record now, late ones included."""
    return period_lines(
        datasets.read("order_lines"),
        datasets.read("products"),
        company=company,
        first_day=first,
        last_day=last,
    )


def _sums(lines: Table) -> dict[str, Any]:
    is_sale = lines.kind == "sale"
    amount = lines.amount_minor
    return {
        "sales": amount.sum(where=is_sale).fill_null(0).cast("int64"),
        "returns": amount.sum(where=~is_sale).fill_null(0).cast("int64"),
        "cost_parts": lines.cost_parts.sum().fill_null(0).cast("int64"),
        "lines": lines.count(),
    }


def _total(lines: Table) -> pl.DataFrame:
    """The period in one row, its cost rounded once."""
    frame = datasets.warehouse().polars(lines.aggregate(**_sums(lines)))
    cost = half_even(int(frame["cost_parts"][0]), PARTS_PER_UNIT)
    return frame.with_columns(cost_of_goods=pl.lit(cost))


def _grouped(lines: Table, *keys: str) -> pl.DataFrame:
    summed = lines.group_by(keys).aggregate(**_sums(lines)).order_by(keys)
    return datasets.warehouse().polars(summed)


def _rounded(rows: pl.DataFrame) -> pl.DataFrame:
    """Each row with its own cents."""
    return rows.with_columns(cost_of_goods=pl.Series(allocated(rows["cost_parts"].to_numpy())))


def _divisions(products: pl.DataFrame) -> pl.DataFrame:
    """A row a division, each with its own cents."""
    amounts = pl.col("sales", "returns", "cost_parts").sum()
    return _rounded(products.group_by("department").agg(amounts).sort("department"))


def _figures(rows: pl.DataFrame) -> Figures:
    sales, returns = int(rows["sales"].sum()), int(rows["returns"].sum())
    cost = int(rows["cost_of_goods"].sum())
    return _stated(sales, returns, cost)


def _stated(sales: int, returns: int, cost: int) -> Figures:
    return {
        "sales": sales,
        "returns": returns,
        "revenue": sales + returns,
        "cost_of_goods": cost,
        "gross_margin": sales + returns - cost,
    }


def _no_product(products: pl.DataFrame) -> tuple[Unallocated, ...]:
    """Lines whose product is not in the catalogue."""
    rows = _rounded(products.filter(pl.col("department").is_null()))
    return _listed("no product", rows, "product_id", int(rows["cost_of_goods"].sum()))


def _frozen(rows: pl.DataFrame) -> Figures:
    """What the valuation froze of its customers."""
    return _stated(
        int(rows["quarter_sales_minor"].sum()),
        int(rows["quarter_returns_minor"].sum()),
        int(rows["quarter_cost_of_goods_minor"].sum()),
    )


def _not_valued(rows: pl.DataFrame, everybody: pl.DataFrame) -> tuple[Unallocated, ...]:
    """The lines of customers whom the valuation does not hold."""
    known = rows.select("customer_id")
    others = everybody.join(known, on="customer_id", how="anti")
    theirs = everybody.join(known, on="customer_id", how="semi")
    # Rounded as the whole less the valued, since each whole is rounded once.
    parts = (int(everybody["cost_parts"].sum()), int(theirs["cost_parts"].sum()))
    cost = half_even(parts[0], PARTS_PER_UNIT) - half_even(parts[1], PARTS_PER_UNIT)
    return _listed("not valued", others, "customer_id", cost)


def _apart(rows: pl.DataFrame, everybody: pl.DataFrame) -> pl.DataFrame:
    """Customers whose frozen revenue is not that of their lines."""
    frozen = rows.select(
        "customer_id", valued_minor=pl.col("quarter_sales_minor") + pl.col("quarter_returns_minor")
    )
    counted = everybody.select("customer_id", lines_minor=pl.col("sales") + pl.col("returns"))
    both = frozen.join(counted, on="customer_id", how="left").with_columns(
        pl.col("lines_minor").fill_null(0)
    )
    differ = both.filter(pl.col("lines_minor") != pl.col("valued_minor"))
    return differ.select("customer_id", "lines_minor", "valued_minor").sort("customer_id")


_NO_ACCOUNTS: Final = pl.DataFrame(
    schema={"customer_id": pl.String, "lines_minor": pl.Int64, "valued_minor": pl.Int64}
)


def _listed(kind: str, rows: pl.DataFrame, key: str, cost: int) -> tuple[Unallocated, ...]:
    if not len(rows):
        return ()
    return (
        Unallocated(
            kind=kind,
            lines=int(rows["lines"].sum()),
            sales_minor=int(rows["sales"].sum()),
            returns_minor=int(rows["returns"].sum()),
            cost_of_goods_minor=cost,
            examples=tuple(rows[key].sort().head(_NAMED).to_list()),
        ),
    )


def _control_totals(first: date, last: date) -> list[ControlTotal]:
    """The newest figure of each measure for exactly this period."""
    recorded = ControlTotal.objects.filter(first_day=first, last_day=last)
    newest = {each.measure: each for each in recorded.order_by("recorded_at", "id")}
    return list(newest.values())


def _differences(
    sides: Mapping[str, Figures], explained: Mapping[str, Unallocated]
) -> tuple[Difference, ...]:
    """Every figure of every side that is not the lines'."""
    lines, found = sides["lines"], []
    for side, figures in sides.items():
        for measure, minor in figures.items():
            if minor != lines[measure]:
                found.append(
                    Difference(
                        measure=measure,
                        side=side,
                        lines_minor=lines[measure],
                        side_minor=minor,
                        difference_minor=minor - lines[measure],
                        explained_minor=_explained(measure, explained.get(side)),
                    )
                )
    return tuple(found)


def _explained(measure: str, missing: Unallocated | None) -> int:
    """By how much a side falls short because it does not hold these lines."""
    if missing is None:
        return 0
    return {
        "sales": -missing.sales_minor,
        "returns": -missing.returns_minor,
        "revenue": -missing.revenue_minor,
        "cost_of_goods": -missing.cost_of_goods_minor,
        "gross_margin": missing.cost_of_goods_minor - missing.revenue_minor,
    }[measure]
