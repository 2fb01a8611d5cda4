"""`patronage customer …`: find a customer and what is known."""

from __future__ import annotations

from cyclopts import App

from patronage.access.errors import NotFound, Refused
from patronage.access.roles import Right
from patronage.cli.call import current
from patronage.cli.show import Share, facts, heading, rows
from patronage.differentiate import reads as valuations
from patronage.govern import reads as charge
from patronage.identify import reads
from patronage.vocabulary.money import Money

app = App(name="customer", help="Find a customer and what is known.")


def id_of(named: str) -> str:
    """Give the id of the one customer that a text means: an id, an identifier or a whole label.

    Raises:
        NotFound: nobody in the actor's scope.
        Refused: more than one.
    """
    call = current()
    found = reads.search(call.actor, named, call.clock(), limit=20)
    whole = [each for each in found if named in (each.id, each.label)] or found
    if not whole:
        raise NotFound(noun="customer", id=named)
    if len(whole) > 1:
        raise Refused(
            f"{named!r} may mean {', '.join(f'{each.label} ({each.id})' for each in whole[:3])} "
            "and others. Name one by its id."
        )
    return whole[0].id


@app.command
def search(text: str, *, limit: int = 20) -> None:
    """Find customers by label, by what a source calls them, or by a whole personal value.

    Parameters
    ----------
    text
        What to look for.
    limit
        How many to show.
    """
    call = current()
    found = reads.search(call.actor, text, call.clock(), limit=limit)
    rows(
        "",
        [{"customer": each.label, "entered": each.entered_at, "id": each.id} for each in found],
        empty=f"Nobody that you can see is called {text!r}.",
    )


@app.command
def show(customer: str, *, events: int = 10) -> None:
    """Show who is in charge, what the customer is worth and what happened last.

    Parameters
    ----------
    customer
        Id, or what a source calls the customer.
    events
        How many events to show.
    """
    call = current()
    now = call.clock()
    customer_id = id_of(customer)
    view = reads.customer(call.actor, customer_id, now)
    in_charge = charge.manager_of(call.actor, customer_id, now, now=now)
    facts(
        view.customer.label,
        {
            "id": customer_id,
            "in_charge": f"{in_charge.manager} ({in_charge.portfolio})",
            "entered": view.customer.entered_at,
            "entry": view.customer.get_entry_display(),
            **{fact.name: fact.value for fact in view.facts},
            "contact_allowed": sorted(
                consent.channel for consent in view.consents if consent.state == "given"
            ),
        },
    )
    _worth(customer_id)
    heading("What happened last")
    rows(
        "",
        [
            {"at": entry.at, "kind": entry.kind, "what": entry.title}
            for entry in reads.timeline(call.actor, customer_id, now, limit=events).entries
        ],
        empty="Nothing yet.",
    )


@app.command
def terms(customer: str, *, product: str = "", category: str = "") -> None:
    """Show what the customer pays for a product today, or as a share for a category, and why.

    Parameters
    ----------
    customer
        Id, or what a source calls the customer.
    product
        The product.
    category
        The category, where no product is named.
    """
    call = current()
    said = charge.terms(
        call.actor, id_of(customer), call.clock(), product=product, category=category
    )
    share = said.price_basis_points
    facts(
        said.product or said.category,
        {
            "price": None if said.price_minor is None else Money(said.price_minor, said.currency),
            "list_price": None
            if said.list_price_minor is None
            else Money(said.list_price_minor, said.currency),
            "share_of_list_price": None if share is None else Share(share / 10_000),
            "available": said.available,
        },
    )
    rows("Because of", [{"kind": each.kind, "what": each.words} for each in said.reasons])


def _worth(customer_id: str) -> None:
    call = current()
    latest = valuations.latest_valuation(call.actor, customer_id, call.clock())
    if latest is None or not call.actor.may(Right.SEE_PROFITABILITY):
        return
    currency = latest.run.currency
    facts(
        f"Valued as of {latest.run.as_of}",
        {
            "value": Money(latest.value_minor, currency),
            "low": Money(latest.value_low_minor, currency),
            "high": Money(latest.value_high_minor, currency),
            "tier": latest.tier,
            "need": latest.need or None,
            "objective": f"{latest.objective} ({latest.objective_reason})",
        },
    )
