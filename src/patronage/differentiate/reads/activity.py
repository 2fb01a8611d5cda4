"""The cube of customers and quarters, in the actor's scope: read once a state of the data."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache

import polars as pl
from django.conf import settings

from patronage.access import datasets
from patronage.access.company import company_of
from patronage.access.roles import Actor
from patronage.differentiate.models import ValuationRun
from patronage.differentiate.reads.frames import Manifests, served_days
from patronage.differentiate.reads.in_sight import in_scope, require_run
from patronage.differentiate.valuation import activity
from patronage.identify import fields as identify_fields
from patronage.vocabulary.company import Company
from patronage.vocabulary.periods import BusinessCalendar


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity:
    """Who of the actor's customers bought what when."""

    #: the last date seen
    as_of: date
    currency: str
    #: rows of `valuation.activity.cube`
    cube: pl.DataFrame


def activity_of(actor: Actor, now: datetime, as_of: date | None = None) -> Activity:
    """The cube as of the newest date valued, or another one, of the customers in scope.

    Raises:
        NotAllowed: the actor may not see profitability.
        NotFound: nobody was valued as of that date, or at all.
    """
    run = require_run(actor, as_of)
    return Activity(
        as_of=run.as_of, currency=run.currency, cube=in_scope(_cube_of(run), actor, now)
    )


def _cube_of(run: ValuationRun) -> pl.DataFrame:
    # What an erasure has taken out since is out: a state that is gone is answered by the newest.
    return _cube((str(settings.WAREHOUSE_ROOT), Manifests.of(run).kept(), run.pk, run.as_of))


@lru_cache(maxsize=2)
def _cube(key: tuple[str, Manifests, str, date]) -> pl.DataFrame:
    _root, manifests, run_id, as_of = key
    company = company_of(ValuationRun.objects.get(pk=run_id).company_version)
    return build(manifests, company, as_of)


def build(manifests: Manifests, company: Company, as_of: date) -> pl.DataFrame:
    """Compute the cube, whoever's customers they are."""
    store = datasets.warehouse()
    bought = store.polars(
        activity.quarters(
            manifests.read("order_lines"),
            manifests.read("products"),
            company=company,
            as_of=as_of,
        )
    )
    served = served_days(manifests, company, as_of)
    counted = _NOBODY_SERVED if served is None else store.polars(activity.served_quarters(served))
    people = identify_fields.frame(BusinessCalendar(company.time_zone))
    return activity.cube(bought, counted, people.select("customer_id", "entry"), company, as_of)


_NOBODY_SERVED = pl.DataFrame(
    schema={
        "customer_id": pl.String,
        "quarter": pl.Date,
        "period_contacts": pl.Int64,
        "period_cases": pl.Int64,
    }
)
