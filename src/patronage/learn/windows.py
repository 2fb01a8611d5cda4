"""Which time follows a decision, and does the history reach its end?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from patronage.access import datasets
from patronage.vocabulary.periods import BusinessCalendar

#: Business days that an outcome is waited for: a quarter.
WINDOW_DAYS: Final = 91


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeWindow:
    """The business dates that follow the date decided for."""

    #: the date decided for
    as_of: date
    calendar: BusinessCalendar

    @property
    def first_day(self) -> date:
        """The first date inside."""
        return self.as_of + timedelta(days=1)

    @property
    def last_day(self) -> date:
        """The last date inside."""
        return self.as_of + timedelta(days=WINDOW_DAYS)

    @property
    def starts_at(self) -> datetime:
        """The first instant inside: the one decided at."""
        return self.calendar.end_of_day(self.as_of)

    @property
    def ends_at(self) -> datetime:
        """The first instant after it."""
        return self.calendar.end_of_day(self.last_day)


def history_ends(order_lines: int | None) -> datetime | None:
    """Give the instant of the newest order line; None where there is no history.

    Args:
        order_lines: number of the dataset's state.
    """
    lines = datasets.read("order_lines", order_lines)
    found = datasets.warehouse().arrow(lines.aggregate(newest=lines.ordered_at.max()))
    newest: datetime | None = found["newest"][0].as_py()
    return newest


def is_over(window: OutcomeWindow, newest: datetime | None, now: datetime) -> bool:
    """Whether the window has passed and the history has something from its last date or later.

    A retailer sells every day, so that a last date without any line is one not brought in yet.
    """
    if newest is None or window.ends_at > now:
        return False
    return window.calendar.date_of(newest) >= window.last_day
