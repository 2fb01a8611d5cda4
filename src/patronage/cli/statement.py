"""`patronage statement …`: the customer equity of a quarter."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date

from cyclopts import App

from patronage.access.errors import Refused
from patronage.access.roles import SYSTEM_ID
from patronage.cli.call import current
from patronage.cli.show import facts, heading, rows, say, working
from patronage.steer import actions, jobs, reads
from patronage.steer.models import LINES
from patronage.steer.reads import Column, ReturnView, StatementView
from patronage.vocabulary.money import Money

app = App(name="statement", help="The customer equity of a quarter.")


@app.default
def latest(*, as_of: date | None = None) -> None:
    """Show a statement: the newest, or the one as of a date.

    Parameters
    ----------
    as_of
        The statement's date.
    """
    show(as_of=as_of)


@app.command
def draft(*, as_of: date) -> None:
    """Draft the statement as of a date.

    Parameters
    ----------
    as_of
        Last day of the quarter; customers must be valued as of it.
    """
    call = current()
    with working(f"Drafting the statement as of {as_of}") as progress:
        made = jobs.draft_statement(
            actor=call.actor, now=call.clock(), as_of=as_of, progress=progress
        )
    show_statement(reads.statement(call.actor, made.id, call.clock()))


@app.command
def review(statement: str) -> None:
    """Say that a draft that another person made is right, so that it can be published.

    Parameters
    ----------
    statement
        Its id, or its date.
    """
    call = current()
    now = call.clock()
    _require_person(call.actor.id, "review")
    found = reads.statement(call.actor, _which(statement), now)
    actions.review_statement(actor=call.actor, now=now, statement_id=found.head.id)
    say(f"The statement of {found.head.quarter} is reviewed.")


@app.command
def publish(statement: str) -> None:
    """Publish a reviewed draft that another person made; its figures never change afterwards.

    Parameters
    ----------
    statement
        Its id, or its date.
    """
    call = current()
    now = call.clock()
    _require_person(call.actor.id, "publish")
    found = reads.statement(call.actor, _which(statement), now)
    actions.publish_statement(actor=call.actor, now=now, statement_id=found.head.id)
    say(f"The statement of {found.head.quarter} is published.")


@app.command
def show(*, as_of: date | None = None) -> None:
    """Show a statement: the newest, or the one as of a date.

    Parameters
    ----------
    as_of
        The statement's date.
    """
    call = current()
    show_statement(reads.statement(call.actor, as_of, call.clock()))
    heading("Scorecards")
    rows(
        "",
        [
            {
                "manager": card.manager,
                "portfolio": card.portfolio,
                "customers": card.customers,
                "revenue": Money(card.revenue_minor, card.currency),
                "margin": Money(card.margin_minor, card.currency),
                "expected": None
                if card.expected_margin_minor is None
                else Money(card.expected_margin_minor, card.currency),
                "value": Money(card.value_minor, card.currency),
            }
            for card in reads.scorecards(call.actor, call.clock(), as_of)
        ],
    )


@app.command(name="list")
def list_() -> None:
    """Name the statements there are."""
    rows(
        "",
        [
            {
                "quarter": head.quarter,
                "as_of": head.as_of,
                "state": head.state,
                "drafted_by": head.drafted_by,
                "reviewed_by": head.reviewed_by,
                "published_by": head.published_by,
                "id": head.id,
            }
            for head in reads.statements(current().actor)
        ],
        empty="There is no statement yet. Draft one with `patronage statement draft --as-of DATE`.",
    )


def show_statement(view: StatementView) -> None:
    """Show the bridge, the total beside the portfolios, with its check sum."""
    head = view.head
    if current().json:
        facts("", _as_record(view))
        return
    say(f"Customer equity of {head.quarter}, {head.state}, drafted by {head.drafted_by}")
    show_bridge(view.total, head.currency)
    rows(
        "",
        [
            {
                "portfolio": column.portfolio,
                "manager": column.manager,
                "opening": Money(column.amounts_minor["opening"], head.currency),
                "closing": Money(column.amounts_minor["closing"], head.currency),
                "realised_margin": Money(column.realised_margin_minor, head.currency),
                "check_sum": column.checksum_minor,
            }
            for column in view.portfolios
        ],
    )


def show_bridge(column: Column, currency: str) -> None:
    """Show opening, movements and closing, and that they add up."""
    rows(
        "",
        [
            {
                "line": name.replace("_", " ").capitalize(),
                "amount": Money(column.amounts_minor[name], currency),
            }
            for name in LINES
        ],
    )
    expected = column.expected_margin_minor
    beside = "unknown" if expected is None else Money(expected, currency).format()
    say(f"Check sum (opening + movements - closing): {Money(column.checksum_minor, currency)}")
    say(f"Margin realised {Money(column.realised_margin_minor, currency)}, expected {beside}")
    for name, luck in (("Frequency", column.frequency), ("Spend", column.spend)):
        if luck is not None:
            word = "signal" if luck.is_signal else "chance"
            say(
                f"{name}: {Money(luck.amount_minor, currency)}, by chance alone within "
                f"{Money(luck.reach_minor, currency)} of 0: {word}"
            )
    show_return("Return on customer, whole lifetimes", column.return_on_customer)
    show_return("Return on the years in view", column.window_return)


def show_return(title: str, found: ReturnView) -> None:
    """Show a return beside what was to be expected, or why there is none."""
    if found.rate is None or found.expected_rate is None:
        say(f"{title}: undetermined. {found.reason}")
    else:
        say(f"{title}: {found.rate:.1%}, expected {found.expected_rate:.1%}")


@app.command
def handovers(statement: str | None = None) -> None:
    """Show what customers did in the 90 days after they were handed over.

    Parameters
    ----------
    statement
        The statement's id or date; the newest without one.
    """
    call = current()
    now = call.clock()
    which = None if statement is None else _which(statement)
    head = reads.statement(call.actor, which, now).head
    rows(
        "",
        [
            {
                "from": each.from_portfolio,
                "to": each.to_portfolio,
                "customers": each.customers,
                "frequency": Money(each.experience_frequency_minor, head.currency),
                "spend": Money(each.experience_spend_minor, head.currency),
            }
            for each in reads.shared_experience(call.actor, head.id, now)
        ],
        empty="Nobody was handed over in the quarter or shortly before.",
    )


@app.command
def grades() -> None:
    """Show what frozen projections expected of the time since, and what came."""
    call = current()
    rows(
        "",
        [
            {
                "frozen_as_of": each.frozen_as_of,
                "until": each.until,
                "portfolio": each.portfolio,
                "customers": each.customers,
                "expected": Money(each.expected_minor, each.currency),
                "came": Money(each.came_minor, each.currency),
            }
            for each in reads.grades(call.actor, call.clock())
        ],
        empty="There is nothing to grade yet: the next quarter's statement grades this one.",
    )


def _require_person(actor_id: str, verb: str) -> None:
    if actor_id == SYSTEM_ID:
        raise Refused(
            f"People {verb} statements: name yourself with --as, such as "
            f"`patronage statement {verb} 2017-12-31 --as you@example.com`."
        )


def _which(named: str) -> str | date:
    try:
        return date.fromisoformat(named)
    except ValueError:
        return named


def _as_record(view: StatementView) -> dict[str, object]:
    head = view.head
    return {
        "id": head.id,
        "quarter": head.quarter,
        "as_of": head.as_of,
        "currency": head.currency,
        "state": head.state,
        "total": _amounts(view.total),
        "portfolios": [_amounts(column) for column in view.portfolios],
    }


def _amounts(column: Column) -> dict[str, object]:
    return {
        "portfolio": column.portfolio,
        "manager": column.manager,
        "lines_minor": dict(column.amounts_minor),
        "checksum_minor": column.checksum_minor,
        "realised_margin_minor": column.realised_margin_minor,
        "expected_margin_minor": column.expected_margin_minor,
        "paid_for_minor": column.paid_for_minor,
        "return_on_customer": asdict(column.return_on_customer),
        "window_return": asdict(column.window_return),
        "frequency": None if column.frequency is None else asdict(column.frequency),
        "spend": None if column.spend is None else asdict(column.spend),
    }
