"""A clock that runs faster in busy seasons, for models that know no seasons.

If everybody's purchase rate in a period of the year is a factor times their usual rate, purchases
are those of a model without seasons in *operational* time: the sum of the factors of the days
passed. So histories are told in operational days before fitting, and windows when scoring. Factors
average 1 over a year, so that a year has as many operational as calendar days and parameters keep
their meaning.

What it does to dropout: the clock is one for both processes, so that a customer is as likely to
leave in an *operational* day, hence more likely in a calendar day of a busy period (one leaves
after a visit, not after a silence). Over whole years nothing changes; within a year the expected
lifetime is moved by no more than the clock's lead over the calendar. Discounting in operational
days is off by the same lead.

Sources: a Poisson process with a proportional intensity is a homogeneous one in its own cumulative
intensity, Cox and Lewis (1966), *The Statistical Analysis of Series of Events*; estimated as a
log-linear model for counts, McCullagh and Nelder (1989), *Generalized Linear Models*, with the
dispersion of section 6.2. Assumptions: the factors are everybody's and recur every year.
"""

import math
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from patronage.science.lifetime.errors import InconsistentHistory, InvalidParameter, InvalidWindow
from patronage.science.lifetime.histories import FloatArray, refuse_rows
from patronage.science.lifetime.season_counts import log_linear_seasons, validated_counts
from patronage.science.lifetime.windows import Window

Period = Literal["month", "week"]
Days = NDArray[np.datetime64]

