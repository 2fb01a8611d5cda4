"""What would a retailer with 100,000 customers hand over? Invented, and the same for a seed.

Customers buy at rates and for lives of their own (gamma-distributed, as in the Pareto/NBD model),
so that values differ as they do in real panels. Every file is Parquet and has its mapping beside
it; departments and the categories of needs are those that the demonstration company declares.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from patronage.vocabulary.company import Company

START = np.datetime64("2017-01-01T12:00:00", "ms")
DAYS = 365.0
PANEL_SHARE = 0.6  # were customers before recording began
PRODUCTS = 20_000
CAMPAIGNS = 30
COUPONS = 600
LINES_PER_BASKET = 4.5
AGES = ("19-24", "25-34", "35-44", "45-54", "55-64", "65+")
INCOMES = ("Under 25K", "25-49K", "50-74K", "75-99K", "100K+")
HOUSEHOLD = """
[customer]
column = "household"
kind = "household_id"
customer_kind = "household"
label = "Household {}"
"""
CAMPAIGN_DAYS = """
[columns.%s]
from = "starts"
type = "date"

[columns.%s]
from = "ends"
type = "date"
at = "end"
"""
#: what each file is read by, in the order they are imported
MAPPINGS = {
    "products": """
dataset = "products"
key = ["product_id"]
columns.product_id.from = "product"
columns.department.from = "department"
columns.category.from = "category"
""",
    "lines": """
dataset = "order_lines"
currency = "USD"
key = ["order_id", "product_id"]
panel_entry_until = 2017-01-07
columns.order_id.from = "basket"
columns.product_id.from = "product"
columns.ordered_at.from = "at"
columns.quantity.from = "quantity"
columns.amount = { from = "paid_minor", unit = "minor" }
columns.list_discount = { from = "list_discount_minor", unit = "minor" }
columns.coupon_discount = { from = "coupon_discount_minor", unit = "minor" }
columns.store_id.from = "store"
"""
    + HOUSEHOLD,
    "facts": """
dataset = "customer_facts"
constants = { observed_at = "2017-01-01", source = "invented" }
facts = { age = "age", income = "income" }
"""
    + HOUSEHOLD,
    "contacts": """
dataset = "past_contacts"
key = ["customer_id", "campaign_id"]
columns.campaign_id.from = "campaign"
columns.campaign_kind.from = "kind"
"""
    + HOUSEHOLD
    + CAMPAIGN_DAYS % ("contacted_at", "ended_at"),
    "redemptions": """
dataset = "redemptions"
key = ["customer_id", "offer_ref", "campaign_id", "redeemed_at"]
columns.offer_ref.from = "coupon"
columns.campaign_id.from = "campaign"
columns.redeemed_at = { from = "on", type = "date" }
"""
    + HOUSEHOLD,
    "coupons": """
