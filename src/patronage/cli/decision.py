"""`patronage decision …`: what was chosen for a customer, and why."""

from __future__ import annotations

from cyclopts import App

from patronage.access.errors import Refused
from patronage.cli.call import current
from patronage.cli.customer import id_of
from patronage.cli.show import facts, rows, say
from patronage.customize import reads
from patronage.customize.actions import price_options
from patronage.customize.log import Candidate
from patronage.customize.replay import replay as make_again
from patronage.vocabulary.money import Money

app = App(name="decision", help="What was chosen for a customer, and why.")


@app.command
def show(decision: str, *, limit: int = 20) -> None:
    """Show a decision with the reasons of its candidates.

    Parameters
    ----------
    decision
        The decision's id.
    limit
        How many candidates to show.
    """
    call = current()
    view = reads.decision(call.actor, decision, call.clock())
    made = view.decision
    facts(
        "",
        {
            "customer": made.customer.label,
            "portfolio": made.portfolio.name,
            "at": made.at,
            "outcome": view.outcome_text,
            "contact": None if view.contact is None else view.contact.state,
            "held_out": made.held_out,
        },
    )
    _candidates(view.candidates, limit)


@app.command(name="next")
def next_(customer: str, *, channel: str | None = None, limit: int = 20) -> None:
    """Show what would be decided for a customer now; nothing is recorded.

    Parameters
    ----------
    customer
        Id, or what a source calls the customer.
    channel
        The channel the customer is in; all without it.
    limit
        How many candidates to show.
    """
    call = current()
    found = reads.next_best_action(call.actor, id_of(customer), call.clock(), channel=channel)
    facts(
        "",
        {
            "outcome": found.outcome_text,
            "offer": None if found.best is None else found.best.offer,
            "channel": None if found.best is None else found.best.channel,
            "wording": found.wording or None,
        },
    )
    _candidates(found.candidates, limit)


@app.command
def options(decision: str, *option: str) -> None:
    """Price the options that a customer takes, if the decision offered them and they go together.

    Parameters
    ----------
    decision
        The decision's id.
    option
        The name of each; none: the offer as it is.
    """
    call = current()
    priced = price_options(actor=call.actor, now=call.clock(), decision_id=decision, options=option)
    taken = ", ".join(priced.options) or None
    facts("", {"options": taken, "adds": Money(priced.price_minor, priced.currency)})


@app.command
def replay(decision: str) -> None:
    """Make a decision again from its log; exit status 1 where it comes out differently.

    Parameters
    ----------
    decision
        The decision's id.
    """
    call = current()
    view = reads.decision(call.actor, decision, call.clock())
    again = make_again(view.decision)
    if not again.equal:
        raise Refused(f"{decision} comes out differently: {'; '.join(again.differences)}.")
    say(f"{decision} comes out the same: choice, score and {len(again.reasons)} reasons.")


def _candidates(candidates: tuple[Candidate, ...], limit: int) -> None:
    rows(
        "Candidates",
        [
            {
                "offer": each.offer,
                "channel": each.channel,
                "worth_minor": each.score_minor,
                "reason": each.reason_text,
            }
            for each in candidates[:limit]
        ],
        empty="There was no candidate.",
    )
    if len(candidates) > limit:
        say(f"… and {len(candidates) - limit:,} more (--limit).")
