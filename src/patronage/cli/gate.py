"""`patronage gate …`: what managers let through to their customers."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import date, datetime
from typing import Any, Literal

from cyclopts import App

from patronage.access.company import current as declared
from patronage.access.company import within_calendar
from patronage.access.errors import NotFound, Refused
from patronage.cli.call import current
from patronage.cli.customer import id_of
from patronage.cli.show import facts, rows, say
from patronage.customize import actions, reads
from patronage.customize.reads import GateRow, RulingView
from patronage.vocabulary.money import Money
from patronage.vocabulary.periods import BusinessCalendar

app = App(name="gate", help="What managers let through to their customers.")

Effect = Literal["allow", "adapt", "block"]


@app.command(name="list")
def list_(*, state: Literal["waiting", "ruled"] | None = None, limit: int = 30) -> None:
    """Show the offers at the gate: those that wait first, then by what is at stake.

    Parameters
    ----------
    state
        waiting: nobody has ruled yet; ruled: somebody has.
    limit
        How many to show.
    """
    call = current()
    found = reads.gate(call.actor, call.clock(), state=state)
    rows(
        "",
        [_row(each) for each in found[:limit]],
        empty="No offer waits at the gate.",
    )
    if len(found) > limit:
        say(f"… and {len(found) - limit:,} more (--limit).")


@app.command
def rule(
    offer: str,
    portfolio: str,
    effect: Effect,
    *,
    reason_code: str = "fits",
    reason: str = "",
    adaptation: str = "{}",
    when: str = "",
    customer: str | None = None,
    until: date | None = None,
    test_share: float = 0.0,
    preview: bool = False,
) -> None:
    """Allow, adapt or block an offer for a portfolio.

    Parameters
    ----------
    offer
        The offer's id.
    portfolio
        Name or id of the portfolio.
    effect
        The ruling.
    reason_code
        One of the reasons, such as too_many_contacts.
    reason
        In words; the offer's owner reads them.
    adaptation
        For adapt, as JSON: face_value_minor, channels, wording, not_before, options (names kept).
    when
        A condition: only for the customers of the portfolio for whom it is true.
    customer
        Only for this customer: id, or what a source calls them.
    until
        The last day on which it counts; then what held before holds again.
    test_share
        Of a block, at most 0.05: the share of customers for whom it is lifted by chance.
    preview
        Only say what the ruling would cost.
    """
    call = current()
    now, changes = call.clock(), _changes(adaptation)
    portfolio_id = _portfolio(portfolio)
    asked: dict[str, Any] = {
        "offer_id": offer,
        "portfolio_id": portfolio_id,
        "effect": effect,
        "adaptation": changes,
        "when": when,
        "customer_id": None if customer is None else id_of(customer),
        "test_share": test_share,
    }
    if preview:
        facts("", asdict(actions.preview_ruling(actor=call.actor, now=now, **asked)))
        return
    ruling = actions.rule(
        actor=call.actor,
        now=now,
        reason_code=reason_code,
        reason=reason,
        valid_until=None if until is None else _end_of(until),
        **asked,
    )
    forgone = ruling.forgone_minor
    cost = "" if forgone is None else f" Forgone: {Money(forgone, ruling.offer.currency)}."
    say(f"{ruling.offer.name!r} is ruled: {effect}.{cost}")


@app.command
def rulings(offer: str, portfolio: str) -> None:
    """Show every ruling of a portfolio on an offer: those in force first.

    Parameters
    ----------
    offer
        The offer's id.
    portfolio
        Name or id of the portfolio.
    """
    call = current()
    found = reads.rulings(call.actor, offer, _portfolio(portfolio), call.clock())
    rows("", [_ruling(each) for each in found], empty="There is no ruling.")


@app.command
def answer(ruling: str, text: str) -> None:
    """Write to the other side of a ruling: the offer's owner to the manager, or back.

    Parameters
    ----------
    ruling
        The ruling's id.
    text
        What to say.
    """
    call = current()
    actions.answer_ruling(actor=call.actor, now=call.clock(), ruling_id=ruling, text=text)
    say("It stands beside the ruling.")


@app.command(name="take-back")
def take_back(ruling: str, *, reason: str) -> None:
    """End a ruling now: what held before it holds again.

    Parameters
    ----------
    ruling
        The ruling's id.
    reason
        Why; the offer's owner reads it.
    """
    call = current()
    done = actions.take_back_ruling(
        actor=call.actor, now=call.clock(), ruling_id=ruling, reason=reason
    )
    say(f"The ruling on {done.offer.name!r} is taken back.")


def _ruling(each: RulingView) -> dict[str, object]:
    ruling = each.ruling
    return {
        "ruling": f"{ruling.effect}{' (by default)' if ruling.by_default else ''}",
        "state": each.state,
        "for": ruling.when or each.customer or "the portfolio",
        "from": ruling.valid_from,
        "until": ruling.valid_until,
        "by": ruling.actor_name,
        "why": ruling.reason or ruling.reason_code,
        "id": ruling.id,
    }


def _end_of(last_day: date) -> datetime:
    company = declared().company
    return BusinessCalendar(company.time_zone).end_of_day(within_calendar(last_day))


def _row(each: GateRow) -> dict[str, object]:
    at_stake = each.at_stake_minor
    return {
        "offer": each.offer,
        "portfolio": each.portfolio,
        "ruling": f"{each.effect}{' (by default)' if each.by_default else ''}",
        "customers": each.customers,
        "best_for": each.best_for,
        "waits_since": each.waits_since,
        "falls_at": each.falls_at,
        "at_stake": None if at_stake is None else Money(at_stake, each.currency),
        "offer_id": each.offer_id,
    }


def _changes(adaptation: str) -> dict[str, object]:
    try:
        changes = json.loads(adaptation)
    except json.JSONDecodeError as error:
        raise Refused(f"--adaptation is not JSON: {error}.") from error
    if not isinstance(changes, dict):
        raise Refused('--adaptation is a JSON object, such as {"channels": ["email"]}.')
    return changes


def _portfolio(named: str) -> str:
    from patronage.govern.reads import my_portfolios

    call = current()
    for each in my_portfolios(call.actor, call.clock()):
        if named in (each.id, each.name):
            return each.id
    raise NotFound(noun="portfolio", id=named)
