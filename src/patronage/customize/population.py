"""Who is decided at an instant, and what is known of each: loaded as columns, in one go."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray

from patronage.customize.deciding import Bools, Floats, Ints
from patronage.customize.fields import CONTEXT_FIELDS, FIELDS
from patronage.customize.figures import CategoryFigures
from patronage.customize.policy import PolicyInForce
from patronage.customize.response import ResponseModel
from patronage.customize.situations import BUYS_ANYWAY, FIGURES, MARGIN, RESPONSE
from patronage.differentiate import overrides
from patronage.differentiate.fields import FIELDS as VALUED
from patronage.differentiate.models import LatestValuation, ValuationRun
from patronage.differentiate.reads import features, said_needs
from patronage.govern import accounts, service_tiers
from patronage.govern.models import Portfolio, Standing
from patronage.govern.reads import memberships_at
from patronage.identify.fields import frame as identify_frame
from patronage.identify.fields import record_of
from patronage.identify.models import THERE, Customer
from patronage.identify.reads import standing_consents
from patronage.vocabulary.company import Company
from patronage.vocabulary.periods import BusinessCalendar

_MOMENT = timedelta(microseconds=1)
_TYPES = {str: pl.String, int: pl.Int64, float: pl.Float64, bool: pl.Boolean, date: pl.Date}
#: Fields that the latest valuation holds as they are.
_VALUED = tuple(each for each in VALUED if each not in ("objective", "said_need", "need"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Population:
    """Everybody who is decided, sorted by id, with the fields that conditions ask about."""

    #: `customer_id`, `portfolio_id` and one column a field
    frame: pl.DataFrame
    #: by channel: customer → consent that stands
    consents: Mapping[str, Mapping[str, str]]

    @property
    def ids(self) -> list[str]:
        ids: list[str] = self.frame["customer_id"].to_list()
        return ids


def load_population(at: datetime, run: ValuationRun, policy: PolicyInForce) -> Population:
    """Load the customers of all portfolios at an instant, with their fields and consents."""
    return Population(frame=load_fields(at, run, policy.company), consents=_consents(at))


def load_fields(at: datetime, run: ValuationRun, company: Company) -> pl.DataFrame:
    """Load the customers of all portfolios at an instant, with all that conditions may ask.

    Returns:
        `customer_id` (sorted by it), `portfolio_id` and one column a field; unknown is NULL.
    """
    # A membership that starts at the instant itself already counts.
    members = memberships_at(at + _MOMENT)
    calendar = BusinessCalendar(company.time_zone)
    names = dict(Portfolio.objects.values_list("id", "name"))
    portfolios = pl.DataFrame(
        {"portfolio_id": list(names), "portfolio": list(names.values())},
        schema={"portfolio_id": pl.String, "portfolio": pl.String},
    )
    served = accounts.with_account(service_tiers.with_tier(members, at, company), at)
    frame = (
        served.join(identify_frame(calendar), on="customer_id")
        .join(portfolios, on="portfolio_id", how="left")
        .join(features(run), on="customer_id", how="left")
        .with_columns(
            pl.lit(None, dtype=_TYPES[field.type]).alias(name)
            for name, field in CONTEXT_FIELDS.items()
        )
        .sort("customer_id")
    )
    missing = [name for name in FIELDS if name not in frame.columns]
    if missing:
        raise RuntimeError(f"no stage gives the fields {missing} of the catalogue for everybody")
    return frame


def fields_of_some(customer_ids: Sequence[str], at: datetime, company: Company) -> pl.DataFrame:
    """The same of some customers as they stand now, from their latest valuations.

    Returns:
        One row a customer that is not erased, sorted by `customer_id`; `portfolio_id` of today.
    """
    ids = sorted(customer_ids)
    calendar = BusinessCalendar(company.time_zone)
    people = Customer.objects.filter(THERE, pk__in=ids).order_by("id")
    standings = Standing.objects.filter(customer__in=ids)
    held = dict(standings.values_list("customer_id", "portfolio_id"))
    names = dict(Portfolio.objects.values_list("id", "name"))
    known = LatestValuation.objects.filter(pk__in=ids)
    asked = ("customer_id", "need", "rule_objective", *_VALUED)
    valued = {row["customer_id"]: row for row in known.values(*asked)}
    words = overrides.standing(at).filter(customer_id__in=ids)
    objectives = dict(words.values_list("customer_id", "objective"))
    said = dict(said_needs(at).filter(pl.col("customer_id").is_in(ids)).rows())
    served = service_tiers.of_some(ids, at, company)
    belongs = accounts.of_some(ids, at)
    rows = []
    for person in people:
        latest, portfolio_id = valued.get(person.id), held.get(person.id)
        row = {
            **record_of(person, calendar),
            "customer_id": person.id,
            "portfolio_id": portfolio_id,
            "portfolio": None if portfolio_id is None else names[portfolio_id],
            "service_tier": served.get(person.id),
            **belongs[person.id],
            "said_need": said.get(person.id),
        }
        if latest is not None:
            row |= {name: latest[name] for name in _VALUED}
            row["need"] = latest["need"] or None
            row["objective"] = objectives.get(person.id, latest["rule_objective"])
        rows.append(row)
    schema = dict.fromkeys(("customer_id", "portfolio_id"), _TYPES[str])
    schema |= {name: _TYPES[field.type] for name, field in FIELDS.items()}
    return pl.DataFrame(rows, schema=schema, orient="row")


def _consents(at: datetime) -> dict[str, dict[str, str]]:
    table: pl.DataFrame = pl.DataFrame(standing_consents(at))
    return {
        str(channel): dict(
            zip(rows["customer_id"].to_list(), rows["consent_id"].to_list(), strict=True)
        )
        for (channel,), rows in table.partition_by("channel", as_dict=True).items()
    }


def meets_conditions(frame: pl.DataFrame, policy: PolicyInForce) -> NDArray[np.int8]:
    """``int8 (n, m)``: whether each customer meets each offer's condition: 1, 0, −1 unknown."""
    distinct = {
        predicate: place for place, predicate in enumerate(dict.fromkeys(policy.predicates))
    }
    answers = frame.select(
        "customer_id",
        *(
            predicate.to_polars().cast(pl.Int8).fill_null(-1).alias(f"condition {place}")
            for predicate, place in distinct.items()
        ),
    )
    table = (
        answers.drop("customer_id").to_numpy().astype(np.int8).reshape(len(frame), len(distinct))
    )
    return table[:, [distinct[predicate] for predicate in policy.predicates]]


