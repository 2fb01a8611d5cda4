"""How is each customer served at an instant? By their value with hysteresis, or as a person said.

Leaving a tier takes a value below its threshold by the declared margin, and coming back one above
it by the same, so that a value that wanders about the line moves nobody twice. One set for
everybody; what it decides is stored by the assignment, whose cycle step it shares.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Final

import polars as pl
from django.db import connection
from django.db.models import Q, QuerySet

from patronage.access.roles import Actor
from patronage.govern.models import ServiceTierChange, ServiceTierOverride, Standing
from patronage.identify import bulk
from patronage.vocabulary.company import Company, ServiceTier

_NEWEST: Final = """
    SELECT c.customer_id, c.tier, CASE WHEN c.starts_at >= %s THEN 1 ELSE 0 END
    FROM (SELECT customer_id, MAX(starts_at) AS starts_at
          FROM govern_servicetierchange WHERE starts_at <= %s GROUP BY customer_id) AS newest
    JOIN govern_servicetierchange AS c
      ON c.customer_id = newest.customer_id AND c.starts_at = newest.starts_at
"""
_AT_ONCE: Final = 10_000
#: the smallest step of time that is told apart
MOMENT: Final = timedelta(microseconds=1)
_EVER: Final = datetime(9999, 1, 1, tzinfo=UTC)


def names_of(company: Company) -> tuple[str, ...]:
    """The declared tiers, the most served first; empty where the company declares none."""
    return tuple(tier.name for tier in company.service_tiers)


def overrides_at(at: datetime) -> QuerySet[ServiceTierOverride]:
    """What managers said that holds at the instant: at most one a customer."""
    begun = ServiceTierOverride.objects.filter(starts_at__lte=at)
    return begun.filter(Q(ends_at__isnull=True) | Q(ends_at__gt=at))


def with_tier(customers: pl.DataFrame, at: datetime, company: Company) -> pl.DataFrame:
    """Add `service_tier`, as everybody is served at the instant; NULL where none is declared.

    Args:
        customers: with `customer_id`, in an order that stays.
    """
    names = names_of(company)
    if not names:
        return customers.with_columns(service_tier=pl.lit(None, dtype=pl.String))
    told = _by_value(at, settled=at).join(_said(at), on="customer_id", how="full", coalesce=True)
    tiers = told.select("customer_id", service_tier=pl.coalesce("said", "was"))
    joined = customers.join(tiers, on="customer_id", how="left", maintain_order="left")
    return joined.with_columns(_declared("service_tier", names))


def of_some(customer_ids: Sequence[str], at: datetime, company: Company) -> dict[str, str | None]:
    """How each of these customers is served now, for lists and decisions."""
    names = names_of(company)
    if not names:
        return dict.fromkeys(customer_ids)
    standing = Standing.objects.filter(pk__in=customer_ids)
    found: dict[str, str] = dict(standing.values_list("pk", "service_tier"))
    said = overrides_at(at).filter(customer__in=customer_ids).values_list("customer_id", "tier")
    found |= dict(said)
    return {key: tier if tier in names else names[-1] for key, tier in found.items()}


def served_in(tier: str, at: datetime, company: Company) -> Q:
    """The condition on standings of those served in the tier at the instant."""
    names = names_of(company)
    if not names:
        return Q(pk__in=[])
    stored = Q(service_tier=tier)
    if tier == names[-1]:
        stored = ~Q(service_tier__in=names[:-1])
    said = overrides_at(at)
    if not said.exists():
        return stored
    there = said.filter(tier=tier)
    return Q(pk__in=there.values("customer")) | stored & ~Q(pk__in=said.values("customer"))


def of_one(standing: Standing, at: datetime, company: Company) -> str | None:
    """How the customer is served now; None where no tier is declared."""
    names = names_of(company)
    if not names:
        return None
    said = overrides_at(at).filter(customer=standing.customer_id).values_list("tier", flat=True)
    tier = said.first() or standing.service_tier
    return tier if tier in names else names[-1]


def planned(customers: pl.DataFrame, instant: datetime, company: Company) -> pl.DataFrame:
    """Say how everybody would be served from the instant on.

    Args:
        customers: `customer_id` and `value_minor`, unknown is NULL.

    Returns:
        In the order given: `customer_id`, `value_minor`, `was` (tier by value so far, NULL if no
        row says), `tier` (by value from now on), `cause`, `changes`, and `service_tier`: `tier`,
        or what a person said. Whose tier changed at the instant or later stays as they are.
    """
    tiers, names = company.service_tiers, names_of(company)
    known = customers.select("customer_id", "value_minor")
    if not names:
        nothing = pl.lit(None, dtype=pl.String)
        return known.with_columns(service_tier=nothing, changes=pl.lit(False))
    so_far, said = _by_value(_EVER, settled=instant), _said(instant)
    told = (
        known.join(so_far, on="customer_id", how="left", maintain_order="left")
        .join(said, on="customer_id", how="left", maintain_order="left")
        .with_columns(settled=pl.col("settled").fill_null(False))
    )
    taken = dict(said.group_by("said").len().iter_rows())
    placed = told.with_columns(placed_by_value(told, tiers, taken))
    differs = pl.col("tier") != pl.col("was").fill_null(names[-1])
    stays = pl.col("settled") | pl.col("value_minor").is_null()
    kept = placed.with_columns(
        tier=pl.when(stays).then(pl.col("was").fill_null(names[-1])).otherwise("tier"),
        changes=differs & ~stays,
    )
    return kept.with_columns(_declared(pl.coalesce("said", "tier").alias("service_tier"), names))


def placed_by_value(
    customers: pl.DataFrame, tiers: Sequence[ServiceTier], taken: Mapping[str, int]
) -> pl.DataFrame:
    """Give `tier` and `cause` by value, hysteresis and capacity: columns in, columns out.

    Args:
        customers: `customer_id`, `value_minor` and `was`; a tier that is not declared is none.
        taken: places of each tier that overrides hold.
    """
    names = [tier.name for tier in tiers]
    last = len(tiers) - 1
    places = pl.DataFrame(
        {"was": names, "from": range(len(names))}, schema={"was": pl.String, "from": pl.Int32}
    )
    told = customers.join(places, on="was", how="left", maintain_order="left")
    plain, easiest, surest = pl.lit(last), pl.lit(last), pl.lit(last)
    value = pl.col("value_minor")
    for place, tier in reversed(list(enumerate(tiers[:-1]))):
        edge = tier.from_value_minor or 0
        room = tier.margin * abs(edge)
        plain = pl.when(value >= edge).then(pl.lit(place)).otherwise(plain)
        easiest = pl.when(value >= edge - room).then(pl.lit(place)).otherwise(easiest)
        surest = pl.when(value >= edge + room).then(pl.lit(place)).otherwise(surest)
    within = pl.min_horizontal(pl.max_horizontal("from", easiest), surest)
    wanted = pl.when(pl.col("from").is_null()).then(plain).otherwise(within)
    told = told.with_columns(wanted=wanted.cast(pl.Int32)).with_columns(given="wanted")
    for place, tier in enumerate(tiers[:-1]):
        if tier.capacity is not None:
            told = _within_capacity(told, place, tier, taken.get(tier.name, 0))
    named = places.rename({"was": "tier", "from": "given"})
    return told.join(named, on="given", how="left", maintain_order="left").select(
        "tier",
        cause=pl.when(pl.col("given") > pl.col("wanted"))
        .then(pl.lit("capacity"))
        .otherwise(pl.lit("value")),
    )


def _within_capacity(told: pl.DataFrame, place: int, tier: ServiceTier, taken: int) -> pl.DataFrame:
    """Let those beyond the tier's capacity fall to the next; who is in counts a margin more."""
    value = pl.col("value_minor").cast(pl.Float64)
    weight = (
        pl.when(pl.col("from") == place).then(value + tier.margin * value.abs()).otherwise(value)
    )
    here = told.filter(pl.col("given") == place).select("customer_id", weight=weight)
    order = ["weight", "customer_id"]
    free = max((tier.capacity or 0) - taken, 0)
    beyond = here.sort(order, descending=[True, False]).slice(free).select("customer_id")
    falls = pl.col("customer_id").is_in(beyond["customer_id"].implode())
    return told.with_columns(
        given=pl.when(falls).then(pl.lit(place + 1, dtype=pl.Int32)).otherwise("given")
    )


