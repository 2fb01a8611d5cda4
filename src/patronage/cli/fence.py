"""`patronage fence …`: whom no mass contact reaches."""

from __future__ import annotations

from cyclopts import App

from patronage.access import company
from patronage.cli.call import current
from patronage.cli.customer import id_of
from patronage.cli.show import rows, say
from patronage.govern import actions
from patronage.govern.reads.fence import fence_changes, fences
from patronage.vocabulary.money import Money

app = App(name="fence", help="Whom no mass contact reaches.")


@app.command
def show() -> None:
    """Show who is within the fence of each portfolio, the most valuable first."""
    call = current()
    currency = company.current().company.currency
    found = fences(call.actor, call.clock())
    rows(
        "",
        [
            {
                "portfolio": each.portfolio,
                "places": each.capacity,
                "customer": one.label,
                "value": "" if one.value_minor is None else Money(one.value_minor, currency),
                "since": one.since,
                "cause": one.cause,
                "reason": one.reason,
            }
            for each in found
            for one in each.inside
        ],
        empty="Nobody is within a fence. Declare fence_capacity of a portfolio in company.toml.",
    )


@app.command
def changes() -> None:
    """Show who came within the fence or left it, when and why, the newest first."""
    call = current()
    rows(
        "",
        [
            {
                "at": each.at,
                "customer": each.label,
                "portfolio": each.portfolio,
                "now": "inside" if each.inside else "outside",
                "cause": each.cause,
                "reason": each.reason,
                "by": each.set_by,
            }
            for each in fence_changes(call.actor, call.clock())
        ],
        empty="Nobody ever came within a fence.",
    )


@app.command(name="in")
def in_(customer: str, *, reason: str) -> None:
    """Put a customer within the fence: no mass contact from now on.

    Parameters
    ----------
    customer
        Id, or what a source calls the customer.
    reason
        Why, for others to read.
    """
    _set(customer, inside=True, reason=reason)
    say("The customer is within the fence from now on.")


@app.command
def out(customer: str, *, reason: str) -> None:
    """Take a customer out of the fence.

    Parameters
    ----------
    customer
        Id, or what a source calls the customer.
    reason
        Why, for others to read.
    """
    _set(customer, inside=False, reason=reason)
    say("The customer is outside the fence from now on.")


@app.command
def release(customer: str, *, reason: str) -> None:
    """Let a customer's value decide again whether they are within the fence.

    Parameters
    ----------
    customer
        Id, or what a source calls the customer.
    reason
        Why, for others to read.
    """
    _set(customer, inside=None, reason=reason)
    say("Their value decides again from the next assignment on.")


def _set(customer: str, *, inside: bool | None, reason: str) -> None:
    call = current()
    actions.set_fence(
        actor=call.actor,
        now=call.clock(),
        customer_id=id_of(customer),
        inside=inside,
        reason=reason,
    )
