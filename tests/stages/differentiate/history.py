"""Builds a small retailer: a company, customers, products and two years of order lines.

Customers shop as the Pareto/NBD model assumes, with known rates, so that fits succeed; each has a
favourite department. Amounts are in cents. Everything follows from the seed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import numpy as np
import polars as pl

from patronage.access import datasets
from patronage.access.company import load_company
from patronage.access.models import CompanyVersion
from patronage.access.roles import SYSTEM
from patronage.access.transactions import atomic
from patronage.identify.models import Customer

from ...unit.science.families import chance_days, regular_days

#: first business date of the history
START = date(2024, 1, 1)
DAYS = 540
#: when these tests act: after the whole history
NOW = datetime(2026, 1, 15, 9, 30, tzinfo=UTC)

COMPANY = """
name = "Corner Stores"
time_zone = "America/New_York"
currency = "USD"
horizon_days = 1095
annual_discount_rate = 0.10
default_margin = 0.25
cost_per_basket_minor = 90
holdout_salt = "tests"
quarterly_budget_minor = 100000
entry_portfolio = "New"

[margin_by_department]
PRODUCE = 0.345
GROCERY = 0.2575

[[tiers]]
name = "top"
share = 0.2
[[tiers]]
name = "middle"
share = 0.3
[[tiers]]
name = "base"
share = 0.5

[[needs]]
name = "fresh"
title = "Cooks fresh"
departments = ["PRODUCE"]
[[needs]]
name = "family"
title = "Feeds a family"
categories = ["CEREAL"]
[[needs]]
name = "home"
title = "Keeps house"
departments = ["HOUSEHOLD"]

[[objectives]]
objective = "acquire"
reason = "In the first 90 days"
when = "age_days < 90"
[[objectives]]
objective = "exit"
reason = "Costs more to serve than it earns"
when = "value_minor < 0"
[[objectives]]
objective = "retain"
reason = "Among the most valuable"
when = "tier = 'top'"
[[objectives]]
objective = "convert"
reason = "Unlikely to buy next quarter"
when = "probability_of_purchase < 0.5"
[[objectives]]
objective = "grow"
reason = "Room to grow"

[[portfolios]]
name = "Top"
manager = "ana@example.com"
when = "tier = 'top'"
[[portfolios]]
name = "New"
manager = "ben@example.com"

[[channels]]
name = "mail"
title = "Mail"
cost_minor = 45
"""

_DEPARTMENTS = (
    ("PRODUCE", "APPLES"),
    ("GROCERY", "CEREAL"),
    ("HOUSEHOLD", "SOAP"),
    ("GROCERY", "TINS"),
)
#: products of each of the departments above
_PRODUCTS_EACH = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """A history that is not stored yet."""

    #: rows of `order_lines`
    lines: pl.DataFrame
    #: rows of `products`
    products: pl.DataFrame

    @property
    def customer_ids(self) -> list[str]:
        return self.lines["customer_id"].unique().sort().to_list()


def generate(*, seed: int = 7, customers: int = 200) -> History:
    """Make up a history: shopping days, one to four lines each, every thirtieth line returned."""
    random = np.random.default_rng(seed)
    rate = random.gamma(2.0, 1 / 20, customers)
    lifetime = random.exponential(1 / random.gamma(1.5, 1 / 400, customers))
    first = random.integers(0, DAYS - 120, customers)
    day = np.arange(DAYS)
    alive = (day >= first[:, None]) & (day < (first + 1 + lifetime)[:, None])
    shops = alive & (random.random((customers, DAYS)) < 1 - np.exp(-rate)[:, None])
    shops[np.arange(customers), first] = True
    return _with_lines(shops, random)


def generate_phases(*, seed: int = 7, customers: int = 700, days: int = DAYS) -> History:
    """Customers who shop for half a year or so and then pause as long, which no model knows of.

    Whether they are in a phase shows in the last quarter alone: the facts carry it.
    """
    random = np.random.default_rng(seed)
    first = random.integers(0, 60, customers)
    switches = (random.random((customers, days)) < 1 / 200).cumsum(axis=1)
    active = (switches - switches[np.arange(customers), first][:, None]) % 2 == 0
    day = np.arange(days)
    shops = (day > first[:, None]) & (
        random.random((customers, days)) < np.where(active, 0.06, 0.002)
    )
    shops[np.arange(customers), first] = True
    return _with_lines(shops, random)


def generate_families(*, seed: int = 3, regular: int = 500, by_chance: int = 1400) -> History:
    """Customers who shop at regular intervals come first, then those who shop by chance alone."""
    random = np.random.default_rng(seed)
    kinds = [regular_days(regular, DAYS, random), chance_days(by_chance, DAYS, random)]
    return _with_lines(np.concatenate(kinds), random)


def _with_lines(
    shops: np.ndarray[tuple[int, int], np.dtype[np.bool_]], random: np.random.Generator
) -> History:
    """What customers buy on the days on which they shop, shape (customers, days)."""
    customers = shops.shape[0]
    who, when = np.nonzero(shops)
    lines_each = random.integers(1, 5, who.size)
    visit = np.repeat(np.arange(who.size), lines_each)
    favourite = random.integers(0, len(_DEPARTMENTS), customers)[who[visit]]
    anything = random.integers(0, len(_DEPARTMENTS), visit.size)
    kind = np.where(random.random(visit.size) < 0.6, favourite, anything)
    product = kind * _PRODUCTS_EACH + random.integers(0, _PRODUCTS_EACH, visit.size)
    level = random.gamma(6.0, 1 / 5, customers)[who[visit]]
    amount = np.maximum(1, np.rint(random.gamma(2.0, 250, visit.size) * level)).astype(np.int64)
    minute = random.integers(13 * 60, 23 * 60, who.size)
    lines = _lines(visit, who[visit], product, amount, (when * 1440 + minute)[visit])
    return History(lines=_with_returns(lines), products=_products())


def store(history: History, *, company: str = COMPANY, now: datetime = NOW) -> CompanyVersion:
    """Declare the company, create the customers, commit products and order lines."""
    version = load_company(actor=SYSTEM, now=now, text=company, reason="tests")
    create_customers(history.customer_ids, now=now)
    commit("products", history.products, now=now)
    commit("order_lines", history.lines, now=now)
    return version


def create_customers(customer_ids: list[str], *, now: datetime = NOW) -> None:
    """Put customers on record who are not yet."""
    Customer.objects.bulk_create(
        (
            Customer(
                id=customer_id,
                kind="household",
                label=f"Household {customer_id[-4:]}",
                entry="acquired",
                entered_at=now,
                created_at=now,
            )
            for customer_id in customer_ids
        ),
        ignore_conflicts=True,
    )


def commit(dataset: str, rows: pl.DataFrame, *, now: datetime = NOW) -> int:
    """Make these rows the whole committed state of a dataset; return the manifest's number."""
    with atomic():
        manifest = datasets.warehouse().replace(
            dataset, rows.to_arrow(), base=datasets.head(dataset)
        )
        datasets.commit(dataset=dataset, manifest=manifest, cause="tests", now=now)
    return manifest.number


