"""Who is within the fence? The most valuable whom their manager looks after in person.

No mass contact reaches them. Value decides when portfolios are assigned, within the capacity that
each portfolio declares; who is in stays until somebody outside is worth more by a margin, and a
person's word stands above value.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Final

import polars as pl
from django.db.models import Exists, OuterRef

from patronage.access import audit
from patronage.access.roles import Actor, Right
from patronage.govern.models import FenceChange, Portfolio, Standing
from patronage.identify import bulk
from patronage.vocabulary.company import Company

_SCHEMA: Final = {
    "customer_id": pl.String,
    "portfolio_id": pl.String,
    "value_minor": pl.Int64,
    "was": pl.Boolean,
}


def fenced_now(customer_ids: Sequence[str] | None = None) -> frozenset[str]:
    """The customers within the fence; of these, or of all."""
    inside = Standing.objects.filter(fenced=True)
    if customer_ids is not None:
        inside = inside.filter(pk__in=customer_ids)
    return frozenset(inside.values_list("pk", flat=True))


def capacities(company: Company) -> dict[str, int]:
    """The declared capacity by portfolio id, of the portfolios that have a fence."""
    declared = {
        rule.name: rule.fence_capacity
        for rule in company.portfolios
        if rule.fence_capacity is not None
    }
    known = Portfolio.objects.filter(name__in=declared).values_list("id", "name")
    return {key: declared[name] for key, name in known}


def by_hand(customer_id: str | None = None) -> dict[str, bool]:
    """Of whom a person said whether they are inside; of this customer, or of all.

    The newest row of each customer counts. Rows that value wrote are not read.
    """
    said = FenceChange.objects.filter(by_hand=True)
    if customer_id is not None:
        said = said.filter(customer=customer_id)
    newer = FenceChange.objects.filter(customer=OuterRef("customer"), id__gt=OuterRef("id"))
    return dict(said.filter(~Exists(newer)).values_list("customer_id", "inside"))


def chosen(customers: pl.DataFrame, free: int, margin: float) -> pl.Series:
    """Who gets the free places: the most valuable, whoever is in counting a margin more.

    Args:
        customers: of one portfolio: `customer_id`, `value_minor` above 0, and `was` (inside).

    Returns:
        Their ids.
    """
    value = pl.col("value_minor").cast(pl.Float64)
    weight = pl.when("was").then(value * (1.0 + margin)).otherwise(value)
    order = ["weight", "customer_id"]
    ranked = customers.select("customer_id", weight=weight).sort(order, descending=[True, False])
    return ranked["customer_id"].head(max(free, 0))


def refresh(*, actor: Actor, now: datetime, as_of: date, company: Company) -> int:
    """Let value decide who is within the fence, in the caller's transaction and turn.

    Returns:
        How many came in or left.
    """
    places = capacities(company)
    said = by_hand()
    known = _known(places, said)
    if not len(known):
        return 0
    inside = {key for key, is_inside in said.items() if is_inside}
    for (portfolio_id,), rows in known.partition_by("portfolio_id", as_dict=True).items():
        ids = set(rows["customer_id"])
        free = places.get(str(portfolio_id), 0) - len(ids & inside)
        candidates = rows.filter(
            ~pl.col("customer_id").is_in(list(said)) & (pl.col("value_minor") > 0)
        )
        inside |= set(chosen(candidates, free, company.fence_margin))
    is_in = pl.col("customer_id").is_in(list(inside))
    changed = known.with_columns(inside=is_in).filter(pl.col("inside") != pl.col("was"))
    if len(changed):
        causes = [
            "value" if key in places else "no_fence" for key in changed["portfolio_id"].to_list()
        ]
        write(actor=actor, now=now, changed=changed, causes=causes, by_hand=False, reason="")
        _record(actor, now, as_of, changed, places)
    return len(changed)


def write(
    *, actor: Actor, now: datetime, changed: pl.DataFrame, causes: Sequence[str], by_hand: bool,
    reason: str,
) -> None:  # fmt: skip
    """Append what changed and show it where decisions look, in the caller's transaction.

    Args:
        changed: `customer_id`, `portfolio_id`, `value_minor` and `inside`.
    """
    count = len(changed)
    bulk.insert(
        FenceChange,
        {
            "customer": changed["customer_id"].to_list(),
            "portfolio": changed["portfolio_id"].to_list(),
            "inside": changed["inside"].to_list(),
            "by_hand": [by_hand] * count,
            "cause": list(causes),
            "value_minor": changed["value_minor"].to_list(),
            "reason": [reason] * count,
            "actor_id": [actor.id] * count,
            "recorded_at": [now] * count,
        },
    )
    for is_inside in (True, False):
        ids = changed.filter(pl.col("inside") == is_inside)["customer_id"].to_list()
        for start in range(0, len(ids), 10_000):
            some = Standing.objects.filter(pk__in=ids[start : start + 10_000])
            some.update(fenced=is_inside)


def _known(places: dict[str, int], said: dict[str, bool]) -> pl.DataFrame:
    """Who may be inside: the most valuable of each fence, and whoever is in or was spoken of."""
    columns = ("customer_id", "portfolio_id", "value_minor", "fenced")
    there = Standing.objects.filter(customer__erased_at__isnull=True)
    rows: set[tuple[Any, ...]] = set(there.filter(fenced=True).values_list(*columns))
    rows |= set(there.filter(pk__in=list(said)).values_list(*columns))
    for portfolio_id, capacity in places.items():
        best = there.filter(portfolio_id=portfolio_id, value_minor__gt=0)
        most = best.order_by("-value_minor", "customer_id").values_list(*columns)
        rows |= set(most[: capacity + len(said)])
    return pl.DataFrame(sorted(rows), schema=_SCHEMA, orient="row").sort("customer_id")


def _record(
    actor: Actor, now: datetime, as_of: date, changed: pl.DataFrame, places: dict[str, int]
) -> None:
    """One audit row a portfolio: how many are inside, before and now, and of how many places."""
    for (key,), rows in sorted(changed.partition_by("portfolio_id", as_dict=True).items()):
        entered = int(rows["inside"].sum())
        inside = Standing.objects.filter(portfolio_id=key, fenced=True).count()
        audit.record(
            actor=actor,
            now=now,
            action="move the fence",
            subject_kind="portfolio",
            subject_id=str(key),
            right=Right.ASSIGN,
            reason=f"Fence by value as of {as_of}",
            before={"inside": inside - entered + len(rows) - entered},
            change={
                "inside": inside,
                "entered": entered,
                "left": len(rows) - entered,
                "capacity": places.get(str(key)),
            },
        )
