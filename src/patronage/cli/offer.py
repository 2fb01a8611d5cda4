"""`patronage offer …`: what product teams propose."""

from __future__ import annotations

import tomllib
from dataclasses import MISSING, fields
from datetime import datetime
from pathlib import Path
from typing import Any

from cyclopts import App

from patronage.access import company
from patronage.access.errors import NotFound, Refused
from patronage.cli.call import current
from patronage.cli.show import facts, rows, say
from patronage.cli.texts import text_of
from patronage.customize import actions, reads
from patronage.customize.actions import Proposal, Wording
from patronage.customize.options import Option
from patronage.vocabulary.money import Money, MoneyError
from patronage.vocabulary.periods import as_utc

app = App(name="offer", help="What product teams propose.")


@app.command(name="list")
def list_() -> None:
    """Show the offers with what came of them."""
    call = current()
    rows(
        "",
        [
            {
                "offer": view.offer.name,
                "team": view.offer.team.name,
                "saves": Money(view.offer.face_value_minor, view.offer.currency),
                "offered": sum(place.offered for place in view.portfolios),
                "withheld": sum(place.withheld for place in view.portfolios),
                "blocked_by": [
                    place.portfolio
                    for place in view.portfolios
                    if place.ruling is not None and place.ruling.effect == "block"
                ],
                "id": view.offer.id,
            }
            for view in reads.offers(call.actor, call.clock())
        ],
        empty="There is no offer yet. Propose some with `patronage offer propose FILE`.",
    )


@app.command
def target(team: str, amount: str | None = None) -> None:
    """Say what a team means to sell this quarter, or show it; no decision reads it.

    Parameters
    ----------
    team
        The team's name.
    amount
        In the company's currency; shows what is set without it.
    """
    call = current()
    if amount is not None:
        wanted = _money(amount)
        actions.set_sales_target(
            actor=call.actor, now=call.clock(), team=team, amount_minor=wanted.minor
        )
    mine = [each for each in reads.sales_targets(call.actor, call.clock()) if each.team == team]
    if not mine:
        raise NotFound(noun="product team", id=team)
    for each in mine:
        said = None if each.amount_minor is None else Money(each.amount_minor, each.currency)
        facts("", {"team": each.team, "quarter": each.period, "target": said or "none"})


@app.command
def team(name: str, *, member: list[str] | None = None) -> None:
    """Create a product team, or add people to the one of that name.

    Parameters
    ----------
    name
        The team's name.
    member
        E-mail address of somebody who owns its offers; repeat the option for several.
    """
    call = current()
    made = actions.create_team(actor=call.actor, now=call.clock(), name=name, members=member or [])
    people = ", ".join(made.members.order_by("name").values_list("name", flat=True))
    say(f"{made.name!r} proposes offers; its people: {people or 'nobody yet'}.")


@app.command
def propose(file: Path) -> None:
    """Propose the offers of a TOML file; those that are there already stay as they are.

    Parameters
    ----------
    file
        The file: one [[offers]] each, with [[offers.treatments]] and, if any, [[offers.options]].
    """
    call = current()
    path = call.path(file)
    proposals = [_proposal(each, path) for each in _tables(path)]
    made = actions.propose_offers(actor=call.actor, now=call.clock(), rows=proposals)
    say("1 offer waits at the gate." if len(made) == 1 else f"{len(made)} offers wait at the gate.")


@app.command
def resubmit(offer: str, file: Path) -> None:
    """Submit a new version of an offer: back to every gate, and the version before closes.

    Parameters
    ----------
    offer
        The id of the version before.
    file
        A TOML file with the one new version as [[offers]], under a reference of its own.
    """
    call = current()
    path = call.path(file)
    tables = _tables(path)
    if len(tables) != 1:
        raise Refused(f"{path} holds one [[offers]], the new version; found {len(tables)}.")
    row = _proposal(tables[0], path)
    made = actions.resubmit_offer(actor=call.actor, now=call.clock(), offer_id=offer, row=row)
    say(f"Version {made.version} of {made.name!r} waits at the gate: {made.id}.")


@app.command
def rulings(offer: str) -> None:
    """Show every ruling on an offer, the latest first, and what was written about each.

    Parameters
    ----------
    offer
        The offer's id.
    """
    call = current()
    rows(
        "",
        [
            {
                "portfolio": each.ruling.portfolio.name,
                "ruling": each.ruling.effect,
                "state": each.state,
                "for": each.ruling.when or ("one customer" if each.ruling.customer_id else "all"),
                "why": each.ruling.reason or each.ruling.reason_code,
                "forgone_minor": each.ruling.forgone_minor,
                "messages": len(each.messages),
                "id": each.ruling.id,
            }
            for each in reads.offer_rulings(call.actor, offer, call.clock())
        ],
        empty="Nobody has ruled on it.",
    )


@app.command
def withdraw(offer: str, *, reason: str) -> None:
    """Close an offer from now on.

    Parameters
    ----------
    offer
        The offer's id.
    reason
        Why.
    """
    call = current()
    done = actions.withdraw_offer(actor=call.actor, now=call.clock(), offer_id=offer, reason=reason)
    say(f"{done.name!r} is withdrawn.")


@app.command
def funnel(offer: str) -> None:
    """Show how far an offer came with the customers of the last run.

    Parameters
    ----------
    offer
        The offer's id.
    """
    call = current()
    rows(
        "",
        [
            {"customers": each.customers, "reason": each.text}
            for each in reads.offer_funnel(call.actor, offer, call.clock())
        ],
        empty="No run has considered this offer yet.",
    )


def _tables(path: Path) -> list[dict[str, Any]]:
    try:
        content = tomllib.loads(text_of(path))
    except tomllib.TOMLDecodeError as error:
        raise Refused(f"{path} is not valid TOML: {error}") from error
    offers = content.get("offers")
    if set(content) != {"offers"} or not isinstance(offers, list):
        raise Refused(f"{path} holds [[offers]] and nothing else; found {', '.join(content)}.")
    return offers


def _proposal(table: dict[str, Any], path: Path) -> Proposal:
    words = [_record(Wording, each, path) for each in table.get("treatments", [])]
    options = [
        _record(Option, {**each, **_tuples(each)}, path) for each in table.get("options", [])
    ]
    instants = {
        name: _instant(value, name, path)
        for name in ("valid_from", "valid_until")
        if (value := table.get(name)) is not None
    }
    made: Proposal = _record(
        Proposal, {**table, **instants, "treatments": words, "options": options}, path
    )
    return made


def _tuples(table: dict[str, Any]) -> dict[str, Any]:
    return {name: tuple(table[name]) for name in ("needs", "excludes") if name in table}


def _record(kind: type, table: dict[str, Any], path: Path) -> Any:
    """Make a record of a table; unknown and missing keys are named."""
    known = {each.name: each for each in fields(kind)}
    for name in table:
        if name not in known:
            raise Refused(f"{path}: unknown key {name!r}; known are {', '.join(sorted(known))}.")
    for name, each in known.items():
        if name not in table and each.default is MISSING:
            raise Refused(f"{path}: an offer lacks {name!r}; add it.")
    return kind(**table)


def _instant(value: object, name: str, path: Path) -> datetime:
    if isinstance(value, datetime) and value.tzinfo is not None:
        return as_utc(value)
    raise Refused(
        f"{path}: {name} is an instant with its zone, such as 2017-10-01T00:00:00-04:00; "
        f"found {value!r}."
    )


def _money(typed: str) -> Money:
    try:
        return Money.typed(typed, company.current().company.currency)
    except MoneyError as error:
        raise Refused(str(error)) from error
