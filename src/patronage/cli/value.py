"""`patronage value …`: what customers are worth."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from cyclopts import App

from patronage.cli.call import current
from patronage.cli.show import Share, facts, heading, rows, working
from patronage.cli.steering import acquisition, levers, loyalty, metrics, segments
from patronage.cli.value_audit import audit
from patronage.cli.value_models import backtest, compare, fit
from patronage.differentiate import jobs, reads
from patronage.differentiate.models import ValuationRun
from patronage.differentiate.reads import worth, worth_list
from patronage.differentiate.reads.customer_base import Chosen, customer_base
from patronage.vocabulary.money import Money

app = App(name="value", help="What customers are worth.")
app.command(fit)
app.command(backtest)
app.command(compare)
app.command(audit)
for _verb in (acquisition, levers, loyalty, metrics, segments):
    app.command(_verb)


@app.command
def score(*, as_of: date) -> None:
    """Value every customer as of a date; the same inputs again give the run that is there.

    Parameters
    ----------
    as_of
        The date; nothing that happened after it is seen.
    """
    call = current()
    with working(f"Valuing customers as of {as_of}") as progress:
        done = jobs.value(actor=call.actor, now=call.clock(), as_of=as_of, progress=progress)
    facts("", _run(done))


@app.command
def show(
    *,
    as_of: date | None = None,
    customer: str | None = None,
    portfolio: str = "",
    tier: str = "",
    objective: str = "",
    sort: worth_list.Sort = "value",
    limit: int = 10,
) -> None:
    """Show what customers are worth together and who carries it, or one customer over time.

    Parameters
    ----------
    as_of
        Date of the valuation; the newest without it.
    customer
        Id of the customer.
    portfolio
        Id of the portfolio meant; all in scope without it.
    tier
        Only customers of this tier.
    objective
        Only customers with this objective.
    sort
        Which customers first: by value, gain, loss, margin, risk, or room up to their potential.
    limit
        How many customers to list.
    """
    call = current()
    if customer is not None:
        _over_time(reads.value_history(call.actor, customer, call.clock()))
        return
    base = customer_base(
        call.actor,
        call.clock(),
        as_of=as_of,
        chosen=Chosen(portfolio_id=portfolio, tier=tier, objective=objective),
    )
    summary = worth.summary_of(base)
    facts("", _run(base.run) | _summary(summary))
    for title, parts in (
        ("By tier", summary.tiers),
        ("By objective", summary.objectives),
        ("By need", summary.needs),
        ("By quarter of the first purchase", summary.cohorts),
    ):
        heading(title)
        rows("", _parts(parts, summary))
    if limit > 0:
        heading("Customers")
        page = worth_list.worth_page_of(base, sort=sort, limit=limit)
        rows("", [_customer(each, summary.currency) for each in page.rows])


def _over_time(history: Sequence[reads.CustomerValuation]) -> None:
    rows(
        "",
        [
            {
                "as_of": each.as_of,
                "value": Money(each.value_minor, each.currency),
                "low": Money(each.value_low_minor, each.currency),
                "high": Money(each.value_high_minor, each.currency),
                "tier": each.tier,
                "need": each.need,
                "objective": each.objective,
                "reason": each.objective_reason,
            }
            for each in history
        ],
        empty="This customer was never valued. Run `patronage value score --as-of DATE`.",
    )


def _run(found: ValuationRun) -> dict[str, Any]:
    return {
        "as_of": found.as_of,
        "customers": found.customers,
        "value": Money(found.total_minor, found.currency),
        "horizon_days": found.horizon_days,
        "purchase_model": found.purchase_model_id,
        "spend_model": found.spend_model_id,
        "challenger": found.challenger_id,
        "run": found.id,
    }


def _summary(summary: worth.ValueSummary) -> dict[str, Any]:
    def money(minor: int | None) -> Money | None:
        return None if minor is None else Money(minor, summary.currency)

    return {
        "customers": summary.customers,
        "value": money(summary.value_minor),
        "likely_low": money(summary.value_low_minor),
        "likely_high": money(summary.value_high_minor),
        "before": money(summary.before_minor),
        "before_as_of": summary.before_as_of,
        "middle_customer": money(summary.median_minor),
        "worth_less_than_nothing": summary.negative_customers,
        "margin_of_the_quarter": money(summary.margin_minor),
    }


def _parts(parts: Sequence[worth.Part], summary: worth.ValueSummary) -> list[dict[str, Any]]:
    total = summary.value_minor
    return [
        {
            "name": each.name or "not known",
            "customers": each.customers,
            "value": Money(each.value_minor, summary.currency),
            "share": Share(each.value_minor / total) if total > 0 else None,
            "before": Money(each.before_minor, summary.currency),
            "margin": Money(each.margin_minor, summary.currency),
        }
        for each in parts
    ]


def _customer(row: worth_list.WorthRow, currency: str) -> dict[str, Any]:
    change = row.change_minor
    return {
        "customer": row.customer_id,
        "label": row.label,
        "value": Money(row.value_minor, currency),
        "change": None if change is None else Money(change, currency),
        "buys_next_quarter": Share(row.probability_of_purchase),
        "at_risk": Money(row.at_risk_minor, currency),
        "tier": row.tier,
        "objective": row.objective,
    }
