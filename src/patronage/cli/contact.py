"""`patronage contact …`: what is on its way to customers."""

from __future__ import annotations

from cyclopts import App

from patronage.cli.call import current
from patronage.cli.show import facts, rows, say, working
from patronage.interact import jobs, reads

app = App(name="contact", help="What is on its way to customers.")


@app.command
def deliver() -> None:
    """Hand over every contact that is due, once each."""
    call = current()
    with working("Handing contacts over") as progress:
        done = jobs.deliver(actor=call.actor, now=call.clock(), progress=progress)
    facts(
        "",
        {
            "sent": done.sent,
            "cancelled": sum(done.cancelled.values()),
            "postponed": done.postponed,
            "in_doubt": done.in_doubt,
        },
    )
    for reason, count in done.cancelled.items():
        say(f"{count:,} cancelled: {reason}")


@app.command(name="list")
def list_(*, state: str = "", channel: str = "", limit: int = 20) -> None:
    """Show contacts.

    Parameters
    ----------
    state
        queued, sending, sent or cancelled; all without it.
    channel
        One channel; all without it.
    limit
        How many to show.
    """
    call = current()
    page = reads.contacts(call.actor, call.clock(), state=state, channel=channel, limit=limit)
    rows(
        "",
        [
            {
                "customer": each.customer.label,
                "offer": each.treatment.offer.name,
                "channel": each.channel,
                "due_at": each.due_at,
                "state": each.state,
                "reason": each.state_reason or None,
                "decision": each.decision_id,
            }
            for each in page.contacts
        ],
        empty="There is no such contact. Decide with `patronage decide --as-of DATE`.",
    )
    if page.next is not None:
        say("There are more (--limit).")
