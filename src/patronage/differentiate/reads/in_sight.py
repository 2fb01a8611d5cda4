"""Which valuation is meant, and whom of its customers may the actor see?"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

import polars as pl

from patronage.access.errors import NotFound
from patronage.access.roles import Actor, Right
from patronage.access.scope import Scope, scope_of, visible, visible_customers
from patronage.differentiate.models import ValuationRun
from patronage.differentiate.reads.frames import newest_run, run_at
from patronage.identify.models import Customer


def require_run(actor: Actor, as_of: date | None = None) -> ValuationRun:
    """Give the run of a date, or the newest one, to somebody who may see profitability.

    Raises:
        NotAllowed: the actor may not.
        NotFound: nobody was valued as of that date, or at all.
    """
    actor.require(Right.SEE_PROFITABILITY)
    run = newest_run() if as_of is None else run_at(as_of)
    if run is None:
        raise NotFound(noun="valuation as of", id=as_of.isoformat() if as_of else "any date")
    return run


def in_scope(
    frame: pl.DataFrame, actor: Actor, now: datetime, *, portfolio_id: str = ""
) -> pl.DataFrame:
    """The rows of customers whom the actor may see at `now`, in the order given.

    Args:
        frame: a row a customer or more, with `customer_id`.
        portfolio_id: only its customers; all without it.

    Raises:
        NotFound: the portfolio is absent or outside the actor's scope, which look the same.
    """
    scope = scope_of(actor, now)
    if portfolio_id and not scope.holds(portfolio_id):
        raise NotFound(noun="portfolio", id=portfolio_id)
    if scope.everything and not portfolio_id:
        return frame
    seen = visible(Customer.objects.all(), actor, now)
    if portfolio_id:
        one = Scope(portfolio_ids=frozenset({portfolio_id}))
        seen = seen.filter(visible_customers.ask(one))
    ids = list(seen.order_by().values_list("id", flat=True))
    known = pl.DataFrame({"customer_id": ids}, schema={"customer_id": pl.String})
    return frame.join(known, on="customer_id", how="semi", maintain_order="left")


def labels_of(customer_ids: Sequence[str]) -> dict[str, str]:
    """What customers are called in lists, by id."""
    return dict(Customer.objects.filter(id__in=customer_ids).values_list("id", "label"))
