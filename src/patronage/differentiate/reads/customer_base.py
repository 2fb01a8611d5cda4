"""The customers in sight with their frozen figures as of a date, as one frame: cheap to ask twice.

A run's figures never change, so that a process reads them from the warehouse once; whose customers
they are is asked of the operational store every time, since scope is always today's.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Final

import polars as pl
from django.conf import settings

from patronage.access import datasets
from patronage.access.roles import Actor
from patronage.differentiate import overrides
from patronage.differentiate.models import ValuationRun
from patronage.differentiate.reads.frames import previous_run
from patronage.differentiate.reads.in_sight import in_scope, require_run
from patronage.identify.models import Customer

#: runs whose figures stay in memory: a date, the one before, and a pair more
_KEPT: Final = 4
#: cohort of those who were there when recording began
FROM_THE_START: Final = "start"
_COLUMNS: Final = (
    "customer_id",
    "value_minor",
    "value_low_minor",
    "value_high_minor",
    "probability_of_purchase",
    "expected_margin_minor",
    "tier",
    "need",
    "objective",
    "age_days",
    "potential_minor",
    "share_of_customer",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """Which of the customers in scope are meant; empty asks for all."""

    portfolio_id: str = ""
    tier: str = ""
    objective: str = ""
    need: str = ""
    #: quarter of the first purchase, such as "2017-Q1", or `FROM_THE_START`
    cohort: str = ""
    #: least value, minor units; None: no lower end
    from_minor: int | None = None
    #: values are below this one, minor units; None: no upper end
    below_minor: int | None = None

    @property
    def is_narrowed(self) -> bool:
        """Whether anybody in scope is left out."""
        return self != Chosen()


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerBase:
    """Customers in sight, valued as of one date, beside what they were worth the date before."""

    run: ValuationRun
    #: the run of the newest date before; None where there is none
    before: ValuationRun | None
    #: one row a customer by id; `before_minor` is NULL for who was not valued then
    frame: pl.DataFrame


def customer_base(
    actor: Actor, now: datetime, *, as_of: date | None = None, chosen: Chosen | None = None
) -> CustomerBase:
    """Give everybody in the actor's scope who was valued as of a date.

    Args:
        as_of: the date valued; the newest without one.
        chosen: who is meant of those in scope; all without it.

    Returns:
        A frame with the columns of the dataset `valuations` that pages show, and
        `margin_minor` (of the quarter up to the date), `cohort` (the quarter of the first
        purchase; `FROM_THE_START` for who was there when recording began, since nobody knows
        when they came) and `before_minor`.

    Raises:
        NotAllowed: the actor may not see profitability.
        NotFound: nobody was valued as of that date, or at all; or the portfolio is absent or
            outside the actor's scope, which look the same.
    """
    run = require_run(actor, as_of)
    before = previous_run(run)
    figures = _figures(run) if as_of is not None else _in_force(_figures(run), now)
    chosen = chosen or Chosen()
    narrowed = _narrowed(figures, chosen)
    frame = in_scope(narrowed, actor, now, portfolio_id=chosen.portfolio_id)
    if before is None:
        frame = frame.with_columns(before_minor=pl.lit(None, pl.Int64))
    else:
        then = _figures(before).select("customer_id", before_minor="value_minor")
        frame = frame.join(then, on="customer_id", how="left", maintain_order="left")
    return CustomerBase(run=run, before=before, frame=frame)


def _in_force(frame: pl.DataFrame, now: datetime) -> pl.DataFrame:
    """With the objectives that people have set above the rules since."""
    said = dict(overrides.standing(now).values_list("customer_id", "objective"))
    if not said:
        return frame
    who = pl.col("customer_id")
    return frame.with_columns(objective=who.replace_strict(said, default=pl.col("objective")))


def _narrowed(frame: pl.DataFrame, chosen: Chosen) -> pl.DataFrame:
    for column in ("tier", "objective", "need", "cohort"):
        asked = getattr(chosen, column)
        if asked:
            frame = frame.filter(pl.col(column) == asked)
    if chosen.from_minor is not None:
        frame = frame.filter(pl.col("value_minor") >= chosen.from_minor)
    if chosen.below_minor is not None:
        frame = frame.filter(pl.col("value_minor") < chosen.below_minor)
    return frame


def _figures(run: ValuationRun) -> pl.DataFrame:
    newest = datasets.head("valuations")
    return _read(str(settings.WAREHOUSE_ROOT), newest or 0, run.id, run.as_of)


@lru_cache(maxsize=_KEPT)
def _read(_root: str, number: int, run_id: str, as_of: date) -> pl.DataFrame:
    """A run's rows by customer; an erasure makes a new state, so that nothing kept outlives it."""
    rows = datasets.read("valuations", number)
    chosen = rows.filter((rows.as_of == as_of) & (rows.run_id == run_id))
    revenue = rows.quarter_sales_minor + rows.quarter_returns_minor
    costs = rows.quarter_cost_of_goods_minor + rows.quarter_cost_to_serve_minor
    frame = datasets.warehouse().polars(
        chosen.select(*_COLUMNS, margin_minor=revenue - costs).order_by("customer_id")
    )
    day = (pl.lit(as_of) - pl.duration(days=pl.col("age_days").floor().cast(pl.Int64))).dt
    quarter = day.year().cast(pl.String) + "-Q" + day.quarter().cast(pl.String)
    panel = list(Customer.objects.filter(entry="panel").order_by().values_list("id", flat=True))
    from_the_start = pl.col("customer_id").is_in(pl.Series(panel, dtype=pl.String).implode())
    return frame.with_columns(
        cohort=pl.when(from_the_start).then(pl.lit(FROM_THE_START)).otherwise(quarter)
    )
