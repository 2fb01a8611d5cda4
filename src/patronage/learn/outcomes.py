"""What did each decided customer do in the window that followed?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import ibis
import polars as pl
from ibis import _

from patronage.access import datasets
from patronage.customize.models import Contact, Decision, DecisionRun
from patronage.differentiate.valuation.history import Horizon, customer_statistics
from patronage.differentiate.valuation.profit import profit_and_loss
from patronage.learn.windows import OutcomeWindow
from patronage.vocabulary.company import Company

_DECISIONS: Final = {
    "decision_id": pl.String,
    "customer_id": pl.String,
    "outcome": pl.String,
    "held_out": pl.Boolean,
    "treatment_id": pl.String,
    "offer_id": pl.String,
    "category": pl.String,
    "contact_cost_minor": pl.Int64,
    "redemption_cost_minor": pl.Int64,
    "face_value_minor": pl.Int64,
}
_SENT: Final = {"decision_id": pl.String, "sent": pl.Boolean, "face_sent_minor": pl.Int64}


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """The committed states of the warehouse that a read-out reads, by dataset."""

    order_lines: int | None
    products: int | None
    redemptions: int | None
    coupon_products: int | None

    @classmethod
    def now(cls) -> History:
        """The states in force."""
        return cls(**{name: datasets.head(name) for name in cls.__slots__})

    def table(self, dataset: str) -> Any:
        """Give one of them as an Ibis table."""
        return datasets.read(dataset, getattr(self, dataset))


def outcomes(
    run: DecisionRun, window: OutcomeWindow, history: History, company: Company
) -> pl.DataFrame:
    """Give one row a decision of the run, by customer id.

    Returns:
        The decision (`decision_id`, `customer_id`, `outcome`, `held_out`, `treatment_id`,
        `offer_id`, `category` of the offer), `sent`, its `cost_minor` if it was sent, and what
        the customer did in the window: `purchases` (orders), `revenue_minor`, `margin_minor`
        (0 for whoever bought nothing, as the history reaches the window's end) and `redeemed`:
        whether a coupon on the chosen offer's category was (NULL where nothing was chosen).
    """
    decided = _decisions(run).join(_sent(run), on="decision_id", how="left")
    profits = _profits(window, history, company)
    taken = redeemed_categories(window, history).with_columns(redeemed=pl.lit(value=True))
    joined = decided.join(profits, on="customer_id", how="left").join(
        taken, on=["customer_id", "category"], how="left"
    )
    face = pl.col("face_sent_minor").fill_null(pl.col("face_value_minor"))
    share = pl.when(pl.col("face_value_minor") > 0).then(face / pl.col("face_value_minor"))
    redemption_cost = (
        (pl.col("redemption_cost_minor") * share.otherwise(1.0)).round().cast(pl.Int64)
    )
    chosen = pl.col("offer_id").is_not_null()
    return (
        joined.with_columns(
            pl.col("purchases", "revenue_minor", "margin_minor").fill_null(0),
            pl.col("sent").fill_null(value=False),
            redeemed=pl.when(chosen).then(pl.col("redeemed").fill_null(value=False)),
        )
        .with_columns(
            cost_minor=pl.when(pl.col("sent"))
            .then(
                pl.col("contact_cost_minor")
                + pl.when(pl.col("redeemed")).then(redemption_cost).otherwise(0)
            )
            .otherwise(0)
        )
        .sort("customer_id")
    )


def redeemed_categories(window: OutcomeWindow, history: History) -> pl.DataFrame:
    """Which customers redeemed a coupon on which category in the window, each pair once."""
    redeemed = history.table("redemptions").filter(
        _.redeemed_at >= _instant(window.starts_at), _.redeemed_at < _instant(window.ends_at)
    )
    pairs = redeemed.inner_join(offer_categories(history), "offer_ref")
    return datasets.warehouse().polars(pairs.select("customer_id", "category").distinct())


def redemptions_before(window: OutcomeWindow, history: History) -> pl.DataFrame:
    """How often coupons on each category were redeemed before the instant decided at."""
    redeemed = history.table("redemptions").filter(_.redeemed_at < _instant(window.starts_at))
    counted = redeemed.inner_join(offer_categories(history), "offer_ref")
    return datasets.warehouse().polars(
        counted.group_by("category").aggregate(redemptions=_.count())
    )


def offer_categories(history: History) -> Any:
    """The category of each coupon: that of most of its products, the first by name among equals."""
    products = history.table("products").select("product_id", "category")
    coupons = history.table("coupon_products").select("offer_ref", "product_id").distinct()
    counts = (
        coupons.inner_join(products, "product_id")
        .group_by("offer_ref", "category")
        .aggregate(products=_.count())
    )
    order = [ibis.desc("products"), ibis.asc("category")]
    ranked = counts.mutate(place=ibis.row_number().over(group_by="offer_ref", order_by=order))
    return ranked.filter(_.place == 0).select("offer_ref", "category")


def _decisions(run: DecisionRun) -> pl.DataFrame:
    rows = Decision.objects.filter(run=run).values_list(
        "id",
        "customer_id",
        "outcome",
        "held_out",
        "treatment_id",
        "treatment__offer_id",
        "treatment__offer__category",
        "treatment__cost_minor",
        "treatment__offer__redemption_cost_minor",
        "treatment__offer__face_value_minor",
    )
    return pl.DataFrame(list(rows), schema=_DECISIONS, orient="row")


def _sent(run: DecisionRun) -> pl.DataFrame:
    """The contacts of the run that went out, with the face value they went out with."""
    rows = Contact.objects.filter(decision__run=run, state="sent").values_list(
        "decision_id", "terms__face_value_minor"
    )
    return pl.DataFrame(
        [(decision_id, True, face) for decision_id, face in rows], schema=_SENT, orient="row"
    )


def _profits(window: OutcomeWindow, history: History, company: Company) -> pl.DataFrame:
    """Revenue and margin in the window by the one definition of profit and loss."""
    lines = history.table("order_lines").filter(_.ordered_at >= _instant(window.starts_at))
    horizon = Horizon(as_of=window.last_day, period_start=window.first_day)
    statistics = customer_statistics(
        lines, history.table("products"), company=company, horizon=horizon
    )
    found = datasets.warehouse().polars(statistics).sort("customer_id")
    # Months as a customer cost the same with and without the contact, and are no outcome of it.
    found = found.with_columns(period_days_kept=pl.lit(0, dtype=pl.Int64))
    return profit_and_loss(found, company).select(
        "customer_id",
        "revenue_minor",
        "margin_minor",
        purchases=pl.col("period_baskets").cast(pl.Int64),
    )


def _instant(at: Any) -> Any:
    return ibis.literal(at, type="timestamp('UTC')")
