"""What did a frozen valuation say of the quarter after it, and what came? The system grades itself.

A valuation as of the last day of a quarter says for every customer how likely they buy in the next
one, on how many days, and with which margin. Once that quarter is valued too, what came is known,
and is compared customer by customer. Nothing is fitted here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from math import sqrt
from typing import Final

import numpy as np
import polars as pl
from django.conf import settings

from patronage.access import datasets
from patronage.access.company import company_of
from patronage.access.roles import Actor, Right
from patronage.access.scope import scope_of
from patronage.differentiate import registry
from patronage.differentiate.models import ValuationRun
from patronage.differentiate.reads.frames import Manifests, newest_first, run_at
from patronage.differentiate.reads.in_sight import in_scope
from patronage.differentiate.valuation.history import customer_days
from patronage.science.evidence import wilson_interval
from patronage.science.lifetime.tracking import expected_repeat_purchases
from patronage.vocabulary.periods import BusinessCalendar

Real = np.ndarray[tuple[int], np.dtype[np.float64]]

#: customers in order of what was said are compared in so many groups of equal size
TENTHS: Final = 10
#: standard deviations on either side of a 90 % interval
_NINETY: Final = 1.6448536269514722


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenth:
    """A tenth of the customers in order of what was said, the least first."""

    number: int
    customers: int
    #: mean of what was said
    expected: float
    #: mean of what came
    happened: float
    #: 90 % interval of the mean, by the spread of what came among these customers
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class QuarterGrade:
    """One quarter as a valuation before it saw it, beside the quarter as it came."""

    run_id: str
    #: date of the valuation: nothing after it was seen
    said_on: date
    #: last day of the quarter
    until: date
    #: such as "2017-Q4"
    quarter: str
    currency: str
    #: who was valued then and is still in sight
    customers: int
    expected_buyers: float
    buyers: int
    #: 90 % interval of the number of buyers, had the probabilities been right
    buyers_low: float
    buyers_high: float
    expected_days: float
    days: int
    expected_margin_minor: int
    margin_minor: int
    #: mean squared error of the probabilities; lower is better
    brier: float
    #: the same for one probability for everybody, the share that came: what knowing nobody gives
    brier_of_base_rate: float
    #: mean distance between what was said and what came over the tenths, weighted by customers
    calibration_error: float
    #: by probability of buying
    buying: tuple[Tenth, ...]
    #: by expected shopping days
    shopping: tuple[Tenth, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackedWeek:
    """Repeat shopping days of everybody since recording began, up to a date."""

    until: date
    expected: float
    happened: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Tracking:
    """The model in use against what happened, week by week, all customers together."""

    run_id: str
    #: date up to which the model saw the history
    fitted_as_of: date
    as_of: date
    weeks: tuple[TrackedWeek, ...]


def quarter_grades(actor: Actor, now: datetime, *, as_of: date | None = None) -> list[QuarterGrade]:
    """Every quarter that was valued before and after, of the customers in scope, oldest first.

    Args:
        as_of: only what was known at the end of this date; everything without it.

    Raises:
        NotAllowed: the actor may not see profitability.
    """
    actor.require(Right.SEE_PROFITABILITY)
    newest: dict[date, ValuationRun] = {}
    for run in newest_first(ValuationRun.objects.select_related("company_version")):
        newest.setdefault(run.as_of, run)
    found = []
    for day in sorted(newest):
        run = newest[day]
        quarter = BusinessCalendar(company_of(run.company_version).time_zone).quarter_of(day)
        after = newest.get(quarter.next.last_day)
        if day != quarter.last_day or after is None or (as_of and after.as_of > as_of):
            continue
        pairs = in_scope(_pairs(run, after), actor, now)
        if len(pairs):
            found.append(_grade(run, after.as_of, str(quarter.next), pairs))
    return found


def tracking(actor: Actor, now: datetime, *, as_of: date | None = None) -> Tracking | None:
    """The purchase model of a valuation against the shopping days of all customers, by week.

    Returns:
        None where nobody was valued, or the actor does not see every customer.

    Raises:
        NotAllowed: the actor may not see profitability.
    """
    actor.require(Right.SEE_PROFITABILITY)
    run = newest_first(ValuationRun.objects.all()).first() if as_of is None else run_at(as_of)
    if run is None or not scope_of(actor, now).everything:
        return None
    return _tracked((str(settings.WAREHOUSE_ROOT), Manifests.of(run).kept(), run.pk))


def _pairs(run: ValuationRun, after: ValuationRun) -> pl.DataFrame:
    state = datasets.head("valuations") or 0
    return _joined((str(settings.WAREHOUSE_ROOT), state, run.pk, after.pk))


@lru_cache(maxsize=8)
def _joined(key: tuple[str, int, str, str]) -> pl.DataFrame:
    """What was said of each customer beside what came; who was erased since is in neither."""
    _root, state, said_id, came_id = key
    rows = datasets.read("valuations", state)
    said = rows.filter(rows.run_id == said_id).select(
        "customer_id", "probability_of_purchase", "expected_purchases", "expected_margin_minor"
    )
    later = rows.filter(rows.run_id == came_id)
    revenue = later.quarter_sales_minor + later.quarter_returns_minor
    costs = later.quarter_cost_of_goods_minor + later.quarter_cost_to_serve_minor
    came = later.select(
        "customer_id", days=later.quarter_visits.cast("int64"), margin_minor=revenue - costs
    )
    return datasets.warehouse().polars(said.inner_join(came, "customer_id").order_by("customer_id"))


def _grade(run: ValuationRun, until: date, quarter: str, pairs: pl.DataFrame) -> QuarterGrade:
    said = pairs["probability_of_purchase"].to_numpy()
    days = pairs["days"].to_numpy()
    bought = (days > 0).astype(np.float64)
    spread = _NINETY * sqrt(float((said * (1 - said)).sum()))
    share = float(bought.mean())
    buying = _tenths(said, bought, _of_share)
    return QuarterGrade(
        run_id=run.pk,
        said_on=run.as_of,
        until=until,
        quarter=quarter,
        currency=run.currency,
        customers=len(pairs),
        expected_buyers=float(said.sum()),
        buyers=int(bought.sum()),
        buyers_low=float(said.sum()) - spread,
        buyers_high=float(said.sum()) + spread,
        expected_days=float(pairs["expected_purchases"].sum()),
        days=int(days.sum()),
        expected_margin_minor=int(pairs["expected_margin_minor"].sum()),
        margin_minor=int(pairs["margin_minor"].sum()),
        brier=float(((said - bought) ** 2).mean()),
        brier_of_base_rate=share * (1 - share),
        calibration_error=sum(t.customers * abs(t.expected - t.happened) for t in buying)
        / len(pairs),
        buying=buying,
        shopping=_tenths(pairs["expected_purchases"].to_numpy(), days.astype(np.float64), _of_mean),
    )


def _tenths(
    said: Real, came: Real, interval: Callable[[Real], tuple[float, float]]
) -> tuple[Tenth, ...]:
    order = np.argsort(said, kind="stable")
    parts = [part for part in np.array_split(order, TENTHS) if part.size]
    found = []
    for number, part in enumerate(parts, start=1):
        low, high = interval(came[part])
        found.append(
            Tenth(
                number=number,
                customers=int(part.size),
                expected=float(said[part].mean()),
                happened=float(came[part].mean()),
                low=low,
                high=high,
            )
        )
    return tuple(found)


def _of_share(came: Real) -> tuple[float, float]:
    """Of what came or did not, 1 or 0 each."""
    found = wilson_interval(int(came.sum()), came.size, level=0.9)
    return found.low, found.high


def _of_mean(came: Real) -> tuple[float, float]:
    """The usual interval of a mean; that of one customer is the whole reach from nothing up."""
    mean = float(came.mean())
    if came.size < 2:
        return 0.0, 2 * mean
    half = _NINETY * float(came.std(ddof=1)) / sqrt(came.size)
    return max(mean - half, 0.0), mean + half


@lru_cache(maxsize=2)
def _tracked(key: tuple[str, Manifests, str]) -> Tracking:
    _root, manifests, run_id = key
    run = ValuationRun.objects.select_related("purchase_model").get(pk=run_id)
    company = company_of(run.company_version)
    shopped = customer_days(
        manifests.read("order_lines"),
        manifests.read("products"),
        company=company,
        as_of=run.as_of,
    )
    shopped = shopped.filter(shopped.sale_lines > 0)
    first = shopped.group_by("customer_id").aggregate(first_day=shopped.day.min())
    store = datasets.warehouse()
    joined = store.polars(first.group_by("first_day").aggregate(n=first.count()))
    everyday = store.polars(shopped.group_by("day").aggregate(n=shopped.count()))
    start = joined["first_day"].min()
    length = (run.as_of - start).days + 1  # type: ignore[operator, union-attr]
    new, all_days = np.zeros(length), np.zeros(length)
    new[(joined["first_day"] - start).dt.total_days().to_numpy()] = joined["n"].to_numpy()
    all_days[(everyday["day"] - start).dt.total_days().to_numpy()] = everyday["n"].to_numpy()
    model = registry.purchase_model(run.purchase_model)
    expected = np.cumsum(expected_repeat_purchases(model, new))
    happened = np.cumsum(all_days - new)
    ends = sorted({*range(6, length, 7), length - 1})
    return Tracking(
        run_id=run.pk,
        fitted_as_of=run.purchase_model.as_of,
        as_of=run.as_of,
        weeks=tuple(
            TrackedWeek(
                until=date.fromordinal(start.toordinal() + end),  # type: ignore[union-attr]
                expected=float(expected[end]),
                happened=int(happened[end]),
            )
            for end in ends
        ),
    )
