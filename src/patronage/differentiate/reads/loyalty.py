"""Who stayed, who left, what that earned; and who is satisfied and leaving all the same.

Loyalty is what customers do. Satisfaction is what they say, where the company asks them: the two
stand side by side, since satisfied customers leave too (Reichheld, 1996, "Learning from customer
defections", Harvard Business Review 74(2)).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

import ibis
import polars as pl

from patronage.access import datasets
from patronage.access.company import company_of
from patronage.access.roles import Actor
from patronage.differentiate.reads.frames import run_at, valuations
from patronage.differentiate.reads.in_sight import in_scope, labels_of, require_run
from patronage.science.evidence import UndeterminedError, wilson_interval
from patronage.vocabulary.company import Company
from patronage.vocabulary.periods import BusinessCalendar

#: A probability of buying that fell by at least this much since the quarter before is falling.
FALL: Final = 0.05
_LEVEL: Final = 0.90


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """Of the customers who bought in the quarter before, how many bought again; minor units."""

    #: by value at the quarter before; None for all of them
    tier: str | None
    #: who bought in the quarter before
    bought_before: int
    #: of them, who bought again
    stayed: int
    #: stayed as a share; churn is the rest; None where nobody bought before
    retention: float | None
    #: 90 % interval of the share
    retention_low: float | None
    retention_high: float | None
    #: share that the valuation before expected to buy again
    expected: float | None
    #: what those who stayed earned this quarter
    margin_stayed_minor: int
    #: what those who left had earned in the quarter before
    margin_lost_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaver:
    """Somebody who says they are satisfied and becomes less likely to buy; minor units."""

    customer_id: str
    label: str
    satisfaction: float
    observed_at: datetime
    probability_before: float
    probability_now: float
    value_minor: int
    #: value times the probability of not buying next quarter
    at_risk_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Corner:
    """One corner of what customers say against what they do; minor units."""

    satisfied: bool
    leaving: bool
    customers: int
    value_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Satisfaction:
    """What customers said by the date, beside what they do."""

    #: customers with an answer
    answered: int
    corners: Sequence[Corner]
    #: satisfied and leaving, most value at risk first; the first ones
    leavers: Sequence[Leaver]
    #: how many there are in all
    leaving: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Loyalty:
    """Loyalty outcomes of a quarter, of the customers in scope."""

    run_id: str
    as_of: date
    quarter: str
    currency: str
    #: date of the valuation of the quarter before; None where there is none to compare with
    before: date | None
    #: whether the date ends its quarter: before that, who has not bought yet still may
    is_complete: bool
    tiers: Sequence[Kept]
    #: None without a valuation of the quarter before
    total: Kept | None
    #: name of the fact that says how satisfied customers are, and from when on they are
    fact: str
    satisfied_from: float
    #: None where the fact is known of nobody, or there is nothing to compare with
    satisfaction: Satisfaction | None
    #: whether anybody in scope has the fact
    fact_is_known: bool


def loyalty(actor: Actor, now: datetime, *, as_of: date | None = None, limit: int = 50) -> Loyalty:
    """Give churn, retention and margin of a quarter, and who is satisfied and leaving.

    Args:
        as_of: the date valued; the newest without one.
        limit: how many of the satisfied leavers to name.

    Raises:
        NotAllowed: the actor may not see profitability.
        NotFound: nobody was valued as of that date, or at all.
    """
    run = require_run(actor, as_of)
    company = company_of(run.company_version)
    calendar = BusinessCalendar(company.time_zone)
    quarter = calendar.quarter_of(run.as_of)
    before = run_at(calendar.previous_quarter_end(run.as_of))
    now_frame = in_scope(valuations(run), actor, now)
    both = None if before is None else _both(now_frame, valuations(before))
    answers = _answers(company, calendar.end_of_day(run.as_of))
    known = now_frame.join(answers, on="customer_id", how="semi").height > 0
    said = None
    if both is not None and known:
        said = _satisfaction(both, answers, company, limit)
    return Loyalty(
        run_id=run.id,
        as_of=run.as_of,
        quarter=str(quarter),
        currency=run.currency,
        before=before.as_of if before else None,
        is_complete=run.as_of == quarter.last_day,
        tiers=[] if both is None else _tiers(both, company),
        total=None if both is None else _kept(both, None),
        fact=company.steering.satisfaction_fact,
        satisfied_from=company.steering.satisfied_from,
        satisfaction=said,
        fact_is_known=known,
    )


def _both(now: pl.DataFrame, before: pl.DataFrame) -> pl.DataFrame:
    """Those in scope who were valued at both dates, their figures of both."""
    margin = (
        pl.col("quarter_sales_minor")
        + pl.col("quarter_returns_minor")
        - pl.col("quarter_cost_of_goods_minor")
        - pl.col("quarter_cost_to_serve_minor")
    )
    then = before.select(
        "customer_id",
        tier_before="tier",
        bought_before=pl.col("quarter_baskets") > 0,
        expected="probability_of_purchase",
        margin_before=margin,
    )
    today = now.select(
        "customer_id",
        "value_minor",
        bought=pl.col("quarter_baskets") > 0,
        probability="probability_of_purchase",
        margin_now=margin,
    )
    return then.join(today, on="customer_id", how="inner")


def _tiers(both: pl.DataFrame, company: Company) -> list[Kept]:
    return [
        _kept(both.filter(pl.col("tier_before") == tier.name), tier.name) for tier in company.tiers
    ]


def _kept(both: pl.DataFrame, tier: str | None) -> Kept:
    buyers = both.filter("bought_before")
    stayed = buyers.filter("bought")
    try:
        share = wilson_interval(len(stayed), len(buyers), level=_LEVEL)
    except UndeterminedError:
        share = None
    return Kept(
        tier=tier,
        bought_before=len(buyers),
        stayed=len(stayed),
        retention=share.estimate if share else None,
        retention_low=share.low if share else None,
        retention_high=share.high if share else None,
        expected=float(buyers["expected"].to_numpy().mean()) if len(buyers) else None,
        margin_stayed_minor=int(stayed["margin_now"].sum()),
        margin_lost_minor=int(buyers.filter(~pl.col("bought"))["margin_before"].sum()),
    )


def _answers(company: Company, end: datetime) -> pl.DataFrame:
    """`customer_id`, `satisfaction`, `observed_at`: each one's newest answer by the instant."""
    facts = datasets.read("customer_facts")
    asked = facts.filter(
        (facts.name == company.steering.satisfaction_fact)
        & facts.value_number.notnull()
        & (facts.observed_at < ibis.literal(end, type="timestamp('UTC')"))
    )
    rows = datasets.warehouse().polars(
        asked.select("customer_id", "observed_at", satisfaction=asked.value_number)
    )
    newest = rows.sort("observed_at", "satisfaction").group_by("customer_id").last()
    return newest.sort("customer_id")


