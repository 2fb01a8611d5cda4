"""Which customers are worth most, moved most, are most at risk or have most room?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, Literal, get_args

import polars as pl

from patronage.access.roles import Actor
from patronage.differentiate.reads.customer_base import Chosen, CustomerBase, customer_base
from patronage.differentiate.reads.in_sight import labels_of

Sort = Literal["value", "gain", "loss", "margin", "risk", "room"]
SORTS: Final[tuple[Sort, ...]] = get_args(Sort)
MOST_ROWS: Final = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class WorthRow:
    """A customer in the list; money in minor units."""

    customer_id: str
    label: str
    value_minor: int
    value_low_minor: int
    value_high_minor: int
    #: against the valuation before; None where the customer was not valued then
    change_minor: int | None
    #: in the next quarter
    probability_of_purchase: float
    #: value × (1 − probability of buying next quarter)
    at_risk_minor: int
    #: the value at the 80th percentile of look-alikes, an estimate; None where there are too few
    potential_minor: int | None
    #: value as a share of potential; None where either is not above zero
    share_of_customer: float | None
    #: of the quarter up to the date
    margin_minor: int
    tier: str
    need: str
    objective: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WorthPage:
    """Some customers, where to go on from, and how many there are."""

    rows: Sequence[WorthRow]
    #: pass it as `after`; None on the last page
    next: str | None
    total: int


def worth_page(
    actor: Actor,
    now: datetime,
    *,
    as_of: date | None = None,
    chosen: Chosen | None = None,
    sort: Sort = "value",
    after: str = "",
    limit: int = 50,
) -> WorthPage:
    """Customers with what they are worth, the most telling first.

    Args:
        sort: the most valuable; who gained or lost most against the valuation before; who
            earned most in the quarter; whose value is most at risk; who has most room up to
            their potential.
        after: `next` of the page before, in the same order.

    Raises:
        NotAllowed, NotFound: as `customer_base`.
    """
    base = customer_base(actor, now, as_of=as_of, chosen=chosen)
    return worth_page_of(base, sort=sort, after=after, limit=limit)


def worth_page_of(
    base: CustomerBase, *, sort: Sort = "value", after: str = "", limit: int = 50
) -> WorthPage:
    """The same of a base that has been read."""
    ordered = sorted_worth(base, sort)
    start = 0
    if after:
        at = ordered["customer_id"].index_of(after)
        start = 0 if at is None else at + 1
    limit = max(1, min(limit, MOST_ROWS))
    shown = ordered.slice(start, limit)
    more = start + limit < len(ordered)
    labels = labels_of(shown["customer_id"].to_list())
    return WorthPage(
        rows=[
            WorthRow(**row, label=labels.get(row["customer_id"], "")) for row in shown.to_dicts()
        ],
        next=shown["customer_id"][-1] if more else None,
        total=len(ordered),
    )


def sorted_worth(base: CustomerBase, sort: Sort) -> pl.DataFrame:
    """Every column of `WorthRow` but the label; `gain`, `loss`, `room` leave out who has none."""
    change = pl.col("value_minor") - pl.col("before_minor")
    risk = pl.col("value_minor") * (1 - pl.col("probability_of_purchase"))
    room = pl.col("potential_minor") - pl.col("value_minor")
    frame = base.frame.select(
        "customer_id",
        "value_minor",
        "value_low_minor",
        "value_high_minor",
        "probability_of_purchase",
        "margin_minor",
        "potential_minor",
        "share_of_customer",
        "tier",
        "objective",
        change_minor=change,
        room=room,
        at_risk_minor=risk.round().cast(pl.Int64),
        need=pl.col("need").fill_null(""),
    )
    if sort == "gain":
        frame = frame.filter(pl.col("change_minor") > 0)
    if sort == "loss":
        frame = frame.filter(pl.col("change_minor") < 0)
    if sort == "room":
        frame = frame.filter(pl.col("room") > 0)
    column = _COLUMN_OF[sort]
    ordered = frame.sort(column, "customer_id", descending=[sort != "loss", False])
    return ordered.drop("room")


_COLUMN_OF: Final[Mapping[str, str]] = {
    "value": "value_minor",
    "gain": "change_minor",
    "loss": "change_minor",
    "margin": "margin_minor",
    "risk": "at_risk_minor",
    "room": "room",
}
