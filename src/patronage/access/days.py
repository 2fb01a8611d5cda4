"""What days that somebody typed mean, in the company's days."""

from __future__ import annotations

from datetime import date, datetime

from django.utils.translation import gettext as _

from patronage.access.company import instants_of, within_calendar
from patronage.access.errors import Refused
from patronage.access.requests import CallerRequest
from patronage.vocabulary.periods import BusinessCalendar


def today(request: CallerRequest) -> date:
    """The company's date now."""
    zone = request.company.time_zone if request.company else "UTC"
    return BusinessCalendar(zone).date_of(request.now)


def day_typed(text: str) -> date:
    """The day that was typed.

    Raises:
        Refused: it is no date, or outside the years 1970 to 2200.
    """
    try:
        return within_calendar(date.fromisoformat(text.strip()))
    except ValueError as error:
        raise Refused(
            _("“%(typed)s” is no date; write it like 2026-12-24.") % {"typed": text[:40]}
        ) from error


def day_typed_or_none(text: str) -> date | None:
    """The day that was typed; None where nothing was."""
    return day_typed(text) if text.strip() else None


def period_typed(
    request: CallerRequest, *, first: str = "", last: str = ""
) -> tuple[datetime | None, datetime | None]:
    """The instants between the start of one day and the end of another; None is now, or open.

    Raises:
        Refused: one is no date or out of the calendar, or the last comes before the first.
    """
    first_day, last_day = day_typed_or_none(first), day_typed_or_none(last)
    starts_at, ends_at = instants_of(first_day, last_day)
    return None if first_day == today(request) else starts_at, ends_at