_PERIODS: Final[dict[int, Period]] = {12: "month", 52: "week"}
_LEAP_SHARE: Final = 97.0 / 400.0
_EXTREME: Final = (np.datetime64("1600-01-01"), np.datetime64("2600-01-01"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Seasons:
    """How busy each period of the year is; immutable."""

    #: 12 months, or 52 weeks from 1 January of which the last has one or two days more
    factors: tuple[float, ...]
    #: standard errors of the factors; None where they were declared
    standard_errors: tuple[float, ...] | None = None

    @classmethod
    def from_factors(cls, factors: ArrayLike) -> "Seasons":
        """Declare the factors of 12 months or 52 weeks, on any scale: they are made to average 1.

        Raises `InvalidParameter` for another number of them, and unless all are finite, above 0.
        """
        given = np.asarray(factors, dtype=np.float64)
        if given.ndim != 1 or given.size not in _PERIODS:
            raise InvalidParameter(
                f"Seasons need 12 factors (months) or 52 (weeks), found shape {given.shape}."
            )
        broken = np.flatnonzero(~(np.isfinite(given) & (given > 0)))
        if broken.size:
            raise InvalidParameter(
                f"Factors must be finite and above 0, found {given[broken[0]]} in period "
                f"{broken[0] + 1}. A closed period needs a small factor, such as 0.01."
            )
        return cls(factors=tuple((given / (days_a_year(given.size) @ given)).tolist()))

    @classmethod
    def estimate(
        cls,
        counts: ArrayLike,
        *,
        first_day: date,
        period: Period = "month",
        exposure: ArrayLike | None = None,
    ) -> "Seasons":
        """Estimate the factors from daily counts, with the trend removed.

        Arguments: `counts`, purchases on each day from `first_day` on, shape (days,), not negative;
        `exposure`, what they are expected to be proportional to apart from seasons (customers known
        on the day, or `expected_repeat_purchases` of a model without seasons, which a base that
        grows from nothing needs), above 0, None for a constant. The trend beside it is a line in
        logarithms that may bend once a year, so that it cannot take a season's place.

        Raises `InconsistentHistory`, naming the first offending days; `NotIdentified` for less than
        two years, in which season and trend are one, and for a period without a purchase.
        """
        y, offset = validated_counts(counts, exposure)
        size = {name: number for number, name in _PERIODS.items()}.get(period)
        if size is None:
            raise InvalidParameter(f"A period must be 'month' or 'week', found {period!r}.")
        days = _one_day(first_day) + np.arange(y.size)
        found = log_linear_seasons(y, offset, period_of_year(days, size), days_a_year(size))
        return cls(
            factors=tuple(found.factors.tolist()),
            standard_errors=tuple(found.standard_errors.tolist()),
        )

    def factors_on(self, days: ArrayLike) -> FloatArray:
        """Factor of each day, given as `datetime64[D]` or dates, none missing; same shape."""
        when = as_days(days)
        return np.array(self.factors)[period_of_year(when, len(self.factors))]

    def operational_days(self, start: ArrayLike, end: ArrayLike) -> FloatArray:
        """Operational days in (start, end], negative where end is before start.

        Arguments: dates or `datetime64[D]`, broadcast against each other; missing dates refused.
        Raises `InvalidWindow` for a day before 1600 or after 2600.
        """
        first, last = _together(start=start, end=end)
        if first.size == 0:
            return np.zeros(first.shape)
        low = min(first.min(), last.min())
        high = max(first.max(), last.max())
        passed = self._clock(low, high)
        day = np.timedelta64(1, "D")
        elapsed: FloatArray = passed[(last - low) // day] - passed[(first - low) // day]
        return elapsed

    def operational_histories(
        self,
        *,
        first: ArrayLike,
        last: ArrayLike,
        end: ArrayLike,
        whole_days: bool = False,
    ) -> tuple[FloatArray, FloatArray]:
        """Recency and age in operational days, for `Cells.from_customers` and for scoring.

        Arguments, shape (customers,): days of the `first` and the `last` purchase, and the `end` of
        observation (one day for all, or one each). `whole_days` rounds, so that histories fall into
        few cells; a purchase after the first then counts at least one day.

        Raises `InconsistentHistory`, naming rows whose days are out of order.
        """
        begin, latest, until = _together(first=first, last=last, end=end)
        number = [column.ravel().astype(np.float64) for column in (begin, latest, until)]
        disorder = (number[1] < number[0]) | (number[2] < number[1])
        refuse_rows(
            [("first must not be after last, nor last after end (days since 1970).", disorder)],
            first=number[0],
            last=number[1],
            end=number[2],
        )
        recency = self.operational_days(begin, latest)
        age = self.operational_days(begin, until)
        if whole_days:
            recency = np.where(recency > 0, np.maximum(np.rint(recency), 1.0), 0.0)
            age = np.maximum(np.rint(age), recency)
        return recency, age

    def operational_window(
        self, end: date, *, horizon_days: float, start_days: float = 0.0
    ) -> tuple[float, float]:
        """A window after `end` in operational days: (start, horizon), for the models' answers.

        Raises `InvalidWindow` unless 0 <= start_days <= horizon_days, and for a day after 2600.
        """
        window = Window.of(horizon_days=horizon_days, start_days=start_days)
        first = _one_day(end)
        passed = self._clock(first, first + np.timedelta64(math.ceil(window.horizon_days), "D"))
        at = np.interp([start_days, horizon_days], np.arange(passed.size), passed)
        return float(at[0]), float(at[1])

    def _clock(self, low: np.datetime64, high: np.datetime64) -> FloatArray:
        """Operational days passed since `low` at the end of each day up to `high`."""
        if low < _EXTREME[0] or high > _EXTREME[1]:
            raise InvalidWindow(
                f"Seasons are known between {_EXTREME[0]} and {_EXTREME[1]}, found {low} to {high}."
            )
        after = np.arange(low + 1, high + 1)
        return np.concatenate(([0.0], np.cumsum(self.factors_on(after))))


def as_days(days: ArrayLike) -> Days:
    """Dates as `datetime64[D]`. Raises `InconsistentHistory` for a missing one, and for numbers."""
    if np.asarray(days).size and np.asarray(days).dtype.kind in "biufc":
        raise InconsistentHistory(
            f"Days must be dates, found numbers ({np.asarray(days).dtype}): write '2020-01-31', "
            "or convert with astype('datetime64[D]') if they count from 1 January 1970."
        )
    try:
        when = np.asarray(days, dtype="datetime64[D]")
    except (TypeError, ValueError) as error:
        raise InconsistentHistory(f"Days must be dates: {error}.") from error
    missing = np.flatnonzero(np.isnat(when))
    if missing.size:
        raise InconsistentHistory(
            f"Days must not be missing: {missing.size} of {when.size} are, the first in row "
            f"{missing[0]}. Leave out these rows."
        )
    return when


def _one_day(day: ArrayLike | date) -> np.datetime64:
    """A single date. Raises `InconsistentHistory` for none, a missing one or several."""
    when = as_days(np.asarray(day))
    if when.ndim:
        raise InconsistentHistory(f"Expected one date, found shape {when.shape}.")
    one: np.datetime64 = when.reshape(1)[0]
    return one


def _together(**columns: ArrayLike) -> list[Days]:
    """Columns of dates of one shape. Raises `InconsistentHistory` where there is none."""
    days = {name: as_days(column) for name, column in columns.items()}
    try:
        return list(np.broadcast_arrays(*days.values()))
    except ValueError as error:
        shapes = {name: column.shape for name, column in days.items()}
        raise InconsistentHistory(f"Days must be equally many, found shapes {shapes}.") from error


def period_of_year(days: Days, periods: int) -> NDArray[np.intp]:
    """Month (periods 12) or week (periods 52) of the year, from 0."""
    months = days.astype("datetime64[M]")
    if periods == 12:
        return months.astype(np.intp) % 12
    in_year = (days - days.astype("datetime64[Y]").astype("datetime64[D]")).astype(np.intp)
    week: NDArray[np.intp] = np.minimum(in_year // 7, periods - 1)
    return week


def days_a_year(periods: int) -> FloatArray:
    """Share of an average year's days in each period; sums to 1."""
    common, leap = (
        np.bincount(
            period_of_year(
                np.arange(f"{year}-01-01", f"{year + 1}-01-01", dtype="datetime64[D]"), periods
            ),
            minlength=periods,
        )
        for year in (2023, 2024)
    )
    days = (1.0 - _LEAP_SHARE) * common + _LEAP_SHARE * leap
    share: FloatArray = days / days.sum()
    return share