def line(
    customer_id: str,
    ordered_at: datetime,
    amount_minor: int,
    *,
    product_id: str = "prd_00",
    order_id: str | None = None,
    currency: str = "USD",
) -> pl.DataFrame:
    """One order line; a negative amount is a return."""
    return pl.DataFrame(
        {
            "customer_id": [customer_id],
            "order_id": [order_id or f"ord_{customer_id}_{ordered_at.isoformat()}"],
            "line_number": [1],
            "product_id": [product_id],
            "ordered_at": [ordered_at],
            "quantity": [1.0 if amount_minor >= 0 else -1.0],
            "amount_minor": [amount_minor],
            "currency": [currency],
            "kind": ["sale" if amount_minor >= 0 else "return"],
            "import_id": ["imp_tests"],
        }
    )


def _lines(
    visit: np.ndarray[tuple[int], np.dtype[np.int64]],
    who: np.ndarray[tuple[int], np.dtype[np.int64]],
    product: np.ndarray[tuple[int], np.dtype[np.int64]],
    amount: np.ndarray[tuple[int], np.dtype[np.int64]],
    minutes: np.ndarray[tuple[int], np.dtype[np.int64]],
) -> pl.DataFrame:
    start = datetime(START.year, START.month, START.day, tzinfo=UTC)
    frame = pl.DataFrame(
        {"visit": visit, "who": who, "product": product, "amount_minor": amount, "at": minutes}
    )
    return frame.select(
        customer_id=pl.format("cus_{}", pl.col("who").cast(pl.String).str.zfill(22)),
        order_id=pl.format("ord_{}", pl.col("visit").cast(pl.String).str.zfill(8)),
        line_number=pl.int_range(pl.len()).over("visit") + 1,
        product_id=pl.format("prd_{}", pl.col("product").cast(pl.String).str.zfill(2)),
        ordered_at=pl.lit(start) + pl.duration(minutes=pl.col("at")),
        quantity=pl.lit(1.0),
        amount_minor="amount_minor",
        currency=pl.lit("USD"),
        kind=pl.lit("sale"),
        import_id=pl.lit("imp_tests"),
    )


def _with_returns(lines: pl.DataFrame) -> pl.DataFrame:
    returned = lines.gather_every(30).with_columns(
        order_id=pl.format("ret_{}", pl.col("order_id")),
        ordered_at=pl.col("ordered_at") + timedelta(days=3),
        quantity=pl.lit(-1.0),
        amount_minor=-pl.col("amount_minor"),
        kind=pl.lit("return"),
    )
    return pl.concat([lines, returned])


def _products() -> pl.DataFrame:
    number = np.arange(len(_DEPARTMENTS) * _PRODUCTS_EACH)
    return pl.DataFrame(
        {
            "product_id": [f"prd_{each:02d}" for each in number],
            "department": [_DEPARTMENTS[each // _PRODUCTS_EACH][0] for each in number],
            "category": [_DEPARTMENTS[each // _PRODUCTS_EACH][1] for each in number],
            "import_id": ["imp_tests"] * number.size,
        }
    )
