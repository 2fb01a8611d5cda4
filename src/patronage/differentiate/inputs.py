"""What does a valuation read: which manifests, which customers, under which assumptions?"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

import polars as pl

from patronage.access import datasets
from patronage.access.company import CurrentCompany, current
from patronage.differentiate import reads, registry
from patronage.differentiate.errors import (
    DateNotOver,
    NothingToValue,
    OtherCurrency,
    UnknownCustomers,
)
from patronage.differentiate.models import BacktestRun, ValuationRun
from patronage.differentiate.placing import Placing
from patronage.differentiate.reads.frames import served_days
from patronage.differentiate.valuation.appraisal import known_customers
from patronage.differentiate.valuation.history import Horizon
from patronage.differentiate.valuation.purchase_histories import (
    purchase_histories,
    statistics_in_order,
)
from patronage.differentiate.valuation.scoring import model_columns
from patronage.identify import fields as identify_fields
from patronage.identify.models import Customer
from patronage.vocabulary.company import Company
from patronage.vocabulary.periods import BusinessCalendar

#: Raised whenever the same inputs would give other figures than before.
METHOD_VERSION: Final = 1
_NAMED: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """Everything that a valuation's figures depend on."""

    as_of: date
    #: committed manifests of everything that is read
    manifests: reads.Manifests
    #: the valuation of the newest date before, whose objectives this one remembers
    before: ValuationRun | None
    #: what chooses and calibrates the purchase model; None before the first one
    backtest: BacktestRun | None
    #: the assumptions in force
    declared: CurrentCompany
    #: who was in which portfolio; None where no portfolio has a model of its own
    placing: Placing | None = None

    @property
    def digest(self) -> str:
        """The same for the same inputs, whenever and by whomever they are valued."""
        content = {
            "as_of": self.as_of.isoformat(),
            **self.manifests._asdict(),
            "before": self.before.input_digest if self.before else None,
            "backtest": self.backtest.input_digest if self.backtest else None,
            "company": self.declared.version.digest,
            "method": METHOD_VERSION,
        }
        if self.placing is not None:
            content["placing"] = self.placing.digest
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def read_from(as_of: date, now: datetime) -> tuple[CurrentCompany, reads.Manifests]:
    declared = current()
    if BusinessCalendar(declared.company.time_zone).end_of_day(as_of) > now:
        raise DateNotOver(as_of=as_of)
    manifests = reads.Manifests.committed(declared.company)
    if manifests is None:
        raise NothingToValue(as_of=as_of)
    return declared, manifests


def inputs_of(as_of: date, now: datetime) -> Inputs:
    declared, manifests = read_from(as_of, now)
    backtest = registry.newest_backtest(as_of)
    calendar = BusinessCalendar(declared.company.time_zone)
    return Inputs(
        as_of=as_of,
        manifests=manifests,
        before=reads.run_before(as_of),
        backtest=backtest,
        declared=declared,
        placing=Placing.until(as_of, calendar) if backtest and backtest.alternates else None,
    )


def customers_of(inputs: Inputs) -> pl.DataFrame:
    """Everybody who bought something, as `known_customers`; refuses what cannot be valued."""
    company = inputs.declared.company
    statistics = statistics_in_order(
        datasets.warehouse(),
        inputs.manifests.read("order_lines"),
        inputs.manifests.read("products"),
        company=company,
        horizon=_horizon(inputs),
        served=served_days(inputs.manifests, company, inputs.as_of),
    )
    facts = reads.declared_facts(inputs.manifests, company, inputs.as_of)
    described = _on_record(statistics, company).join(facts, on="customer_id", how="left")
    return _somebody(known_customers(described, company, inputs.as_of), inputs)


def purchasers_of(inputs: Inputs) -> pl.DataFrame:
    """The same people with what the models read alone, which is told of fewer columns."""
    company = inputs.declared.company
    found = purchase_histories(
        datasets.warehouse(),
        inputs.manifests.read("order_lines"),
        inputs.manifests.read("products"),
        company=company,
        horizon=_horizon(inputs),
    )
    buyers = _on_record(found, company).filter(pl.col("days") > 0).sort("customer_id")
    return _somebody(model_columns(buyers, inputs.as_of), inputs)


def _horizon(inputs: Inputs) -> Horizon:
    calendar = BusinessCalendar(inputs.declared.company.time_zone)
    return Horizon(as_of=inputs.as_of, period_start=calendar.quarter_of(inputs.as_of).first_day)


def _somebody(customers: pl.DataFrame, inputs: Inputs) -> pl.DataFrame:
    if not len(customers):
        raise NothingToValue(as_of=inputs.as_of)
    return customers


def _on_record(statistics: pl.DataFrame, company: Company) -> pl.DataFrame:
    """Add the fields of who each customer is; leave out the erased, refuse the unknown.

    Refuses lines that are not in the company's currency first.
    """
    foreign = int(statistics["other_currency_lines"].sum())
    if foreign:
        raise OtherCurrency(lines=foreign, currency=company.currency)
    people = identify_fields.frame(BusinessCalendar(company.time_zone))
    strangers = statistics.join(people, on="customer_id", how="anti")["customer_id"]
    erased = Customer.objects.filter(erased_at__isnull=False).values_list("id", flat=True)
    unknown = sorted(set(strangers) - set(erased)) if len(strangers) else []
    if unknown:
        raise UnknownCustomers(customer_ids=unknown[:_NAMED], count=len(unknown))
    return statistics.join(people, on="customer_id", how="inner")
