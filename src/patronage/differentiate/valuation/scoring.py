"""What is each customer worth, given the models and what the company assumes?"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from patronage.differentiate.valuation.keeping import months_kept
from patronage.science.equity import CustomerValue, customer_value, round_half_even_minor
from patronage.science.lifetime import (
    Calibration,
    GammaGamma,
    LevelCalibration,
    ProbabilityCalibration,
    PurchaseMoments,
    calibrated_purchases,
)
from patronage.science.lifetime.blend import Blend
from patronage.science.lifetime.panel import Seen
from patronage.science.lifetime.purchase_model import PurchaseModel
from patronage.vocabulary.company import Company
from patronage.vocabulary.money import currency_decimals
from patronage.vocabulary.periods import Quarter

Real = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Models:
    """The two models a valuation rests on, and what outcomes said of their level."""

    #: who is still a customer and how often they shop
    purchase: PurchaseModel
    #: what they spend on a shopping day, in major units
    spend: GammaGamma
    #: last day of the data that the purchase model was fitted to: day 0 of the calibration
    fitted_as_of: date
    #: what the expected path is multiplied by, by days since `fitted_as_of`
    calibration: Calibration = field(default_factory=Calibration.identity)
    #: of the probability of buying in the next quarter
    buying: ProbabilityCalibration = field(default_factory=ProbabilityCalibration.identity)
    #: where the bounds of a customer's value are cut
    spend_levels: LevelCalibration = field(default_factory=LevelCalibration.identity)
    #: what joins the purchase model in saying who buys in the next quarter, having won backtests
    #: of that; of value and expected margin it says nothing
    challenger: Blend | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """From when and how far ahead value is counted, at which rate, and in which unit."""

    #: the last date seen
    as_of: date
    #: horizon of long-term value, days
    horizon_days: int
    #: annual effective discount rate
    annual_discount_rate: float
    #: days of the calendar quarter after the one of the as-of date
    next_quarter_days: int
    #: minor units in a major unit of the currency
    minor_per_major: int

    @classmethod
    def of(cls, company: Company, as_of: date) -> Self:
        """What the company assumes, for a valuation as of this date."""
        following = Quarter(as_of.year, (as_of.month + 2) // 3).next
        return cls(
            as_of=as_of,
            horizon_days=company.horizon_days,
            annual_discount_rate=company.annual_discount_rate,
            next_quarter_days=(following.last_day - following.first_day).days + 1,
            minor_per_major=10 ** currency_decimals(company.currency),
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Histories:
    """What the models know of each customer; arrays of shape (customers,)."""

    #: repeat shopping days
    frequency: Real
    #: days from the first to the last shopping day
    recency: Real
    #: days from the first shopping day to the as-of date
    age: Real
    #: net spend per repeat shopping day, major units; not read where frequency is 0
    average_spend: Real
    #: margin as a share of spend
    margin_rate: Real
    #: cost to serve one shopping day, major units
    serve: Real
    #: cost of a month as a customer however often they buy, major units
    keeping: Real | float = 0.0

    @property
    def past(self) -> tuple[Real, Real, Real]:
        """What the purchase model reads: frequency, recency, age."""
        return self.frequency, self.recency, self.age

    @classmethod
    def of(cls, frame: pl.DataFrame, minor_per_major: int) -> Self:
        """From columns named as in the dataset `valuations`."""
        average = frame["average_spend_minor"].fill_null(0.0).to_numpy()
        return cls(
            frequency=frame["frequency"].cast(pl.Float64).to_numpy(),
            recency=frame["recency_days"].to_numpy(),
            age=frame["age_days"].to_numpy(),
            average_spend=average / minor_per_major,
            margin_rate=frame["margin_rate"].to_numpy(),
            serve=frame["cost_to_serve_minor"].to_numpy() / minor_per_major,
            keeping=frame["keeping_minor"].fill_null(0.0).to_numpy() / minor_per_major,
        )

    def margin_per_day(self, spend: GammaGamma) -> Real:
        """Expected margin of one future shopping day, major units."""
        expected = spend.expected_spend(self.frequency, self.average_spend)
        margin: Real = expected * self.margin_rate - self.serve
        return margin


def model_columns(statistics: pl.DataFrame, as_of: date) -> pl.DataFrame:
    """Add what the models read: frequency, recency, age, and average spend per repeat day.

    A customer whose returns leave nothing of their repeat spend counts with one minor unit a day,
    the least that the spend model can take.
    """
    frequency = pl.col("days") - 1
    return statistics.with_columns(
        frequency=frequency,
        recency_days=(pl.col("last_day") - pl.col("first_day")).dt.total_days().cast(pl.Float64),
        age_days=(pl.lit(as_of) - pl.col("first_day")).dt.total_days().cast(pl.Float64),
        average_spend_minor=pl.when(frequency > 0).then(
            (pl.col("later_minor") / frequency).clip(lower_bound=1.0)
        ),
    )


def score(histories: Histories, models: Models, window: Window) -> pl.DataFrame:
    """Score every customer; one row each, in the order given.

    Returns:
        `probability_alive`, `probability_of_purchase` and `expected_purchases` (shopping days) of
        the next quarter, `expected_margin_minor` of the next quarter (nominal), `value_minor` over
        the horizon (discounted) with the bounds of its 90 % interval. All of them but
        `probability_alive` are on the calibrated path.
    """
    past = (histories.frequency, histories.recency, histories.age)
    quarter = window.next_quarter_days
    end = window.as_of + timedelta(days=quarter)
    purchases = expected_purchases(histories, models, seen_on=window.as_of, until=end)
    long_term = worth(histories, models, window)
    margin = purchases * histories.margin_per_day(models.spend)
    margin = margin - keeping_cost(histories, models, seen_on=window.as_of, until=end)
    value, low, high, expected = (
        round_half_even_minor(amounts, minor_per_major=window.minor_per_major)
        for amounts in (long_term.value, long_term.low, long_term.high, margin)
    )
    buys = models.purchase.probability_of_purchase(*past, horizon_days=quarter)
    return pl.DataFrame(
        {
            "probability_alive": models.purchase.probability_alive(*past),
            "probability_of_purchase": models.buying.apply(buys),
            "expected_purchases": purchases,
            "expected_margin_minor": expected,
            "value_minor": value,
            "value_low_minor": low,
            "value_high_minor": high,
        }
    )


def who_buys(models: Models, window: Window, seen: Seen | None) -> Real:
    """The probability of buying in the next quarter where a challenger joins in, by customer.

    It was judged beside the model of everybody, whichever a portfolio chose for itself.

    Args:
        seen: all customers, on the as-of date.
    """
    if models.challenger is None or seen is None:
        raise ValueError("who buys is asked of a challenger and the days of each customer")
    return models.challenger.probability_of_purchase(
        seen, models.purchase, models.buying, horizon_days=window.next_quarter_days
    )


def expected_margin(
    histories: Histories,
    models: Models,
    *,
    seen_on: date,
    after: date,
    until: date,
    annual_discount_rate: float,
) -> Real:
    """The margin that each customer is expected to bring in (after, until], on the calibrated path.

    Args:
        histories: as of `seen_on`.
        seen_on: the last date that the histories see, on or after the date of the fit.
        after, until: the window, `seen_on` <= `after` <= `until`; an empty one brings nothing.
        annual_discount_rate: effective, discounted to `seen_on`; 0.0 gives nominal amounts.

    Returns:
        Major units, shape (customers,). Windows add up.

    Raises:
        InvalidWindow: the dates are in another order.
    """
    purchases = expected_purchases(
        histories,
        models,
        seen_on=seen_on,
        after=after,
        until=until,
        annual_discount_rate=annual_discount_rate,
    )
    earned = purchases * histories.margin_per_day(models.spend)
    margin: Real = earned - keeping_cost(
        histories,
        models,
        seen_on=seen_on,
        after=after,
        until=until,
        annual_discount_rate=annual_discount_rate,
    )
    return margin


def keeping_cost(
    histories: Histories,
    models: Models,
    *,
    seen_on: date,
    until: date,
    after: date | None = None,
    annual_discount_rate: float = 0.0,
) -> Real | float:
    """What keeping each customer as long as they are one costs in (after, until], major units.

    Arguments as in `expected_purchases`. 0.0 where keeping costs nothing.
    """
    if not np.any(histories.keeping):
        return 0.0
    months = months_kept(
        models.purchase,
        histories.past,
        start_days=(after - seen_on).days if after else 0.0,
        horizon_days=(until - seen_on).days,
        annual_discount_rate=annual_discount_rate,
    )
    cost: Real = months * histories.keeping
    return cost


def expected_purchases(
    histories: Histories,
    models: Models,
    *,
    seen_on: date,
    until: date,
    after: date | None = None,
    annual_discount_rate: float = 0.0,
) -> Real:
    """Shopping days expected in (after, until], arguments as in `expected_margin`.

    Without `after`, from `seen_on` on.
    """
    return calibrated_purchases(
        models.purchase,
        models.calibration,
        histories.frequency,
        histories.recency,
        histories.age,
        start_days=(after - seen_on).days if after else 0.0,
        horizon_days=(until - seen_on).days,
        annual_discount_rate=annual_discount_rate,
        offset_days=(seen_on - models.fitted_as_of).days,
    )


def worth(histories: Histories, models: Models, window: Window) -> CustomerValue:
    """Each customer's discounted value over the horizon with its spread, in major units.

    The bounds are cut where earlier outcomes of a quarter's spend say, so that they hold 90 % of
    what comes. What keeping them costs is taken off at its expectation, from the bounds as well;
    nothing keeps a value from being negative.
    """
    long_run = _calibrated_moments(histories, models, window)
    spend, spent = models.spend, (histories.frequency, histories.average_spend)
    spread = _spread_of_averages(histories)
    earned = customer_value(
        expected_purchases=long_run.mean,
        purchase_variance=long_run.variance,
        probability_of_purchase=long_run.probability_of_purchase,
        mean_squared_discount=long_run.mean_squared_discount,
        expected_spend=spend.expected_spend(*spent),
        spend_variance=_finite(spend.spend_variance(*spent), spread),
        purchase_spend_variance=_finite(spend.purchase_spend_variance(*spent), spread),
        margin_rate=histories.margin_rate,
        cost_to_serve_per_purchase=histories.serve,
        level_below=models.spend_levels.at,
    )
    kept = keeping_cost(
        histories,
        models,
        seen_on=window.as_of,
        until=window.as_of + timedelta(days=window.horizon_days),
        annual_discount_rate=window.annual_discount_rate,
    )
    return replace(
        earned, value=earned.value - kept, low=earned.low - kept, high=earned.high - kept
    )


def _calibrated_moments(histories: Histories, models: Models, window: Window) -> PurchaseMoments:
    """The moments of the discounted number of purchases in the horizon, on the calibrated path.

    Where the path is multiplied, on average by k over the customer's horizon, so is the number of
    purchases given rate and lifetime: what is not known of these grows with k², the noise of single
    purchases with k. Whether the customer ever comes back in the horizon rests on whether they are
    still one, which the calibration does not touch.
    """
    raw = models.purchase.purchase_moments(
        histories.frequency,
        histories.recency,
        histories.age,
        horizon_days=window.horizon_days,
        annual_discount_rate=window.annual_discount_rate,
    )
    if models.calibration.is_identity:
        return raw
    end = window.as_of + timedelta(days=window.horizon_days)
    mean = expected_purchases(
        histories,
        models,
        seen_on=window.as_of,
        until=end,
        annual_discount_rate=window.annual_discount_rate,
    )
    times = np.divide(mean, raw.mean, out=np.ones_like(mean), where=raw.mean > 0)
    noise = raw.mean_squared_discount
    return PurchaseMoments(
        mean=mean,
        variance=np.maximum(times**2 * (raw.variance - noise) + times * noise, 0.0),
        mean_squared_discount=times * noise,
        probability_of_purchase=raw.probability_of_purchase,
    )


def _spread_of_averages(histories: Histories) -> float:
    """Variance of the average spend over customers who came back."""
    repeated = histories.average_spend[histories.frequency > 0]
    return float(np.var(repeated)) if repeated.size else 0.0


def _finite(variance: Real, spread: float) -> Real:
    """Where a heavy tail leaves the model without a variance, the spread seen in the base."""
    replaced: Real = np.where(np.isfinite(variance), variance, spread)
    return replaced
