"""`patronage need …`: what customers say they need."""

from __future__ import annotations

from cyclopts import App

from patronage.cli.call import current
from patronage.cli.customer import id_of
from patronage.cli.show import rows, say
from patronage.differentiate import reads
from patronage.interact.actions import record_said_need

app = App(name="need", help="What customers say they need.")


@app.command
def record(customer: str, need: str, *, channel: str, note: str = "") -> None:
    """Record what a customer said they need; the next decision about them reckons with it.

    Parameters
    ----------
    customer
        Id, or what a source calls the customer.
    need
        A need of the company's taxonomy.
    channel
        Where it was said, such as call.
    note
        Their own words; kept encrypted.
    """
    call = current()
    record_said_need(
        actor=call.actor,
        now=call.clock(),
        customer_id=id_of(customer),
        need=need,
        channel=channel,
        note=note,
    )
    say(f"Recorded: the customer needs {need!r}.")


@app.command(name="list")
def list_(customer: str) -> None:
    """Show the needs that a customer expressed.

    Parameters
    ----------
    customer
        Id, or what a source calls the customer.
    """
    call = current()
    rows(
        "",
        [
            {
                "need": each.name,
                "said_at": each.said_at,
                "channel": each.channel,
                "status": each.status,
            }
            for each in reads.needs_of(call.actor, id_of(customer), call.clock())
        ],
        empty="The customer has said nothing yet. Record it with `patronage need record`.",
    )
