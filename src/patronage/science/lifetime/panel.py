"""What did each customer do on which day, and what of it could be seen on a given day?

A panel is the one door between a history and a backtest: `seen` gives what was known at the end of
a day and reads nothing later, `outcome` what happened in a window after it.
"""

from dataclasses import dataclass, fields, replace
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from patronage.science.lifetime.errors import InvalidWindow
from patronage.science.lifetime.histories import FloatArray, as_columns, refuse_rows

IntArray = NDArray[np.int64]

#: days of the quarter that facts look back on
QUARTER_DAYS: Final = 91
#: a customer's margin rate is pulled to the base's with the weight of so many average days
PRIOR_DAYS: Final = 5.0
#: least average spend, a cent: spend models take nothing that is not above 0
SMALLEST_SPEND: Final = 0.01
#: the largest number of a customer; memory grows with it
MOST_CUSTOMERS: Final = 100_000_000
_FURTHEST_DAY: Final = 1e9


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Seen:
    """What was known of each customer at the end of a day; arrays of shape (customers,)."""

    #: the day
    day: int
    #: rows of the panel's customers, those whose first purchase had been seen
    customer: IntArray
    #: x, repeat purchase days
    frequency: FloatArray
    #: t_x, days from the first to the last of them
    recency: FloatArray
    #: T, days from the first to this day
    age: FloatArray
    #: spend per repeat purchase day, at least `SMALLEST_SPEND`; 0 without a repeat purchase
    average_spend: FloatArray
    #: margin as a share of spend, pulled towards the base's
    margin_rate: FloatArray
    #: spend to that day, net of returns, the first purchase's and what came back on other days
    #: included; may be below 0
    spend: FloatArray
    #: purchase days of the last `QUARTER_DAYS`
    quarter_days: FloatArray
    #: weeks of that quarter with a purchase, counted back from the day
    quarter_weeks: FloatArray
    #: purchase days of the quarter before that
    earlier_days: FloatArray
    #: purchase days of the last 28
    month_days: FloatArray
    #: spend of the last `QUARTER_DAYS`
    quarter_spend: FloatArray
    #: spend of the quarter before that
    earlier_spend: FloatArray
    #: purchase days of the last 7
    week_days: FloatArray

    @property
    def past(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """What a purchase model reads."""
        return self.frequency, self.recency, self.age

    def of(self, customers: IntArray) -> "Seen":
        """What was known of these of them, shape and order as given.

        Raises `LookupError` where one of them had not bought by the day.
        """
        rows = np.searchsorted(self.customer, customers)
        found = rows < self.customer.size
        if not (found.all() and np.array_equal(self.customer[rows], customers)):
            unseen = (
                customers[~found]
                if not found.all()
                else customers[self.customer[rows] != customers]
            )
            raise LookupError(
                f"Customer {unseen[0]} had not bought by day {self.day}; nothing was known of them."
            )
        names = (each.name for each in fields(self) if each.name != "day")
        return replace(self, **{name: getattr(self, name)[rows] for name in names})


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Outcome:
    """What customers did in a window; arrays of shape (customers,)."""

    #: purchase days
    purchases: FloatArray
    #: spend
    spend: FloatArray
    #: margin
    margin: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Panel:
    """One row a customer and day on which something moved, sorted; arrays of shape (rows,)."""

    #: 0 to customers - 1
    customer: IntArray
    #: day number, on any calendar
    day: IntArray
    #: net spend of the day
    spend: FloatArray
    #: margin of the day
    margin: FloatArray
    #: 1 on purchase days, 0 where something was only taken back
    bought: FloatArray
    #: customers
    customers: int
    #: first purchase day of each customer, shape (customers,); far away where there is none
    first_day: IntArray

    @classmethod
    def of(
        cls,
        *,
        customer: ArrayLike,
        day: ArrayLike,
        spend: ArrayLike,
        margin: ArrayLike | None = None,
        bought: ArrayLike | None = None,
    ) -> "Panel":
        """Sort and check a history, one row a customer and day on which something moved.

        Arguments, shape (rows,): `customer`, whole numbers from 0; `day`, whole numbers; `spend`
        and `margin` of the day, finite, margin being the spend where it is not given; `bought`, 1
        on purchase days and 0 where goods only came back, each row a purchase where it is not
        given. Customers without a purchase have no history and are never seen.

        Memory grows with the largest `customer`: number them without gaps.

        Raises `InconsistentHistory`, naming the first rows as given: fractions, missing or infinite
        values, a customer above a hundred million, two rows of a customer and day.
        """
        who, when, spent, earned, purchase = as_columns(
            customer=customer,
            day=day,
            spend=spend,
            margin=spend if margin is None else margin,
            bought=1.0 if bought is None else bought,
        )
        order = np.lexsort((when, who))
        _refuse_rows_of_panel(who, when, spent, earned, purchase, order)
        number, date = who[order].astype(np.int64), when[order].astype(np.int64)
        spent, earned = spent[order], earned[order]
        purchase = (purchase[order] > 0).astype(np.float64)
        customers = int(number[-1]) + 1
        first = np.full(customers, np.iinfo(np.int64).max)
        np.minimum.at(first, number[purchase > 0], date[purchase > 0])
        return cls(
            customer=number,
            day=date,
            spend=spent,
            margin=earned,
            bought=purchase,
            customers=customers,
            first_day=first,
        )

    def seen(self, day: int) -> Seen:
        """What was known at the end of a day, of those who had bought by then.

        Raises `InvalidWindow` where nobody had.
        """
        rows = self.day <= day
        if not (self.first_day <= day).any():
            raise InvalidWindow(f"Nobody had bought by day {day}; the first purchase is later.")
        who, when, spent = self.customer[rows], self.day[rows], self.spend[rows]
        bought = self.bought[rows]
        count = self._sum(who, bought)
        known = np.flatnonzero(count)
        last = np.zeros(self.customers, dtype=np.int64)
        # Rows are sorted by day, so that the newest purchase stays.
        last[who[bought > 0]] = when[bought > 0]
        first_spend = np.zeros(self.customers)
        opening = when == self.first_day[who]
        first_spend[who[opening]] = spent[opening]
        total = self._sum(who, spent)
        repeats = count - 1
        later = np.divide(total - first_spend, repeats, out=np.zeros_like(total), where=repeats > 0)
        rate = _margin_rate(total, self._sum(who, self.margin[rows]), count)

        def within(after: int, until: int, amount: FloatArray = bought) -> FloatArray:
            inside = (when > after) & (when <= until)
            return self._sum(who[inside], amount[inside])[known]

        quarter, before = day - QUARTER_DAYS, day - 2 * QUARTER_DAYS
        lately = (when > quarter) & (bought > 0)
        weeks = QUARTER_DAYS // 7
        in_weeks = np.unique(who[lately] * weeks + (day - when[lately]) // 7) // weeks
        return Seen(
            day=day,
            customer=known,
            frequency=repeats[known],
            recency=(last - self.first_day)[known].astype(np.float64),
            age=(day - self.first_day)[known].astype(np.float64),
            average_spend=np.where(repeats > 0, np.maximum(later, SMALLEST_SPEND), 0.0)[known],
            margin_rate=rate[known],
            spend=total[known],
            quarter_days=within(quarter, day),
            quarter_weeks=self._sum(in_weeks, np.ones(in_weeks.size))[known],
            earlier_days=within(before, quarter),
            month_days=within(day - 28, day),
            quarter_spend=within(quarter, day, spent),
            earlier_spend=within(before, quarter, spent),
            week_days=within(day - 7, day),
        )

    def outcome(self, seen: Seen, *, after: int, until: int) -> Outcome:
        """What those seen did in (after, until].

        A day without a row is one on which nobody did anything, also beyond the last row: ask for
        windows that were observed to their end (`rolling_origins` gives days that were).

        Raises `InvalidWindow` for a window that begins before the day they were seen on.
        """
        if not seen.day <= after <= until:
            raise InvalidWindow(
                f"An outcome lies after the day it is forecast on ({seen.day}), found the window "
                f"({after}, {until}]."
            )
        rows = (self.day > after) & (self.day <= until)
        who = self.customer[rows]
        return Outcome(
            purchases=self._sum(who, self.bought[rows])[seen.customer],
            spend=self._sum(who, self.spend[rows])[seen.customer],
            margin=self._sum(who, self.margin[rows])[seen.customer],
        )

    def _sum(self, who: IntArray, amount: FloatArray) -> FloatArray:
        sums: FloatArray = np.zeros(self.customers)
        sums += np.bincount(who, weights=amount, minlength=self.customers)
        return sums


def _refuse_rows_of_panel(
    who: FloatArray,
    when: FloatArray,
    spent: FloatArray,
    earned: FloatArray,
    purchase: FloatArray,
    order: NDArray[np.intp],
) -> None:
    """Raise `InconsistentHistory` for rows that are no history; `order` sorts by customer, day."""
    twice = np.zeros(who.size, dtype=np.bool_)
    twice[order[1:]] = (np.diff(who[order]) == 0) & (np.diff(when[order]) == 0)
    whole = (who >= 0) & (who == np.floor(who))
    refuse_rows(
        [
            (
                f"customer must be a whole number from 0 to {MOST_CUSTOMERS:,}.",
                ~(whole & (who <= MOST_CUSTOMERS)),
            ),
            (
                "day must be a whole number of a calendar.",
                ~((when == np.floor(when)) & (np.abs(when) <= _FURTHEST_DAY)),
            ),
            ("spend and margin must be finite.", ~(np.isfinite(spent) & np.isfinite(earned))),
            ("bought must be 0 or above, and not missing.", ~(purchase >= 0)),
            ("A customer has one row a day at most.", twice),
        ],
        customer=who,
        day=when,
        spend=spent,
        margin=earned,
        bought=purchase,
    )


def _margin_rate(spend: FloatArray, margin: FloatArray, days: FloatArray) -> FloatArray:
    """Each customer's margin per unit of spend, a short history counting for little."""
    total = float(spend.sum())
    base = min(max(float(margin.sum()) / total, -1.0), 1.0) if total > 0 else 0.0
    prior = PRIOR_DAYS * max(total, 0.0) / max(float(days.sum()), 1.0)
    known = np.maximum(spend, 0.0)
    own = np.clip(np.divide(margin, spend, out=np.full_like(spend, base), where=spend > 0), -1, 1)
    weight = np.maximum(known + prior, 1e-12)
    pulled: FloatArray = (own * known + base * prior) / weight
    return pulled
