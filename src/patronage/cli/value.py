"""`patronage value …`: what customers are worth."""

from __future__ import annotations

from datetime import date

from cyclopts import App

from patronage.access.errors import NotFound
from patronage.access.roles import Right
from patronage.cli.call import current
from patronage.cli.show import facts, rows, working
from patronage.differentiate import jobs, reads
from patronage.differentiate.models import ValuationRun
from patronage.vocabulary.money import Money

app = App(name="value", help="What customers are worth.")


@app.command
def run(*, as_of: date) -> None:
    """Value every customer as of a date; the same inputs again give the run that is there.

    Parameters
    ----------
    as_of
        The date; nothing that happened after it is seen.
    """
    call = current()
    with working(f"Valuing customers as of {as_of}") as progress:
        done = jobs.value(actor=call.actor, now=call.clock(), as_of=as_of, progress=progress)
    facts("", _shown(done))


@app.command
def show(*, as_of: date | None = None, customer: str | None = None) -> None:
    """Show the newest valuation, or one customer's over time.

    Parameters
    ----------
    as_of
        Date of the valuation; the newest without it.
    customer
        Id of the customer.
    """
    call = current()
    if customer is not None:
        history = reads.value_history(call.actor, customer, call.clock())
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
            empty="This customer was never valued. Run `patronage value run --as-of DATE`.",
        )
        return
    call.actor.require(Right.SEE_PROFITABILITY)
    found = reads.newest_run() if as_of is None else reads.run_at(as_of)
    if found is None:
        raise NotFound(noun="valuation as of", id=str(as_of or "any date"))
    facts("", _shown(found))


def _shown(found: ValuationRun) -> dict[str, object]:
    return {
        "as_of": found.as_of,
        "customers": found.customers,
        "value": Money(found.total_minor, found.currency),
        "horizon_days": found.horizon_days,
        "purchase_model": found.purchase_model_id,
        "spend_model": found.spend_model_id,
        "run": found.id,
    }
