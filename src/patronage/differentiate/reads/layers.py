"""Segments that describe: value, need and demographic layers, and how many customers each covers.

A layer is for insight only. Accountability is by portfolio, one a customer; a segment answers for
nobody, and where nothing is known of a customer the layer says so instead of guessing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, Literal

import ibis
import polars as pl

from patronage.access import datasets
from patronage.access.company import company_of
from patronage.access.roles import Actor
from patronage.differentiate.reads.frames import valuations
from patronage.differentiate.reads.in_sight import in_scope, require_run
from patronage.vocabulary.company import Company
from patronage.vocabulary.periods import BusinessCalendar

Kind = Literal["value", "need", "demographic"]

#: A number with more values than this is shown in bands of equal size.
MOST_VALUES: Final = 12
_BANDS: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """Customers with one value of a layer; minor units."""

    name: str
    customers: int
    #: of the customers whom the layer covers
    share: float
    value_minor: int
    #: revenue of the quarter, net of returns
    revenue_minor: int
    #: customers by value tier
    tiers: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """One way to describe customers."""

    kind: Kind
    #: "tier", "need" or the name of a fact
    name: str
    #: of whom it is known
    covered: int
    #: as a share of those valued; None where nobody is
    coverage: float | None
    #: from when the newest observation is; None where the layer is computed
    observed_at: datetime | None
    #: most customers first; value and need in the declared order
    segments: Sequence[Segment]


@dataclass(frozen=True, slots=True, kw_only=True)
class Layers:
    """The layers over the customers in scope."""

    run_id: str
    as_of: date
    currency: str
    customers: int
    #: value first, then need, then demographic ones, the one that covers most first
    layers: Sequence[Layer]
    #: customers of whom any demographic fact is known
    described: int


def layers(actor: Actor, now: datetime, *, as_of: date | None = None) -> Layers:
    """Describe the customers in scope by value, need and what facts were imported of them.

    Args:
        as_of: the date valued; the newest without one. Facts observed later are not seen.

    Raises:
        NotAllowed: the actor may not see profitability.
        NotFound: nobody was valued as of that date, or at all.
    """
    run = require_run(actor, as_of)
    company = company_of(run.company_version)
    revenue = pl.col("quarter_sales_minor") + pl.col("quarter_returns_minor")
    frame = in_scope(valuations(run), actor, now).select(
        "customer_id", "tier", "need", "value_minor", revenue_minor=revenue
    )
    facts = _facts(company, run.as_of).join(frame, on="customer_id", how="inner")
    order = [tier.name for tier in company.tiers]
    found = [
        _layer("value", "tier", frame.with_columns(segment="tier"), frame, order, order),
        _layer(
            "need",
            "need",
            frame.with_columns(segment="need").drop_nulls("segment"),
            frame,
            [need.name for need in company.needs],
            order,
        ),
    ]
    demographic = [
        _layer("demographic", str(name), _banded(part), frame, (), order)
        for (name,), part in facts.group_by("name")
    ]
    demographic.sort(key=lambda layer: (-layer.covered, layer.name))
    return Layers(
        run_id=run.id,
        as_of=run.as_of,
        currency=run.currency,
        customers=len(frame),
        layers=[*found, *demographic],
        described=facts["customer_id"].n_unique(),
    )


def _facts(company: Company, as_of: date) -> pl.DataFrame:
    """Each customer's newest value of each fact by the date, but how satisfied they are."""
    end = BusinessCalendar(company.time_zone).end_of_day(as_of)
    rows = datasets.read("customer_facts")
    seen = rows.filter(
        (rows.observed_at < ibis.literal(end, type="timestamp('UTC')"))
        & (rows.name != company.steering.satisfaction_fact)
    )
    frame = datasets.warehouse().polars(
        seen.select("customer_id", "name", "value_text", "value_number", "observed_at")
    )
    newest = frame.sort("observed_at").group_by("customer_id", "name").last()
    return newest.filter(pl.col("value_text").is_not_null() | pl.col("value_number").is_not_null())


def _banded(part: pl.DataFrame) -> pl.DataFrame:
    """Name each value as a segment; many different numbers become bands of about equal size."""
    numbers = part["value_number"]
    written = pl.col("value_text").fill_null(pl.col("value_number").cast(pl.String))
    if numbers.null_count() or numbers.n_unique() <= MOST_VALUES:
        return part.with_columns(segment=written)
    edges = [numbers.quantile(step / _BANDS, "nearest") for step in range(_BANDS + 1)]
    segment = pl.lit("")
    for low, high in zip(reversed(edges[:-1]), reversed(edges[1:]), strict=True):
        segment = (
            pl.when(pl.col("value_number") <= high)
            .then(pl.lit(f"{low:g} to {high:g}"))
            .otherwise(segment)
        )
    return part.with_columns(segment=segment)


def _layer(
    kind: Kind,
    name: str,
    described: pl.DataFrame,
    everybody: pl.DataFrame,
    declared: Sequence[str],
    tiers: Sequence[str],
) -> Layer:
    covered = described.height
    summed = described.group_by("segment").agg(
        pl.len().alias("customers"),
        pl.col("value_minor", "revenue_minor").sum(),
        *((pl.col("tier") == tier).sum().alias(f"in {tier}") for tier in tiers),
    )
    rows = summed.sort(["customers", "segment"], descending=[True, False]).to_dicts()
    if declared:
        rows.sort(key=lambda row: declared.index(row["segment"]))
    newest = described["observed_at"].max() if "observed_at" in described.columns else None
    return Layer(
        kind=kind,
        name=name,
        covered=covered,
        coverage=covered / everybody.height if everybody.height else None,
        observed_at=newest if isinstance(newest, datetime) else None,
        segments=[
            Segment(
                name=row["segment"],
                customers=row["customers"],
                share=row["customers"] / covered,
                value_minor=row["value_minor"],
                revenue_minor=row["revenue_minor"],
                tiers={tier: row[f"in {tier}"] for tier in tiers},
            )
            for row in rows
        ],
    )
