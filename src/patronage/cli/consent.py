"""`patronage consent …`: what customers agreed to."""

from __future__ import annotations

from datetime import date
from typing import Literal

from cyclopts import App

from patronage.access import company
from patronage.cli.call import current
from patronage.cli.customer import id_of
from patronage.cli.show import say
from patronage.identify import actions
from patronage.vocabulary.periods import BusinessCalendar

app = App(name="consent", help="What customers agreed to.")


@app.command
def declare(
    *, channel: list[str] | None = None, source: str, since: date, purpose: str = "marketing"
) -> None:
    """Assume consent of every customer who has said nothing; it is shown as an assumption.

    Parameters
    ----------
    channel
        A channel; repeat the option for several; all declared ones without it.
    source
        What the assumption rests on.
    since
        First day on which it holds.
    purpose
        What they agree to: marketing or profiling.
    """
    call = current()
    declared = company.current().company
    written = actions.declare_consents(
        actor=call.actor,
        now=call.clock(),
        purpose=purpose,
        channels=channel or [each.name for each in declared.channels],
        source=source,
        valid_from=BusinessCalendar(declared.time_zone).start_of_day(since),
    )
    say(f"{written:,} consents are assumed.")


@app.command
def record(
    customer: str,
    state: Literal["given", "withdrawn"],
    *,
    channel: str,
    source: str,
    purpose: str = "marketing",
) -> None:
    """Record that a customer gave or withdrew consent, from now on.

    Parameters
    ----------
    customer
        Id, or what a source calls the customer.
    state
        What was said.
    channel
        For which channel.
    source
        Where it was said.
    purpose
        For what: marketing or profiling.
    """
    call = current()
    now = call.clock()
    actions.record_consent(
        actor=call.actor,
        now=now,
        customer_id=id_of(customer),
        purpose=purpose,
        channel=channel,
        state=state,
        source=source,
        valid_from=now,
    )
    say(f"Recorded: {purpose} by {channel} is {state}.")
