"""What does history say, before an instant, of purchases by category and of earlier contacts?

Two queries in the warehouse, one row each customer and category, and each category and affinity
band. This is the only door to history here, so nothing later than the instant can be seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import ibis
import polars as pl

from patronage.access import datasets
from patronage.identify import merged
from patronage.warehouse.untyped import Expression, Table

#: How far purchases are looked back on for rates and spend.
LOOKBACK_DAYS: Final = 365
#: How far the affinity of a customer to a category looks back.
AFFINITY_DAYS: Final = 90
#: The window in which a contact without a stated end can be answered.
OUTCOME_DAYS: Final = 30
#: Lowest number of baskets in each affinity band.
BAND_EDGES: Final = (0, 1, 2, 4, 8)
#: The datasets read, in the order of `Manifests.numbers`.
DATASETS: Final = ("order_lines", "products", "past_contacts", "redemptions", "coupon_products")


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """Which states of the history are read, and up to which instant."""

    #: nothing at or after it is seen
    instant: datetime
    #: committed manifest of each of `DATASETS`; None where there is none
    numbers: tuple[int | None, ...]
    #: merge or un-merge of customers up to which they count; None: none does
    merges: int | None = None

    @classmethod
    def before(cls, instant: datetime) -> Seen:
        """The committed states, seen before an instant."""
        return cls(
            instant=instant,
            numbers=tuple(datasets.head(name) for name in DATASETS),
            merges=merged.newest_number(),
        )

    def table(self, name: str) -> Table:
        """One dataset in the state that is read."""
        return merged.read(name, self.numbers[DATASETS.index(name)], self.merges)


def band_of(baskets: pl.Expr) -> pl.Expr:
    """Affinity band of a number of baskets."""
    steps = [(baskets >= edge).cast(pl.Int64) for edge in BAND_EDGES[1:]]
    return pl.sum_horizontal(steps)


def purchases(seen: Seen, categories: Sequence[str]) -> pl.DataFrame:
    """Baskets of the look-back by customer and category.

    Returns:
        `customer_id`, `category`, `baskets`, `spend_minor`, `spend_squared` (sum of the squares
        of what each basket spent on the category), `recent` (baskets of the affinity's days).
    """
    recent = _literal(seen.instant - timedelta(days=AFFINITY_DAYS))
    since = _literal(seen.instant - timedelta(days=LOOKBACK_DAYS))
    baskets = _baskets(seen).filter(
        lambda basket: basket.category.isin(sorted(set(categories)) or [""]),
        lambda basket: basket.ordered_at >= since,
    )
    spent = baskets.spend_minor.cast("float64")
    query = baskets.group_by("customer_id", "category").aggregate(
        baskets=baskets.count().cast("int64"),
        spend_minor=spent.sum(),
        spend_squared=(spent * spent).sum(),
        recent=(baskets.ordered_at >= recent).sum().cast("int64"),
    )
    return datasets.warehouse().polars(query)


def first_seen(seen: Seen) -> pl.DataFrame:
    """`customer_id` and `observed_days`: days of the look-back since the first purchase."""
    lines = _sales(seen)
    query = lines.group_by("customer_id").aggregate(first=lines.ordered_at.min())
    age = pl.lit(seen.instant) - pl.col("first")
    days = age.dt.total_seconds() / 86_400
    return (
        datasets.warehouse()
        .polars(query)
        .select("customer_id", observed_days=days.clip(0.0, float(LOOKBACK_DAYS)))
    )


def answers(seen: Seen) -> pl.DataFrame:
    """How many offers of ended contacts were taken up, by category and affinity when contacted.

    Returns:
        `category`, `band`, `offered` (customers × contacts with an offer in the category),
        `taken` (of those, how many redeemed one); contacts that may still be answered are left out.
    """
    offered = _offered(seen)
    taken = _taken(seen)
    baskets = _baskets(seen)
    known = offered.left_join(
        baskets,
        [
            offered.customer_id == baskets.customer_id,
            offered.category == baskets.category,
            baskets.ordered_at < offered.contacted_at,
            baskets.ordered_at >= offered.contacted_at - ibis.interval(days=AFFINITY_DAYS),
        ],
    ).select(
        customer_id=offered.customer_id,
        campaign_id=offered.campaign_id,
        category=offered.category,
        basket=baskets.ordered_at,
    )
    keys = ("customer_id", "campaign_id", "category")
    counted = known.group_by(*keys).aggregate(baskets=known.basket.count().cast("int64"))
    marked = counted.left_join(taken, list(keys)).select(
        category=counted.category, baskets=counted.baskets, redeemed=taken.redeemed
    )
    query = marked.group_by("category", "baskets").aggregate(
        offered=marked.count().cast("int64"), taken=marked.redeemed.count().cast("int64")
    )
    frame = datasets.warehouse().polars(query)
    return (
        frame.with_columns(band=band_of(pl.col("baskets")))
        .group_by("category", "band")
        .agg(pl.col("offered", "taken").sum())
        .sort("category", "band")
    )


def contacted_customers(seen: Seen) -> int:
    """How many customers had any contact that has ended."""
    contacts = _ended_contacts(seen)
    count = datasets.warehouse().polars(contacts.aggregate(n=contacts.customer_id.nunique()))
    return int(count["n"][0])


def _literal(instant: datetime) -> Expression:
    return ibis.literal(instant, type="timestamp('UTC')")


def _sales(seen: Seen) -> Table:
    lines = seen.table("order_lines")
    return lines.filter(lines.ordered_at < _literal(seen.instant), lines.kind == "sale")


def _baskets(seen: Seen) -> Table:
    """One row an order and category."""
    lines, products = _sales(seen), seen.table("products")
    named = lines.join(products, "product_id").select(
        "customer_id", "order_id", "category", "ordered_at", "amount_minor"
    )
    return named.group_by("customer_id", "order_id", "category").aggregate(
        ordered_at=named.ordered_at.min(), spend_minor=named.amount_minor.sum()
    )


def _coupon_categories(seen: Seen) -> Table:
    """`offer_ref`, `category`: the category of most of the coupon's products."""
    coupons, products = seen.table("coupon_products"), seen.table("products")
    visible = coupons.filter(coupons.starts_at < _literal(seen.instant))
    pairs = visible.select("offer_ref", "product_id").distinct()
    named = pairs.join(products, "product_id").select("offer_ref", "category")
    counted = named.group_by("offer_ref", "category").aggregate(n=named.count())
    place = ibis.row_number().over(
        group_by=counted.offer_ref, order_by=[counted.n.desc(), counted.category]
    )
    ranked = counted.mutate(place=place)
    return ranked.filter(ranked.place == 0).select("offer_ref", "category")


def _ended_contacts(seen: Seen) -> Table:
    contacts = seen.table("past_contacts")
    end = contacts.ended_at.fill_null(contacts.contacted_at + ibis.interval(days=OUTCOME_DAYS))
    instant = _literal(seen.instant)
    return contacts.filter(contacts.contacted_at < instant, end <= instant)


def _offered(seen: Seen) -> Table:
    coupons, categories = seen.table("coupon_products"), _coupon_categories(seen)
    visible = coupons.filter(coupons.starts_at < _literal(seen.instant))
    pairs = visible.select("offer_ref", "campaign_id").distinct()
    by_campaign = pairs.join(categories, "offer_ref").select("campaign_id", "category").distinct()
    contacts = _ended_contacts(seen)
    joined = contacts.join(by_campaign, "campaign_id")
    return joined.group_by("customer_id", "campaign_id", "category").aggregate(
        contacted_at=joined.contacted_at.min()
    )


def _taken(seen: Seen) -> Table:
    redemptions, categories = seen.table("redemptions"), _coupon_categories(seen)
    visible = redemptions.filter(redemptions.redeemed_at < _literal(seen.instant))
    joined = visible.join(categories, "offer_ref")
    return joined.group_by("customer_id", "campaign_id", "category").aggregate(
        redeemed=joined.count()
    )
