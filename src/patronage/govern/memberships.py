"""The one reader of newest rows and the one writer of memberships, for actions, jobs and entry.

A room of its own because three of them must write the same way: in turn, newest row last, with
today's standing kept equal in the same transaction.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

import polars as pl
from django.db import connection
from django.db.models import Exists, Max, Min, OuterRef, QuerySet

from patronage.access.roles import Actor
from patronage.access.transactions import take_turns
from patronage.govern.errors import NoManagerYet
from patronage.govern.models import Accountability, Membership, Portfolio, Standing
from patronage.identify import bulk

#: SQLite takes about 32,000 values in one statement.
_AT_ONCE = 10_000

#: and those absorbed by others
_ERASED = (
    "SELECT id FROM identify_customer WHERE erased_at IS NOT NULL OR merged_into_id IS NOT NULL"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """Where a customer is now."""

    portfolio_id: str
    label: str
    #: unknown before the first valuation
    value_minor: int | None
    #: start of the newest membership
    since: datetime


def take_turns_moving() -> None:
    """Let one change of memberships at a time past this line, until its transaction ends."""
    take_turns("memberships")


def held(customer_ids: Sequence[str]) -> dict[str, Held]:
    """Give where each of these customers is now; erased and absent ones are left out."""
    found: dict[str, Held] = {}
    for some in _batches(customer_ids):
        newest = dict(
            Membership.objects.filter(customer_id__in=some)
            .values_list("customer_id")
            .annotate(newest=Max("starts_at"))
        )
        standing = Standing.objects.filter(customer_id__in=some, customer__erased_at__isnull=True)
        rows = standing.values_list("customer_id", "portfolio_id", "label", "value_minor")
        for customer_id, portfolio_id, label, value in rows:
            found[customer_id] = Held(
                portfolio_id=portfolio_id,
                label=label,
                value_minor=value,
                since=newest[customer_id],
            )
    return found


def newest(before: datetime | None = None) -> pl.DataFrame:
    """Give each customer's newest membership, or the newest that starts before an instant.

    Returns:
        `customer_id`, `portfolio_id`, `cause` and `starts_at`, a text that sorts by time; sorted
        by customer.
    """
    names = ("customer_id", "portfolio_id", "cause", "starts_at")
    rows = bulk.read(Membership, {name: (name, pl.String) for name in names})
    if before is not None:
        rows = rows.filter(pl.col("starts_at") < bulk.as_stored(before))
    starts_at = pl.col("starts_at")
    return rows.filter(starts_at == starts_at.max().over("customer_id")).sort("customer_id")


def everybody(instant: datetime) -> pl.DataFrame:
    """Give where everybody is, sorted by customer.

    The standing says so: it follows the newest membership in the transaction that writes it. Of
    memberships only those are read that say more, so that years of them cost little.

    Returns:
        `customer_id`, `portfolio_id`, `later` (the newest membership starts at `instant` or after,
        so that nothing can be dated `instant` any more), `by_hand` (a person handed the customer
        over) and `erased`.
    """
    with connection.cursor() as cursor:
        # few, so that looking each customer up would take longer than all else
        cursor.execute(_ERASED)
        erased = [key for (key,) in cursor.fetchall()]
    newer = Membership.objects.filter(
        customer=OuterRef("customer"), starts_at__gt=OuterRef("starts_at")
    )
    handed = Membership.objects.filter(~Exists(newer), cause="hand_over")
    since = Membership.objects.filter(starts_at__gte=instant)
    names = ("customer_id", "portfolio_id")
    standings = bulk.read(Standing, {name: (name, pl.String) for name in names})
    return standings.sort("customer_id").with_columns(
        later=_is_among(since),
        by_hand=_is_among(handed),
        erased=pl.col("customer_id").is_in(erased),
    )


def _is_among(rows: QuerySet[Membership]) -> pl.Expr:
    return pl.col("customer_id").is_in(list(rows.values_list("customer_id", flat=True)))


def write(
    *,
    actor: Actor,
    now: datetime,
    customer_ids: Sequence[str] | pl.Series,
    portfolio_ids: str | pl.Series,
    starts_at: datetime | Sequence[datetime],
    cause: str,
    reason: str,
) -> int:
    """Append one membership a customer, in the caller's transaction and turn."""
    to = pl.lit(portfolio_ids) if isinstance(portfolio_ids, str) else portfolio_ids
    return bulk.append(
        Membership,
        pl.DataFrame({"customer_id": customer_ids}, schema={"customer_id": pl.String}).with_columns(
            portfolio_id=to,
            starts_at=bulk.instants(starts_at),
            cause=pl.lit(cause),
            reason=pl.lit(reason),
            actor_id=pl.lit(actor.id),
            recorded_at=bulk.instants(now),
        ),
    )


def move_standing(customer_ids: Sequence[str], portfolio_id: str) -> None:
    """Let today's standing of these customers follow their new membership."""
    for some in _batches(customer_ids):
        Standing.objects.filter(customer_id__in=some).update(portfolio_id=portfolio_id)


def require_manager(portfolio: Portfolio, wanted: datetime) -> None:
    """Refuse customers before the portfolio's first manager: nobody would answer for them.

    Raises:
        NoManagerYet: the first manager starts later than `wanted`.
    """
    first = Accountability.objects.filter(portfolio=portfolio).aggregate(first=Min("starts_at"))
    starts_at = first["first"]
    if starts_at > wanted:
        raise NoManagerYet(name=portfolio.name, starts_at=starts_at, wanted=wanted)


def _batches(ids: Sequence[str]) -> Iterator[list[str]]:
    remaining = iter(ids)
    while some := list(islice(remaining, _AT_ONCE)):
        yield some
