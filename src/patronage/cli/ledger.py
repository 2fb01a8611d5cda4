"""`patronage ledger …`: what customers and divisions earned, and whether the books agree."""

from __future__ import annotations

from datetime import date

from cyclopts import App

from patronage.access import company
from patronage.cli.call import current
from patronage.cli.customer import id_of
from patronage.cli.show import facts, heading, rows, say
from patronage.differentiate import actions
from patronage.differentiate.reads.divisions import customer_divisions, leading_divisions
from patronage.differentiate.reads.reconciliation import Reconciliation, reconciliation
from patronage.vocabulary.money import Money

app = App(name="ledger", help="What customers earned, and whether the books agree.")


@app.command
def record(
    measure: str, amount_minor: int, *, first_day: date, last_day: date, source: str
) -> None:
    """Record what the books say of a period, for `reconcile` to compare with.

    Parameters
    ----------
    measure
        sales, returns, revenue, cost_of_goods or gross_margin.
    amount_minor
        In cents; returns are zero or below, costs zero or above.
    first_day
        First business date of the period.
    last_day
        Last business date of the period.
    source
        Where the figure comes from.
    """
    call = current()
    total = actions.record_control_total(
        actor=call.actor,
        now=call.clock(),
        first_day=first_day,
        last_day=last_day,
        measure=measure,
        amount_minor=amount_minor,
        source=source,
    )
    amount = Money(total.amount_minor, total.currency)
    say(f"Recorded: {measure} of {first_day} to {last_day} is {amount}.")


@app.command
def reconcile(*, first_day: date | None = None, last_day: date | None = None) -> None:
    """Compare customers, products, divisions and the books over a period, to the cent.

    Parameters
    ----------
    first_day
        First business date; the newest valuation's quarter without both.
    last_day
        Last business date.
    """
    call = current()
    found = reconciliation(call.actor, call.clock(), first_day=first_day, last_day=last_day)
    facts(
        "",
        {"first_day": found.first_day, "last_day": found.last_day, "closes": found.closes},
    )
    measures = list(found.sides["lines"])
    rows(
        "",
        [
            {"side": side, **{name: _money(found, figures.get(name)) for name in measures}}
            for side, figures in found.sides.items()
            if figures
        ],
    )
    _apart(found)


@app.command
def divisions(customer: str | None = None) -> None:
    """Show what each division earned in the quarter, and for whom it leads.

    Parameters
    ----------
    customer
        Id, or what a source calls the customer; everybody in sight without it.
    """
    call = current()
    if customer is None:
        currency = company.current().company.currency
        rows(
            "",
            [
                {
                    "division": each.division or "none",
                    "leads": each.leads,
                    "customers": each.customers,
                    "revenue": Money(each.revenue_minor, currency),
                    "margin": Money(each.margin_minor, currency),
                }
                for each in leading_divisions(call.actor, call.clock())
            ],
        )
        return
    found = customer_divisions(call.actor, id_of(customer), call.clock())
    rows(
        "",
        [
            {
                "division": each.division or "none",
                "revenue": Money(each.revenue_minor, found.currency),
                "cost_of_goods": Money(each.cost_of_goods_minor, found.currency),
                "cost_to_serve": Money(each.cost_to_serve_minor, found.currency),
                "margin": Money(each.margin_minor, found.currency),
                "leads": each.is_lead,
            }
            for each in found.divisions
        ],
    )


def _apart(found: Reconciliation) -> None:
    """Everything that is not the same on every side."""
    if found.differences:
        heading("Differences")
        rows(
            "",
            [
                {
                    "side": each.side,
                    "measure": each.measure,
                    "difference": _money(found, each.difference_minor),
                    "explained": _money(found, each.explained_minor),
                    "unexplained": _money(found, each.unexplained_minor),
                }
                for each in found.differences
            ],
        )
    if found.unallocated:
        heading("Lines allocated to nobody or to no product")
        rows(
            "",
            [
                {
                    "kind": each.kind,
                    "lines": each.lines,
                    "revenue": _money(found, each.revenue_minor),
                    "such_as": each.examples,
                }
                for each in found.unallocated
            ],
        )
    if found.accounts:
        heading(f"Accounts that their lines contradict: {found.accounts_apart}")
        rows(
            "",
            [
                {
                    "customer": each.customer_id,
                    "lines": _money(found, each.lines_minor),
                    "account": _money(found, each.valued_minor),
                }
                for each in found.accounts
            ],
        )


def _money(found: Reconciliation, minor: int | None) -> Money | None:
    return None if minor is None else Money(minor, found.currency)
