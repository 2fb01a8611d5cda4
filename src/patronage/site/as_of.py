"""As of which date are the figures seen?"""

from __future__ import annotations

from datetime import date

from django.http import HttpRequest

from patronage.access.days import day_typed_or_none


def as_of_asked(request: HttpRequest) -> date | None:
    """The date in the address (`?as_of=2017-09-30`); None asks for the newest figures.

    Raises:
        Refused: the text is no date, or outside the years 1970 to 2200.
    """
    return day_typed_or_none(request.GET.get("as_of", ""))