def write(
    *, actor: Actor, now: datetime, planned: pl.DataFrame, starts_at: datetime, as_of: date,
    company: Company,
) -> int:  # fmt: skip
    """Append what changes and show it in lists, in the caller's transaction; return how many."""
    changed = planned.filter("changes")
    count = len(changed)
    if not count:
        return 0
    bulk.insert(
        ServiceTierChange,
        {
            "customer": changed["customer_id"].to_list(),
            "starts_at": [starts_at] * count,
            "tier": changed["tier"].to_list(),
            "cause": changed["cause"].to_list(),
            "value_minor": changed["value_minor"].to_list(),
            "as_of": [as_of] * count,
            "actor_id": [actor.id] * count,
            "recorded_at": [now] * count,
        },
    )
    last = names_of(company)[-1]
    for (tier,), rows in changed.partition_by("tier", as_dict=True).items():
        ids = rows["customer_id"].to_list()
        for start in range(0, count, _AT_ONCE):
            some = Standing.objects.filter(pk__in=ids[start : start + _AT_ONCE])
            # whom nothing lifts above the last tier is shown as those who never were
            some.update(service_tier="" if tier == last else str(tier))
    return count


def flows_of(planned: pl.DataFrame, company: Company) -> list[dict[str, str | int]]:
    """From which tier to which how many change, for the audit log and a dry run."""
    if "was" not in planned.columns:
        return []
    last = names_of(company)[-1]
    rows = (
        planned.filter("changes")
        .group_by(pl.col("was").fill_null(last), "tier", "cause")
        .agg(pl.len().alias("customers"), pl.col("value_minor").sum())
        .sort("was", "tier", "cause")
    )
    return [
        {
            "from_tier": was,
            "to_tier": tier,
            "cause": cause,
            "customers": customers,
            "value_minor": value,
        }
        for was, tier, cause, customers, value in rows.iter_rows()
    ]


def _by_value(at: datetime, *, settled: datetime) -> pl.DataFrame:
    """`customer_id`, `was`, and `settled`: the newest row by then starts at that or later."""
    bounds = [connection.ops.adapt_datetimefield_value(each) for each in (settled, at)]
    with connection.cursor() as cursor:
        cursor.execute(_NEWEST, bounds)
        rows = cursor.fetchall()
    schema = {"customer_id": pl.String, "was": pl.String, "settled": pl.Int8}
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    return frame.with_columns(pl.col("settled").cast(pl.Boolean))


def _said(at: datetime) -> pl.DataFrame:
    rows = list(overrides_at(at).values_list("customer_id", "tier"))
    return pl.DataFrame(rows, schema={"customer_id": pl.String, "said": pl.String}, orient="row")


def _declared(column: str | pl.Expr, names: Sequence[str]) -> pl.Expr:
    """What is declared no more, or never was said, is the last tier."""
    told = pl.col(column) if isinstance(column, str) else column
    return pl.when(told.is_in(names)).then(told).otherwise(pl.lit(names[-1])).alias("service_tier")
