"""`patronage gate …`: what managers let through to their customers."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Literal

from cyclopts import App

from patronage.access.errors import NotFound, Refused
from patronage.cli.call import current
from patronage.cli.show import facts, rows, say
from patronage.customize import actions, reads
from patronage.customize.reads import GateRow
from patronage.vocabulary.money import Money

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
        For adapt, as JSON: face_value_minor, channels, wording, not_before.
    preview
        Only say what the ruling would cost.
    """
    call = current()
    now, changes = call.clock(), _changes(adaptation)
    portfolio_id = _portfolio(portfolio)
    if preview:
        seen = actions.preview_ruling(
            actor=call.actor,
            now=now,
            offer_id=offer,
            portfolio_id=portfolio_id,
            effect=effect,
            adaptation=changes,
        )
        facts("", asdict(seen))
        return
    ruling = actions.rule(
        actor=call.actor,
        now=now,
        offer_id=offer,
        portfolio_id=portfolio_id,
        effect=effect,
        reason_code=reason_code,
        reason=reason,
        adaptation=changes,
    )
    forgone = ruling.forgone_minor
    cost = "" if forgone is None else f" Forgone: {Money(forgone, ruling.offer.currency)}."
    say(f"{ruling.offer.name!r} is ruled: {effect}.{cost}")


def _row(each: GateRow) -> dict[str, object]:
    at_stake = each.at_stake_minor
    return {
        "offer": each.offer,
        "portfolio": each.portfolio,
        "ruling": f"{each.effect}{' (by default)' if each.by_default else ''}",
        "customers": each.customers,
        "best_for": each.best_for,
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
