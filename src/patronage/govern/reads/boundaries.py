"""What does the enterprise forbid: now, ahead, and before; and whom would a new boundary touch?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

import polars as pl

from patronage.access.company import current
from patronage.access.models import User
from patronage.access.roles import Actor, Right
from patronage.differentiate.reads import features, newest_run
from patronage.govern import accounts, service_tiers
from patronage.govern.boundaries import BoundaryInForce, NewBoundary, checked
from patronage.govern.capacities import taken_of_all
from patronage.govern.fields import BOUNDARY_FIELDS
from patronage.govern.limits import WHOLE
from patronage.govern.models import Boundary, Portfolio
from patronage.govern.reads.charge import memberships_at
from patronage.identify.fields import frame as identify_frame
from patronage.vocabulary.periods import BusinessCalendar

BoundaryState = Literal["now", "ahead", "before", "lifted"]
_MOMENT = timedelta(microseconds=1)
_TYPES = {str: pl.String, int: pl.Int64, float: pl.Float64, bool: pl.Boolean}


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundaryRow:
    """A boundary as it was set."""

    id: str
    name: str
    kind: str
    #: in force, announced, superseded, or the word that nothing of the name holds any more
    state: BoundaryState
    #: about which customers; empty: everybody
    when: str
    #: empty: every category
    category: str
    #: empty: every product
    product: str
    #: None: it forbids
    limit: int | None
    #: how much of a stock or capacity is taken; None: it counts nothing, or does not hold now
    taken: int | None
    #: basis points, minor units, times or days
    unit: str
    #: use, customer_quarter, quarter or all
    per: str
    #: of one on conflicts: the role that rules
    role: str
    #: law, contract or board
    source: str
    reason: str
    valid_from: datetime
    #: who set it
    set_by: str
    recorded_at: datetime

    @property
    def limit_share(self) -> float | None:
        """The limit of one in basis points as a share."""
        return None if self.limit is None else self.limit / WHOLE


@dataclass(frozen=True, slots=True, kw_only=True)
class Touched:
    """How many customers a boundary would be about."""

    customers: int
    #: surely
    surely: int
    #: it cannot be told, so that it holds for them
    unknown: int


def boundaries(actor: Actor, now: datetime) -> list[BoundaryRow]:
    """Every boundary: those in force by name, then announced, then what was before, newest first.

    Raises:
        NotAllowed: the actor sees neither customers nor offers.
    """
    if not actor.may(Right.SEE_OFFERS):
        actor.require(Right.SEE_CUSTOMERS)
    rows = list(Boundary.objects.order_by("name", "-valid_from"))
    people = {each.actor_id for each in rows}
    names = dict(User.objects.filter(pk__in=people).values_list("id", "name"))
    newest: dict[str, str] = {}
    for row in rows:
        if row.valid_from <= now:
            newest.setdefault(row.name, row.id)
    order: dict[str, int] = {"now": 0, "ahead": 1, "lifted": 2, "before": 3}
    counted = [each for each in rows if each.kind == "capacity" and each.id in newest.values()]
    taken = taken_of_all(counted, now)
    shown = [_row(each, now, newest, names, taken) for each in rows]
    return sorted(shown, key=lambda row: order[row.state])


def touched(actor: Actor, now: datetime, new: NewBoundary) -> Touched:
    """Say how many of today's customers a boundary would be about, before it is set.

    Raises:
        NotAllowed: the actor may not set boundaries.
        BoundaryRefused: it cannot be used.
    """
    actor.require(Right.SET_BOUNDARY)
    wanted = BoundaryInForce(row=checked(new, actor))
    frame = _customers(now)
    if wanted.condition is None:
        return Touched(customers=len(frame), surely=len(frame), unknown=0)
    answers = frame.select("customer_id", answer=wanted.condition.to_polars())["answer"]
    return Touched(
        customers=len(frame), surely=int(answers.sum() or 0), unknown=answers.null_count()
    )


def _customers(now: datetime) -> pl.DataFrame:
    """Everybody with the fields that boundaries may ask about."""
    calendar = BusinessCalendar(current().company.time_zone)
    names = dict(Portfolio.objects.values_list("id", "name"))
    portfolios = pl.DataFrame(
        {"portfolio_id": list(names), "portfolio": list(names.values())},
        schema={"portfolio_id": pl.String, "portfolio": pl.String},
    )
    members = memberships_at(now + _MOMENT)
    known = members.join(identify_frame(calendar), on="customer_id", how="left").join(
        portfolios, on="portfolio_id", how="left"
    )
    run = newest_run()
    if run is not None:
        known = known.join(features(run), on="customer_id", how="left")
    known = service_tiers.with_tier(known, now, current().company)
    known = accounts.with_account(known, now)
    missing = [
        pl.lit(None, dtype=_TYPES.get(field.type)).alias(name)
        for name, field in BOUNDARY_FIELDS.items()
        if name not in known.columns
    ]
    return known.with_columns(missing)


def _row(
    row: Boundary,
    now: datetime,
    newest: dict[str, str],
    names: dict[str, str],
    taken: dict[str, int],
) -> BoundaryRow:
    state: BoundaryState = "before"
    if row.valid_from > now:
        state = "ahead"
    elif newest[row.name] == row.id:
        state = "lifted" if row.lifted else "now"
    return BoundaryRow(
        id=row.id,
        name=row.name,
        kind=row.kind,
        state=state,
        when=row.when,
        category=row.category,
        product=row.product,
        limit=row.limit,
        taken=taken.get(row.id),
        unit=row.unit,
        per=row.per,
        role=row.role,
        source=row.source,
        reason=row.reason,
        valid_from=row.valid_from,
        set_by=names.get(row.actor_id, row.actor_id),
        recorded_at=row.recorded_at,
    )
