"""When? Instants, and the company's business dates and quarters."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_INSTANT = timedelta(microseconds=1)


def as_utc(instant: datetime) -> datetime:
    """Give the same instant in UTC; refuse one without a time zone."""
    if not isinstance(instant, datetime) or instant.utcoffset() is None:
        raise ValueError(
            f"{instant!r} is not an instant: expected a datetime with a time zone. "
            "Attach the zone in which it was recorded."
        )
    return instant.astimezone(UTC)


@dataclass(frozen=True, slots=True, order=True)
class Quarter:
    """A calendar quarter: ``Quarter(2017, 4)`` is October to December 2017."""

    year: int
    #: 1 to 4.
    number: int

    def __post_init__(self) -> None:
        if self.number not in (1, 2, 3, 4):
            raise ValueError(f"A year has quarters 1 to 4, found {self.number!r}.")

    @property
    def first_day(self) -> date:
        """The first date of the quarter."""
        return date(self.year, 3 * self.number - 2, 1)

    @property
    def last_day(self) -> date:
        """The last date of the quarter."""
        return self.next.first_day - timedelta(days=1)

    @property
    def next(self) -> Quarter:
        """The quarter that follows."""
        return Quarter(self.year + self.number // 4, self.number % 4 + 1)

    @property
    def previous(self) -> Quarter:
        """The quarter before."""
        return Quarter(self.year - (self.number == 1), (self.number - 2) % 4 + 1)

    def __str__(self) -> str:
        return f"{self.year}-Q{self.number}"


@dataclass(frozen=True, slots=True)
class BusinessCalendar:
    """Turns instants into the company's dates and dates into instants, clock changes included."""

    #: IANA name of the company's zone, such as ``America/New_York``.
    time_zone: str
    _zone: ZoneInfo = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        try:
            object.__setattr__(self, "_zone", ZoneInfo(self.time_zone))
        except (ZoneInfoNotFoundError, ValueError, TypeError, OSError) as error:
            raise ValueError(
                f"{self.time_zone!r} is not a known time zone. "
                "Write an IANA name such as 'America/New_York'."
            ) from error

    def date_of(self, instant: datetime) -> date:
        """Give the company's date at this instant."""
        return as_utc(instant).astimezone(self._zone).date()

    def end_of_day(self, day: date) -> datetime:
        """Give the instant (UTC) at which that date ends: the first one that is no longer in it."""
        following = _plain(day) + timedelta(days=1)
        # Where clocks change at midnight, midnight happens never or twice. The one that counts
        # has the day's date up to it and a later date from it on.
        for fold in (1, 0):
            midnight = datetime.combine(following, time(), self._zone).replace(fold=fold)
            instant = midnight.astimezone(UTC)
            if self.date_of(instant) > day >= self.date_of(instant - _INSTANT):
                return instant
        return self._first_instant_after(day)

    def start_of_day(self, day: date) -> datetime:
        """Give the first instant (UTC) of that date."""
        return self.end_of_day(_plain(day) - timedelta(days=1))

    def quarter_of(self, day: date) -> Quarter:
        """Give the calendar quarter that holds this date."""
        return Quarter(_plain(day).year, (day.month + 2) // 3)

    def previous_quarter_end(self, day: date) -> date:
        """Give the last date of the quarter before the one that holds ``day``."""
        return self.quarter_of(day).previous.last_day

    def _first_instant_after(self, day: date) -> datetime:
        """Search the minute at which clocks jumped over midnight (Toronto, 30 March 1919)."""
        noon = datetime.combine(day, time(12), self._zone).astimezone(UTC)
        inside, outside = 0, 24 * 60
        while outside - inside > 1:
            middle = (inside + outside) // 2
            if self.date_of(noon + timedelta(minutes=middle)) > day:
                outside = middle
            else:
                inside = middle
        return noon + timedelta(minutes=outside)


def _plain(day: date) -> date:
    if isinstance(day, datetime) or not isinstance(day, date):
        raise TypeError(
            f"{day!r} is not a date. Use BusinessCalendar.date_of to turn an instant into one."
        )
    return day