dataset = "coupon_products"
key = ["offer_ref", "campaign_id", "product_id"]
columns.offer_ref.from = "coupon"
columns.campaign_id.from = "campaign"
columns.product_id.from = "product"
"""
    + CAMPAIGN_DAYS % ("starts_at", "ends_at"),
}

Whole = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """The customers of the retailer, one place of each array a customer."""

    #: days from the start to the first purchase
    entered: NDArray[np.float64]
    #: days that the customer buys for, at most to the end of the year
    life: NDArray[np.float64]
    #: purchases after the first
    repeats: Whole

    @property
    def customers(self) -> int:
        """How many there are."""
        return len(self.life)


def write(folder: Path, company: Company, *, customers: int, seed: int) -> list[Path]:
    """Write the files and their mappings; give the files in the order they are imported."""
    random = np.random.default_rng(seed)
    products = _products(random, company)
    base = _base(random, customers)
    campaigns = _campaigns(random)
    contacts = _contacts(random, base, campaigns)
    coupons = _coupons(random, products, campaigns)
    tables = {
        "products": products.drop("price_minor"),
        "lines": _lines(random, base, products),
        "facts": _facts(random, base),
        "contacts": contacts,
        "redemptions": _redemptions(random, contacts, coupons),
        "coupons": coupons,
    }
    return [_written(folder, name, tables[name]) for name in MAPPINGS]


def _written(folder: Path, name: str, table: pl.DataFrame) -> Path:
    path = folder / f"{name}.parquet"
    table.write_parquet(path)
    text = f'format = "parquet"\nfile = "{path.name}"\ntime_zone = "UTC"\n{MAPPINGS[name]}'
    path.with_suffix(".toml").write_text(text, encoding="utf-8")
    return path


def _products(random: np.random.Generator, company: Company) -> pl.DataFrame:
    shelves = [*_declared(company), *_others(company)]
    at = random.integers(len(shelves), size=PRODUCTS)
    return pl.DataFrame(
        {
            "product": np.arange(PRODUCTS) + 100_000,
            "department": [shelves[each][0] for each in at],
            "category": [shelves[each][1] for each in at],
            "price_minor": np.maximum(20, random.lognormal(5.6, 0.7, PRODUCTS)).astype(np.int64),
        }
    )


def _declared(company: Company) -> Iterable[tuple[str, str]]:
    return [("GROCERY", category) for need in company.needs for category in need.categories]


def _others(company: Company) -> Iterable[tuple[str, str]]:
    return [
        (department, f"{department} {number}")
        for department in company.margin_by_department
        for number in range(1, 7)
    ]


def _base(random: np.random.Generator, customers: int) -> Base:
    in_panel = random.random(customers) < PANEL_SHARE
    until = np.where(in_panel, 5.0, DAYS - 1)
    entered = random.random(customers) * until
    # few leave in any one week: one in two of the average customers within two years
    leaving = np.maximum(random.gamma(0.7, 1 / 700, customers), 1e-9)
    life = np.minimum(random.exponential(1 / leaving), DAYS - entered)
    buying = random.gamma(0.9, 0.030, customers)
    return Base(entered=entered, life=life, repeats=random.poisson(buying * life))


def _lines(random: np.random.Generator, base: Base, products: pl.DataFrame) -> pl.DataFrame:
    baskets = base.repeats + 1
    owner = np.repeat(np.arange(base.customers), baskets)
    is_first = np.concatenate(([True], owner[1:] != owner[:-1]))
    into = np.where(is_first, 0.0, random.random(len(owner)) * base.life[owner])
    seconds = ((base.entered[owner] + into) * 86_400).astype(np.int64)
    store = random.integers(40, size=base.customers)
    sizes = random.geometric(1 / LINES_PER_BASKET, len(owner))
    basket = np.repeat(np.arange(len(owner)), sizes)
    product = _bought(random, owner[basket], base.customers)
    quantity = random.geometric(0.75, len(basket))
    full = products["price_minor"].to_numpy()[product] * quantity
    listed = np.where(random.random(len(basket)) < 0.3, full // 5, 0)
    coupon = np.where(random.random(len(basket)) < 0.02, np.minimum(100, full // 2), 0)
    drawn = pl.DataFrame(
        {
            "household": owner[basket] + 1,
            "basket": basket + 1_000_000,
            "product": product + 100_000,
            "at": START + seconds[basket].astype("timedelta64[s]").astype("timedelta64[ms]"),
            "quantity": quantity,
            "paid_minor": full - listed - coupon,
            "list_discount_minor": listed,
            "coupon_discount_minor": coupon,
            "store": store[owner[basket]],
        }
    )
    return drawn.unique(["basket", "product"], keep="first", maintain_order=True).sort("at")


def _bought(random: np.random.Generator, owner: Whole, customers: int) -> Whole:
    """Half of what a customer buys comes from two hundred products of their own."""
    habit = random.integers(PRODUCTS, size=customers)
    usual = (habit[owner] + random.integers(200, size=len(owner)) * 97) % PRODUCTS
    any_other = (PRODUCTS * random.random(len(owner)) ** 2).astype(np.int64)
    return np.where(random.random(len(owner)) < 0.5, usual, any_other)


def _facts(random: np.random.Generator, base: Base) -> pl.DataFrame:
    known = np.flatnonzero(random.random(base.customers) < 0.3)
    return pl.DataFrame(
        {
            "household": known + 1,
            "age": random.choice(AGES, len(known)),
            "income": random.choice(INCOMES, len(known)),
        }
    )


def _campaigns(random: np.random.Generator) -> pl.DataFrame:
    starts = np.sort(random.integers(20, 320, CAMPAIGNS))
    day = np.datetime64("2017-01-01", "D")
    return pl.DataFrame(
        {
            "campaign": np.arange(CAMPAIGNS) + 1,
            "kind": random.choice(["Type A", "Type B", "Type C"], CAMPAIGNS),
            "starts": day + starts,
            "ends": day + starts + 35,
        }
    )


def _contacts(random: np.random.Generator, base: Base, campaigns: pl.DataFrame) -> pl.DataFrame:
    each = base.customers // 10
    reached = [random.choice(base.customers, each, replace=False) for _ in range(CAMPAIGNS)]
    drawn: dict[str, Any] = {
        "household": np.concatenate(reached) + 1,
        "campaign": np.repeat(np.arange(CAMPAIGNS) + 1, each),
    }
    return pl.DataFrame(drawn).join(campaigns, on="campaign")


def _coupons(
    random: np.random.Generator, products: pl.DataFrame, campaigns: pl.DataFrame
) -> pl.DataFrame:
    categories = products["category"].unique().sort()
    weights = 1 / np.arange(1, len(categories) + 1)
    issued = pl.DataFrame(
        {
            "coupon": np.arange(COUPONS) + 51_000_000,
            "category": random.choice(categories.to_numpy(), COUPONS, p=weights / weights.sum()),
            "campaign": random.integers(CAMPAIGNS, size=COUPONS) + 1,
        }
    )
    placed = issued.join(products.select("category", "product"), on="category")
    return placed.drop("category").join(campaigns.drop("kind"), on="campaign")


def _redemptions(
    random: np.random.Generator, contacts: pl.DataFrame, coupons: pl.DataFrame
) -> pl.DataFrame:
    offered = coupons.select("coupon", "campaign").unique(maintain_order=True)
    offered = offered.unique("campaign", keep="first", maintain_order=True)
    used = contacts.filter(pl.Series(random.random(len(contacts)) < 0.15))
    after = pl.Series(random.integers(1, 35, len(used)) * 86_400_000).cast(pl.Duration("ms"))
    dated = used.with_columns(on=(pl.col("starts").cast(pl.Datetime("ms")) + after).cast(pl.Date))
    return dated.join(offered, on="campaign").select("household", "coupon", "campaign", "on")
