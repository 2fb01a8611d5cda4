"""`patronage value audit`: the five views of the customer base as tables."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, Literal

from patronage.cli.call import current
from patronage.cli.show import Share, facts, heading, rows, share
from patronage.differentiate.reads import base_audit
from patronage.differentiate.reads.base_audit import Cohort, Totals
from patronage.vocabulary.money import Money

View = Literal["within", "between", "cohort", "cohorts", "whole"]


def audit(
    *,
    as_of: date | None = None,
    quarter: str = "",
    cohort: str = "",
    view: View | None = None,
) -> None:
    """Show how customers differ, what changed, and how cohorts live: five views of the base.

    Parameters
    ----------
    as_of
        Date of the valuation; the newest without it.
    quarter
        The quarter looked at, such as 2017-Q4; the newest without it.
    cohort
        The cohort looked at; the oldest without it.
    view
        One of the views only.
    """
    call = current()
    who: dict[str, Any] = {"actor": call.actor, "now": call.clock(), "as_of": as_of}
    if view in (None, "within"):
        _within(who, quarter)
    if view in (None, "between"):
        _between(who, quarter, needed=view is not None)
    if view in (None, "cohort"):
        _cohort(who, cohort, needed=view is not None)
    if view in (None, "cohorts"):
        compared = base_audit.cohorts_compared(**who)
        heading("Cohorts at the same age: share that bought")
        rows("", _ages(compared.cohorts), empty="There is no cohort yet.")
    if view in (None, "whole"):
        _whole(who)


def _within(who: dict[str, Any], quarter: str) -> None:
    found = base_audit.within_period(**who, quarter=quarter)
    heading(f"How customers differ in {found.quarter}")
    facts("", _totals(found.totals, found.currency) | {"unprofitable": found.unprofitable})
    rows(
        "",
        [
            {"tenth": each.number}
            | _totals(each.totals, found.currency)
            | {"share_of_margin": share(each.share_of_margin)}
            for each in found.tenths
        ],
    )


def _between(who: dict[str, Any], quarter: str, *, needed: bool) -> None:
    seen = base_audit.quarters_seen(**who)
    if not needed and (len(seen) < 2 or quarter == seen[0]):
        return
    found = base_audit.between_periods(**who, second=quarter)
    heading(f"What changed from {found.first} to {found.second}")
    first, second = found.first_totals.margin_minor, found.second_totals.margin_minor
    rows(
        "",
        [
            {"part": found.first, "margin": Money(first, found.currency)},
            *(
                {
                    "part": each.name.replace("_", " "),
                    "margin": Money(each.margin_minor, found.currency),
                }
                for each in found.effects
            ),
            {"part": found.second, "margin": Money(second, found.currency)},
        ],
    )
    rows(
        "",
        [
            {
                "customers_who": each.name,
                "customers": each.customers,
                "margin_before": Money(each.first_margin_minor, found.currency),
                "margin_after": Money(each.second_margin_minor, found.currency),
                "earned_more": each.grew,
            }
            for each in found.movements
        ],
    )


def _cohort(who: dict[str, Any], cohort: str, *, needed: bool) -> None:
    if not needed and not base_audit.cohorts_compared(**who).cohorts:
        return
    found = base_audit.one_cohort(**who, cohort=cohort)
    heading(f"{found.cohort.customers:,} customers who first bought in {found.cohort.cohort}")
    rows(
        "",
        [
            {"quarter": each.quarter, "active": Share(each.share_active)}
            | _totals(each.totals, found.currency)
            | {"margin_so_far": Money(each.cumulative_margin_minor, found.currency)}
            for each in found.cohort.quarters
        ],
    )


def _ages(cohorts: Sequence[Cohort]) -> list[dict[str, Any]]:
    ages = max((len(each.quarters) for each in cohorts), default=0)
    return [
        {"cohort": each.cohort, "customers": each.customers}
        | {
            f"+{age}": Share(each.quarters[age].share_active) if age < len(each.quarters) else None
            for age in range(ages)
        }
        for each in cohorts
    ]


def _whole(who: dict[str, Any]) -> None:
    found = base_audit.whole_base(**who)
    heading("The whole base: margin by cohort and quarter")
    layers = [
        {"cohort": each.cohort or "from the start", "customers": each.customers}
        | {
            quarter: next(
                (
                    Money(one.totals.margin_minor, found.currency)
                    for one in each.quarters
                    if one.quarter == quarter
                ),
                None,
            )
            for quarter in found.quarters
        }
        for each in found.cohorts
    ]
    total = {"cohort": "all", "customers": sum(each.customers for each in found.cohorts)} | {
        quarter: Money(totals.margin_minor, found.currency)
        for quarter, totals in zip(found.quarters, found.totals, strict=True)
    }
    rows("", [*layers, total])


def _totals(totals: Totals, currency: str) -> dict[str, Any]:
    return {
        "customers": totals.customers,
        "orders": totals.orders,
        "revenue": Money(totals.revenue_minor, currency),
        "margin": Money(totals.margin_minor, currency),
    }
