"""What every page and resource may count on: a request that carries its caller, clock and date."""

from __future__ import annotations

from datetime import date, datetime

from django.http import HttpRequest
from django_htmx.middleware import HtmxDetails

from patronage.access.roles import Actor
from patronage.vocabulary.company import Company


class CallerRequest(HttpRequest):
    """The type of a request inside the product; the web face sets these before any page runs."""

    #: who asks; holds no right when nobody is logged in
    actor: Actor
    #: the one instant of this request
    now: datetime
    #: the company's declared assumptions; None before any were declared, or for nobody
    company: Company | None
    #: the date whose figures are asked for (`?as_of=`); None asks for the newest
    as_of: date | None
    #: truthy when htmx asks for a part of a page
    htmx: HtmxDetails
