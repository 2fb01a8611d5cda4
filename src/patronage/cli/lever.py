"""`patronage lever …`: what one may do for a customer, and how far."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, Literal

from cyclopts import App

from patronage.access import company
from patronage.access.errors import Refused
from patronage.cli.call import act_as, current
from patronage.cli.customer import id_of
from patronage.cli.portfolio import portfolio_id
from patronage.cli.show import rows, say
from patronage.govern import actions, reads
from patronage.govern.amounts import amount_said, amount_typed
from patronage.govern.limits import LEVERS, UNITS
from patronage.govern.said import PER_WORDS, Said

app = App(name="lever", help="What one may do for a customer, and how far.")

Per = Literal["use", "customer_quarter", "quarter"]


@app.command
def show() -> None:
    """Show what I may do, what I did, what waits for my word, what I passed on."""
    call = current()
    mine = reads.my_levers(call.actor, call.clock())
    rows("I may", _grants(mine.held), empty="No lever was granted to you.")
    rows("Waiting for my word", _uses(mine.waiting), empty="Nothing waits for you.")
    rows("To review", _uses(mine.to_review), empty="Nothing was done that you have not seen.")
    rows("I did", _uses(mine.used), empty="You have pulled no lever yet.")
    rows("Passed on", _grants(mine.delegated), empty="You passed nothing on.")


@app.command
def grants() -> None:
    """Show the rights to levers that I may see."""
    call = current()
    found = reads.grants(call.actor, call.clock())
    rows("", _grants(found), empty="No lever was granted yet.")


@app.command
def use(
    customer: str,
    lever: str,
    amount: str,
    *,
    reason: str,
    category: str = "",
    product: str = "",
    last: date | None = None,
) -> None:
    """Pull a lever for a customer: at once within one's right, else it waits for approval.

    Parameters
    ----------
    customer
        Id, or what a source calls the customer.
    lever
        price, discount, premium, goodwill, message, channel, frequency, service_level or offer.
    amount
        A percentage, money or a number of times, as the lever has it.
    reason
        Why.
    category
        What it is about; everything without it.
    product
        The same, for one product.
    last
        Last day; until it is taken back without it.
    """
    call = current()
    made = actions.pull_lever(
        actor=call.actor,
        now=call.clock(),
        customer_id=id_of(customer),
        lever=lever,
        amount=_amount(lever, amount),
        reason=reason,
        category=category,
        product=product,
        valid_until=company.instants_of(None, last)[1],
    )
    if made.state == "done":
        say(f"Done ({made.id}).")
    else:
        who = "the manager" if made.waits_for == "manager" else "an executive"
        say(f"This waits for {who} ({made.id}). {_words(made.reasons)}")


@app.command
def approve(use: str, *, reason: str) -> None:
    """Approve what waits.

    Parameters
    ----------
    use
        Its id, as `lever show` gives it.
    reason
        Why.
    """
    _rule(use, "approve", reason)


@app.command
def refuse(use: str, *, reason: str) -> None:
    """Refuse what waits.

    Parameters
    ----------
    use
        Its id.
    reason
        Why.
    """
    _rule(use, "refuse", reason)


@app.command
def review(use: str, *, reason: str) -> None:
    """Say that one has seen what was done at once.

    Parameters
    ----------
    use
        Its id.
    reason
        What one thinks of it.
    """
    _rule(use, "review", reason)


@app.command
def question(use: str, *, reason: str) -> None:
    """Ask who did it about what was done at once.

    Parameters
    ----------
    use
        Its id.
    reason
        The question.
    """
    _rule(use, "question", reason)


@app.command
def answer(use: str, *, reason: str) -> None:
    """Answer what was asked about what one did.

    Parameters
    ----------
    use
        Its id.
    reason
        The answer.
    """
    _rule(use, "answer", reason)


@app.command(name="take-back")
def take_back(use: str, *, reason: str) -> None:
    """Take a use back; what was paid by then stays paid.

    Parameters
    ----------
    use
        Its id.
    reason
        Why.
    """
    _rule(use, "take_back", reason)


@app.command
def grant(
    lever: str,
    limit: str,
    *,
    reason: str,
    portfolio: str = "",
    role: str = "",
    per: Per = "use",
    first: date | None = None,
    last: date | None = None,
) -> None:
    """Grant a lever to a portfolio's manager, or to everybody in a role.

    Parameters
    ----------
    lever
        Its name, as for `lever use`.
    limit
        A percentage, money or a number of times.
    reason
        Why.
    portfolio
        Name or id.
    role
        agent or complaint_handler.
    per
        use, customer_quarter or quarter.
    first
        First day; from now on without it.
    last
        Last day; until it is ended without it.
    """
    call = current()
    starts_at, ends_at = company.instants_of(first, last)
    made = actions.grant_lever(
        actor=call.actor,
        now=call.clock(),
        lever=lever,
        limit=_amount(lever, limit),
        per=per,
        reason=reason,
        portfolio_id=portfolio_id(portfolio) if portfolio else "",
        role=role,
        starts_at=starts_at,
        ends_at=ends_at,
    )
    say(f"Granted ({made.id}).")


@app.command
def delegate(
    grant: str,
    limit: str,
    *,
    to: str,
    reason: str,
    first: date | None = None,
    last: date | None = None,
) -> None:
    """Pass a part of one's own right on to a person.

    Parameters
    ----------
    grant
        Id of the right, as `lever show` gives it.
    limit
        At most what one holds.
    to
        E-mail address of the person.
    reason
        Why.
    first
        First day; from now on without it.
    last
        Last day; as long as one's own without it.
    """
    call = current()
    lever = next(
        (each.lever for each in reads.grants(call.actor, call.clock()) if each.id == grant), ""
    )
    starts_at, ends_at = company.instants_of(first, last)
    made = actions.delegate_lever(
        actor=call.actor,
        now=call.clock(),
        grant_id=grant,
        person_id=act_as(to, call.clock()).id,
        limit=_amount(lever, limit) if lever else 0,
        reason=reason,
        starts_at=starts_at,
        ends_at=ends_at,
    )
    say(f"Passed on ({made.id}).")


@app.command
def end(grant: str, *, reason: str) -> None:
    """End a right before its time, with every part that was passed on.

    Parameters
    ----------
    grant
        Its id.
    reason
        Why.
    """
    call = current()
    actions.end_grant(actor=call.actor, now=call.clock(), grant_id=grant, reason=reason)
    say("Ended.")


def _rule(use: str, ruling: str, reason: str) -> None:
    call = current()
    done = actions.rule_on_lever(
        actor=call.actor, now=call.clock(), use_id=use, ruling=ruling, reason=reason
    )
    say(f"It is {done.state.replace('_', ' ')} now.")


def _amount(lever: str, text: str) -> int:
    if lever not in UNITS:
        raise Refused(f"{lever!r:.40} is none of the levers {', '.join(LEVERS)}.")
    return amount_typed(text, UNITS[lever], company.current().company.currency)


def _words(reasons: Sequence[dict[str, Any]]) -> str:
    return " ".join(str(Said.from_json(each)) for each in reasons)


def _grants(found: Sequence[reads.GrantRow]) -> list[dict[str, object]]:
    currency = company.current().company.currency
    return [
        {
            "lever": each.lever,
            "of": each.person or each.role or each.portfolio,
            "limit": amount_said(each.limit, each.unit, currency),
            "per": PER_WORDS[each.per],
            "used": amount_said(each.used, each.unit, currency),
            "state": each.state,
            "until": each.ends_at or "until it is ended",
            "id": each.id,
        }
        for each in found
    ]


def _uses(found: Sequence[reads.UseRow]) -> list[dict[str, object]]:
    return [
        {
            "customer": each.customer,
            "lever": each.lever,
            "amount": amount_said(each.amount, each.unit, each.currency),
            "about": each.product or each.category or "everything",
            "state": f"waits for {each.waits_for}" if each.waits_for else each.state,
            "by": each.made_by,
            "at": each.made_at,
            "reason": each.reason,
            "id": each.id,
        }
        for each in found
    ]
