"""`patronage service-tier …`: how a customer is served, by value or as a manager said."""

from __future__ import annotations

from datetime import date

from cyclopts import App

from patronage.cli.call import current
from patronage.cli.customer import id_of
from patronage.cli.show import facts, rows, say
from patronage.govern import actions
from patronage.govern.reads.service_tiers import service_tier_of

app = App(name="service-tier", help="How a customer is served.")


@app.command
def show(customer: str) -> None:
    """Show how a customer is served, why, and every change of it.

    Parameters
    ----------
    customer
        Id, or what a source calls the customer.
    """
    call = current()
    found = service_tier_of(call.actor, id_of(customer), call.clock())
    facts(
        "",
        {
            "tier": found.tier,
            "by_value": found.by_value,
            "set_by": found.set_by,
            "reason": found.reason,
            "until": found.until,
        },
    )
    rows(
        "",
        [
            {
                "tier": step.tier,
                "from": step.starts_at,
                "until": step.ends_at or "",
                "cause": step.cause,
                "reason": step.reason,
            }
            for step in found.history
        ],
        empty="It never changed.",
    )


@app.command(name="set")
def set_(customer: str, tier: str, *, reason: str, until: date | None = None) -> None:
    """Serve a customer in another tier than their value gives.

    Parameters
    ----------
    customer
        Id, or what a source calls the customer.
    tier
        Name of one of the declared service tiers.
    reason
        Why, for others to read.
    until
        Last date on which it holds; until it is ended without it.
    """
    call = current()
    actions.override_service_tier(
        actor=call.actor,
        now=call.clock(),
        customer_id=id_of(customer),
        tier=tier,
        reason=reason,
        until=until,
    )
    say(f"The customer is served as {tier!r} from now on.")


@app.command
def revoke(customer: str, *, reason: str) -> None:
    """Let a customer's value decide again how they are served.

    Parameters
    ----------
    customer
        Id, or what a source calls the customer.
    reason
        Why, for others to read.
    """
    call = current()
    customer_id = id_of(customer)
    actions.end_service_override(
        actor=call.actor, now=call.clock(), customer_id=customer_id, reason=reason
    )
    found = service_tier_of(call.actor, customer_id, call.clock())
    say(f"Their value decides again: the customer is served as {found.tier!r}.")
