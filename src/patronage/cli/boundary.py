"""`patronage boundary …`: what the enterprise forbids every lever and every rule."""

from __future__ import annotations

from datetime import date

from cyclopts import App

from patronage.access import company
from patronage.access.errors import NotFound
from patronage.cli.call import current
from patronage.cli.show import facts, rows, say
from patronage.govern import actions, reads
from patronage.govern.amounts import amount_said, amount_typed
from patronage.govern.boundaries import LIMITED_IN, NewBoundary
from patronage.govern.said import PER_WORDS

app = App(name="boundary", help="What the enterprise forbids every lever and every rule.")


@app.command(name="list")
def list_(*, all: bool = False) -> None:
    """Show what holds now and what is announced.

    Parameters
    ----------
    all
        Show what was before, too.
    """
    call = current()
    currency = company.current().company.currency
    shown = [
        each
        for each in reads.boundaries(call.actor, call.clock())
        if all or each.state in ("now", "ahead")
    ]
    rows(
        "",
        [
            {
                "name": each.name,
                "kind": each.kind,
                "limit": "forbidden"
                if each.limit is None
                else f"{amount_said(each.limit, each.unit, currency)} {PER_WORDS[each.per]}",
                "taken": "" if each.taken is None else str(each.taken),
                "about": each.product or each.category or "everything",
                "for": each.when or "everybody",
                "state": each.state,
                "from": each.valid_from,
                "id": each.id,
            }
            for each in shown
        ],
        empty="Nothing is forbidden or limited. Set a boundary with `patronage boundary set`.",
    )


@app.command(name="set")
def set_(
    name: str,
    kind: str,
    *,
    source: str,
    reason: str,
    limit: str = "",
    unit: str = "",
    per: str = "use",
    when: str = "",
    category: str = "",
    product: str = "",
    role: str = "",
    first: date | None = None,
    dry_run: bool = False,
) -> None:
    """Set a boundary, in place of the one of the same name.

    Parameters
    ----------
    name
        What it is called.
    kind
        price_floor, discount_cap, premium_cap, goodwill_cap, contact_cap, capacity, protected,
        availability, law or conflict (who rules on competing claims, and within how many days).
    source
        law, contract or board.
    reason
        Why.
    limit
        A percentage, money, a number of times or of days; none where the kind forbids.
    unit
        Of a price floor: "basis points" (a percentage of the list price) or "minor units" (money).
    per
        Of a limit on a sum: use, customer_quarter or quarter; of a capacity: quarter, or all for
        a stock.
    when
        About which customers, in the rule language; everybody without it.
    category
        What it is about; everything without it.
    product
        The same, for one product.
    role
        Of a boundary on conflicts: executive or administrator.
    first
        First day; from now on without it.
    dry_run
        Only say how many customers it would touch.
    """
    call = current()
    declared = company.current().company
    measured = LIMITED_IN.get(kind, unit)
    new = NewBoundary(
        name=name,
        kind=kind,
        source=source,
        when=when,
        category=category,
        product=product,
        limit=amount_typed(limit, measured, declared.currency) if limit else None,
        unit=measured,
        per=per,
        role=role,
    )
    if dry_run:
        _touched(new)
        return
    starts, _open = company.instants_of(first, None)
    made = actions.set_boundary(
        actor=call.actor, now=call.clock(), new=new, reason=reason, valid_from=starts
    )
    say(f"{made.name!r} holds from {made.valid_from:%Y-%m-%d %H:%M} UTC on ({made.id}).")


def _touched(new: NewBoundary) -> None:
    call = current()
    seen = reads.touched(call.actor, call.clock(), new)
    facts(
        "",
        {"customers": seen.customers, "surely_touched": seen.surely, "unknown": seen.unknown},
    )


@app.command
def lift(name: str, *, reason: str) -> None:
    """Let a boundary hold no more; it stays on record.

    Parameters
    ----------
    name
        Its name or id.
    reason
        Why.
    """
    call = current()
    found = [
        each
        for each in reads.boundaries(call.actor, call.clock())
        if name in (each.id, each.name) and each.state in ("now", "ahead")
    ]
    if not found:
        raise NotFound(noun="boundary", id=name)
    actions.lift_boundary(
        actor=call.actor, now=call.clock(), boundary_id=found[0].id, reason=reason
    )
    say(f"{found[0].name!r} was lifted.")