def portfolio_rows(portfolio_ids: Sequence[str], policy: PolicyInForce) -> Ints:
    """``int64 (n,)``: row of each portfolio in the policy's; −1 for one it does not know."""
    place = {portfolio_id: row for row, portfolio_id in enumerate(policy.portfolios)}
    return np.array([place.get(each, -1) for each in portfolio_ids], dtype=np.int64)


def consented(
    ids: Sequence[str], policy: PolicyInForce, consents: Mapping[str, Mapping[str, str]]
) -> Bools:
    """``(n, k)``: whether a consent stands for each treatment's channel."""
    by_channel = {
        channel: among(ids, consents.get(channel, {}))
        for channel in {each.channel for each in policy.treatments}
    }
    columns = [by_channel[each.channel] for each in policy.treatments]
    return np.array(columns, dtype=np.bool_).reshape(len(columns), len(ids)).T


def among(ids: Sequence[str], those: Container[str]) -> Bools:
    """``(n,)``: which of the ids are among those."""
    return np.fromiter(map(those.__contains__, ids), dtype=np.bool_, count=len(ids))


def offer_figures(policy: PolicyInForce, figures: CategoryFigures, model: ResponseModel) -> Floats:
    """``(n, m, 3)``: response, buys anyway and margin, rounded to what is kept of them."""
    place = {name: column for column, name in enumerate(figures.categories)}
    columns = [place[offer.category] for offer in policy.offers]
    margins = np.array([policy.company.margin(offer.department) for offer in policy.offers])
    table = np.empty((len(figures.bands), len(columns), FIGURES), dtype=np.float32)
    table[:, :, RESPONSE] = model.rates(figures.categories, figures.bands)[:, columns]
    table[:, :, BUYS_ANYWAY] = figures.buys_anyway[:, columns]
    table[:, :, MARGIN] = figures.spend[:, columns] * margins
    return table.astype(np.float64)
