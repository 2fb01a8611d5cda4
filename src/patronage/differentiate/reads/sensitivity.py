"""How much of the value hangs on what was assumed? Everybody valued anew, with one step changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import lru_cache, partial
from typing import Final

import numpy as np
import polars as pl
from django.conf import settings

from patronage.access import datasets
from patronage.access.company import company_of
from patronage.access.roles import Actor
from patronage.differentiate import registry
from patronage.differentiate.models import ValuationRun
from patronage.differentiate.reads.frames import valuations
from patronage.differentiate.reads.in_sight import in_scope, require_run
from patronage.differentiate.valuation.by_model import by_model
from patronage.differentiate.valuation.scoring import Histories, Models, Window, expected_margin
from patronage.science.equity import round_half_even_minor
from patronage.vocabulary.company import Provenance


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One assumption, moved."""

    #: "annual_discount_rate", "horizon_days", "margins" or "costs"
    assumption: str
    #: by how much: added to the rate, the days and the margin rate; costs are multiplied by 1 + it
    change: float


#: What is tried unless something else is asked.
STEPS: Final = (
    Step(assumption="annual_discount_rate", change=-0.02),
    Step(assumption="annual_discount_rate", change=0.02),
    Step(assumption="horizon_days", change=-365),
    Step(assumption="horizon_days", change=365),
    Step(assumption="margins", change=-0.01),
    Step(assumption="margins", change=0.01),
    Step(assumption="costs", change=-0.1),
    Step(assumption="costs", change=0.1),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """The value under one other assumption; minor units."""

    step: Step
    #: the assumption after the step: a rate, days, or NULL where it differs by customer
    becomes: float | None
    total_minor: int
    change_minor: int
    #: by tier of the valuation: the tiers' members stay who they are
    tiers: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sensitivity:
    """What the value of the customers in scope would be, had something else been assumed."""

    as_of: date
    run_id: str
    currency: str
    customers: int
    total_minor: int
    tiers: Mapping[str, int]
    moved: tuple[Moved, ...]
    #: who stands for each assumption; not approved where nobody does
    provenance: tuple[Provenance, ...]


def sensitivity(
    actor: Actor, now: datetime, *, as_of: date | None = None, steps: tuple[Step, ...] = STEPS
) -> Sensitivity:
    """Value everybody in scope anew, from the valuation's frozen statistics and models.

    Every figure is a full revaluation, not a slope: nothing is extrapolated from another step. A
    horizon is not made shorter than a day, nor a margin rate moved outside -1 to 1.

    Args:
        as_of: the date valued; the newest without one.

    Raises:
        NotAllowed: the actor may not see profitability.
        NotFound: nobody was valued as of that date, or at all.
    """
    run = require_run(actor, as_of)
    company = company_of(run.company_version)
    newest = datasets.head("valuations") or 0
    everybody = _revalued(str(settings.WAREHOUSE_ROOT), newest, run.pk, steps)
    frame = in_scope(everybody, actor, now)
    total = int(frame["value_minor"].sum())
    moved = tuple(
        Moved(
            step=step,
            becomes=_becomes(step, Window.of(company, run.as_of)),
            total_minor=int(frame[_column(place)].sum()),
            change_minor=int(frame[_column(place)].sum()) - total,
            tiers=_by_tier(frame, _column(place)),
        )
        for place, step in enumerate(steps)
    )
    return Sensitivity(
        as_of=run.as_of,
        run_id=run.id,
        currency=run.currency,
        customers=len(frame),
        total_minor=total,
        tiers=_by_tier(frame, "value_minor"),
        moved=moved,
        provenance=tuple(
            company.provenance_of(name) for name in dict.fromkeys(step.assumption for step in steps)
        ),
    )


def _column(place: int) -> str:
    return f"step_{place}_minor"


def _by_tier(frame: pl.DataFrame, column: str) -> dict[str, int]:
    summed = frame.group_by("tier", maintain_order=True).agg(pl.col(column).sum())
    return {tier: int(minor) for tier, minor in summed.iter_rows()}


@lru_cache(maxsize=2)
def _revalued(_root: str, _newest: int, run_id: str, steps: tuple[Step, ...]) -> pl.DataFrame:
    """`customer_id`, `tier`, `value_minor` as frozen and one column a step, most valuable first."""
    run = ValuationRun.objects.get(pk=run_id)
    frame = valuations(run)
    window = Window.of(company_of(run.company_version), run.as_of)
    worth = by_model(
        frame,
        registry.models_of(run.purchase_model, run.spend_model),
        registry.others_of(run),
        partial(_stepwise, window=window, steps=steps),
    )
    kept = pl.concat([frame.select("customer_id", "tier", "value_minor"), worth], how="horizontal")
    return kept.sort(["value_minor", "customer_id"], descending=[True, False])


def _stepwise(
    frame: pl.DataFrame, models: Models, *, window: Window, steps: tuple[Step, ...]
) -> pl.DataFrame:
    """One column a step: what these customers are worth under it, minor units."""
    histories = Histories.of(frame, window.minor_per_major)
    columns = {}
    for place, step in enumerate(steps):
        tried, other = _stepped(histories, window, step)
        worth = expected_margin(
            tried,
            models,
            seen_on=window.as_of,
            after=window.as_of,
            until=window.as_of + timedelta(days=other.horizon_days),
            annual_discount_rate=other.annual_discount_rate,
        )
        columns[_column(place)] = round_half_even_minor(
            worth, minor_per_major=window.minor_per_major
        )
    return pl.DataFrame(columns)


def _stepped(histories: Histories, window: Window, step: Step) -> tuple[Histories, Window]:
    match step.assumption:
        case "annual_discount_rate":
            rate = window.annual_discount_rate + step.change
            return histories, replace(window, annual_discount_rate=rate)
        case "horizon_days":
            days = max(window.horizon_days + round(step.change), 1)
            return histories, replace(window, horizon_days=days)
        case "margins":
            rates = np.clip(histories.margin_rate + step.change, -1.0, 1.0)
            return replace(histories, margin_rate=rates), window
        case "costs":
            times = 1 + step.change
            dearer = replace(
                histories, serve=histories.serve * times, keeping=histories.keeping * times
            )
            return dearer, window
    raise ValueError(
        f"{step.assumption!r} is no assumption that can be moved: expected "
        "annual_discount_rate, horizon_days, margins or costs"
    )


def _becomes(step: Step, window: Window) -> float | None:
    if step.assumption == "annual_discount_rate":
        return window.annual_discount_rate + step.change
    if step.assumption == "horizon_days":
        return float(max(window.horizon_days + round(step.change), 1))
    return None