def _satisfaction(
    both: pl.DataFrame, answers: pl.DataFrame, company: Company, limit: int
) -> Satisfaction:
    described = both.join(answers, on="customer_id", how="inner").with_columns(
        satisfied=pl.col("satisfaction") >= company.steering.satisfied_from,
        leaving=pl.col("expected") - pl.col("probability") >= FALL,
        at_risk_minor=(pl.col("value_minor") * (1 - pl.col("probability"))).round().cast(pl.Int64),
    )
    leavers = described.filter("satisfied", "leaving").sort(
        ["at_risk_minor", "customer_id"], descending=[True, False]
    )
    named = leavers.head(limit)
    ids = named["customer_id"].to_list()
    labels = labels_of(ids)
    return Satisfaction(
        answered=len(described),
        corners=[
            _corner(described, satisfied=satisfied, leaving=leaving)
            for satisfied in (True, False)
            for leaving in (False, True)
        ],
        leavers=[
            Leaver(
                customer_id=row["customer_id"],
                label=labels.get(row["customer_id"], row["customer_id"]),
                satisfaction=row["satisfaction"],
                observed_at=row["observed_at"],
                probability_before=row["expected"],
                probability_now=row["probability"],
                value_minor=row["value_minor"],
                at_risk_minor=row["at_risk_minor"],
            )
            for row in named.to_dicts()
        ],
        leaving=len(leavers),
    )


def _corner(described: pl.DataFrame, *, satisfied: bool, leaving: bool) -> Corner:
    there = described.filter(satisfied=satisfied, leaving=leaving)
    return Corner(
        satisfied=satisfied,
        leaving=leaving,
        customers=len(there),
        value_minor=int(there["value_minor"].sum()),
    )
