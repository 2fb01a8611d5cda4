"""`patronage portfolio …`: who is in charge of whom."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from cyclopts import App

from patronage.access import company
from patronage.access.errors import NotFound, Refused
from patronage.cli.call import act_as, current
from patronage.cli.customer import id_of
from patronage.cli.show import facts, rows, say, working
from patronage.differentiate import reads as valuations
from patronage.govern import actions, jobs, reads
from patronage.vocabulary.money import Money
from patronage.vocabulary.periods import BusinessCalendar

app = App(name="portfolio", help="Who is in charge of whom.")


@app.command(name="set-up")
def set_up(*, starts: date | None = None) -> None:
    """Create the declared portfolios with their first managers; run again, it follows changes.

    Parameters
    ----------
    starts
        First day on which the managers answer; today without it. Must lie before the first
        event that is imported.
    """
    call = current()
    now = call.clock()
    declared = company.current().company
    calendar = BusinessCalendar(declared.time_zone)
    starts_at = calendar.start_of_day(starts) if starts else now
    portfolios = actions.set_up_portfolios(
        actor=call.actor, now=now, company=declared, starts_at=starts_at
    )
    say(f"{len(portfolios)} portfolios stand.")


@app.command(name="list")
def list_() -> None:
    """Show each portfolio, who is in charge of it and what it holds today."""
    call = current()
    currency = company.current().company.currency
    rows(
        "",
        [
            {
                "portfolio": each.portfolio.name,
                "manager": each.portfolio.manager,
                "customers": each.customers,
                "value": Money(each.value_minor, currency),
                "at_risk": Money(each.at_risk_minor, currency),
                "not_valued_yet": each.unvalued,
                "id": each.portfolio.id,
            }
            for each in reads.portfolio_summary(call.actor, call.clock())
        ],
        empty="There is no portfolio yet. Set them up with `patronage portfolio set-up`.",
    )


@app.command
def who(customer: str, *, on: date | None = None) -> None:
    """Name the one person who is or was in charge of a customer.

    Parameters
    ----------
    customer
        Id, or what a source calls the customer.
    on
        The date; now without it.
    """
    call = current()
    now = call.clock()
    found = reads.manager_of(call.actor, id_of(customer), _at(on, now), now=now)
    facts(
        "",
        {
            "customer": found.customer,
            "manager": found.manager,
            "portfolio": found.portfolio,
            "since": found.since,
            "reason": found.reason,
        },
    )


@app.command(name=["handover", "hand-over"])
def hand_over(*customers: str, to: str, reason: str) -> None:
    """Hand customers over to another portfolio, all of them or none.

    Parameters
    ----------
    customers
        Ids, or what a source calls them.
    to
        Name or id of the portfolio.
    reason
        Why; the next manager reads it.
    """
    call = current()
    done = actions.hand_over(
        actor=call.actor,
        now=call.clock(),
        customer_ids=[id_of(each) for each in customers],
        to_portfolio_id=portfolio_id(to),
        reason=reason,
    )
    moved = "1 customer is" if done.moved == 1 else f"{done.moved} customers are"
    say(f"{moved} in {done.to_portfolio!r} now.")


@app.command
def assign(*, as_of: date | None = None, dry_run: bool = False, reason: str = "") -> None:
    """Move the customers whose portfolio changes under the declared policy.

    Parameters
    ----------
    as_of
        Date of the valuation to go by; the newest without it.
    dry_run
        Show who would move and write nothing.
    reason
        Why now, for the audit log.
    """
    call = current()
    run = valuations.newest_run() if as_of is None else valuations.run_at(as_of)
    if run is None:
        raise Refused("Nobody was valued yet. Run `patronage value score --as-of DATE` first.")
    with working(f"Assigning portfolios as of {run.as_of}") as progress:
        done = jobs.assign(
            actor=call.actor,
            now=call.clock(),
            as_of=run.as_of,
            run=run,
            dry_run=dry_run,
            reason=reason,
            progress=progress,
        )
    rows(
        "",
        [
            {
                "from": flow.from_portfolio,
                "to": flow.to_portfolio,
                "customers": flow.customers,
                "value": Money(flow.value_minor, done.currency),
            }
            for flow in done.flows
        ],
        empty="",
    )
    if done.service_changes:
        rows("", [dict(each) for each in done.service_changes], empty="")
    verb = "would move" if dry_run else "moved"
    say(
        f"{done.moved:,} of {done.customers:,} customers {verb}; {done.kept_near_edge:,} stay near "
        f"a tier's edge, {done.kept_by_hand:,} stay where a person put them."
    )


@app.command
def covers() -> None:
    """Show who stands in for whom: today, ahead and before."""
    call = current()
    rows(
        "",
        [
            {
                "portfolio": each.portfolio,
                "accountable": each.manager,
                "stands_in": each.deputy,
                "state": each.state,
                "from": each.starts_at,
                "until": each.ends_at or "until it is ended",
                "reason": each.reason,
                "id": each.id,
            }
            for each in reads.covers(call.actor, call.clock())
        ],
        empty="Nobody stands in for anybody.",
    )


@app.command
def cover(
    portfolio: str,
    *,
    deputy: str,
    reason: str,
    first: date | None = None,
    last: date | None = None,
) -> None:
    """Let somebody stand in for a portfolio's manager, who stays accountable.

    Parameters
    ----------
    portfolio
        Name or id.
    deputy
        E-mail address of who stands in.
    reason
        Why.
    first
        First day; from now on without it.
    last
        Last day; until it is ended without it.
    """
    call = current()
    starts_at, ends_at = company.instants_of(first, last)
    made = actions.arrange_cover(
        actor=call.actor,
        now=call.clock(),
        portfolio_id=portfolio_id(portfolio),
        deputy_id=act_as(deputy, call.clock()).id,
        reason=reason,
        starts_at=starts_at,
        ends_at=ends_at,
    )
    say(f"{made.deputy.name} stands in for {made.portfolio.name!r} ({made.id}).")


@app.command(name="end-cover")
def end_cover(cover: str, *, reason: str) -> None:
    """End a cover before its time.

    Parameters
    ----------
    cover
        Its id, as `portfolio covers` shows it.
    reason
        Why.
    """
    call = current()
    done = actions.end_cover(actor=call.actor, now=call.clock(), cover_id=cover, reason=reason)
    say(f"{done.deputy.name} no longer stands in for {done.portfolio.name!r}.")


def portfolio_id(named: str) -> str:
    """Give the id of the portfolio that a name or an id means."""
    call = current()
    targets = reads.hand_over_targets(call.actor, call.clock())
    for each in targets:
        if named in (each.id, each.name):
            return each.id
    raise NotFound(noun="portfolio", id=named)


def _at(on: date | None, now: datetime) -> datetime:
    """Give the last instant inside a date; now without one."""
    if on is None:
        return now
    calendar = BusinessCalendar(company.current().company.time_zone)
    return min(calendar.end_of_day(on) - timedelta(microseconds=1), now)
