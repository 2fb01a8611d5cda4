"""`patronage objective …`: what is meant to be done with a customer, by rule or by a person."""

from __future__ import annotations

from datetime import date

from cyclopts import App

from patronage.cli.call import current
from patronage.cli.customer import id_of
from patronage.cli.show import facts, say
from patronage.differentiate import actions
from patronage.differentiate.reads.objectives import objective_of

app = App(name="objective", help="What is meant to be done with a customer.")


@app.command
def show(customer: str) -> None:
    """Show a customer's objective, why, since when, and what the rules ask for.

    Parameters
    ----------
    customer
        Id, or what a source calls the customer.
    """
    call = current()
    found = objective_of(call.actor, id_of(customer), call.clock())
    facts(
        "",
        {
            "objective": found.objective,
            "reason": found.reason,
            "since": found.since,
            "set_by": found.set_by,
            "until": found.until,
            "by_rule": found.by_rule,
            "rules_ask_for": found.asked,
            "times_asked": found.asked_times,
            "times_needed": found.needed_times,
        },
    )


@app.command(name="set")
def set_(customer: str, objective: str, *, reason: str, until: date | None = None) -> None:
    """Set a customer's objective above the rules, until a date or until it is revoked.

    Parameters
    ----------
    customer
        Id, or what a source calls the customer.
    objective
        retain, grow, convert, exit or acquire.
    reason
        Why, for others to read.
    until
        Last date on which it stands.
    """
    call = current()
    actions.override_objective(
        actor=call.actor,
        now=call.clock(),
        customer_id=id_of(customer),
        objective=objective,
        reason=reason,
        until=until,
    )
    say(f"The objective is {objective} from now on.")


@app.command
def revoke(customer: str, *, reason: str) -> None:
    """Let the rules decide on a customer's objective again.

    Parameters
    ----------
    customer
        Id, or what a source calls the customer.
    reason
        Why, for others to read.
    """
    call = current()
    customer_id = id_of(customer)
    actions.revoke_override(
        actor=call.actor, now=call.clock(), customer_id=customer_id, reason=reason
    )
    found = objective_of(call.actor, customer_id, call.clock())
    say(f"The rules decide again: the objective is {found.objective}.")
