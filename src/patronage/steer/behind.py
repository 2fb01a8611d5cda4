"""Who is behind a bar of the statement? The customers whose amounts make it, to the cent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import polars as pl

from patronage.access import datasets
from patronage.access.errors import NotFound, Refused
from patronage.access.roles import Actor, Right
from patronage.access.scope import scope_of
from patronage.differentiate.reads.in_sight import in_scope, labels_of
from patronage.steer.erased import ERASED
from patronage.steer.models import LINES, Statement


@dataclass(frozen=True, slots=True, kw_only=True)
class BehindRow:
    """A customer behind a line; who changed portfolio is behind two."""

    customer_id: str
    label: str
    portfolio_id: str
    amount_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Behind:
    """Some of the customers behind a line, largest amounts first."""

    rows: Sequence[BehindRow]
    #: pass it as `after` for the rows that follow; None at the end
    next: str | None
    #: customers listed on all pages together
    customers: int
    #: the bar: all pages, `moved_minor` and `erased_minor` together
    total_minor: int
    #: customers behind the bar who are in nobody's sight here today: moved since
    moved_customers: int
    moved_minor: int
    #: of customers who were erased, whom nothing tells apart any more; 0 where nobody was
    erased_minor: int


def line_customers(
    actor: Actor,
    statement_id: str,
    *,
    kind: str,
    now: datetime,
    portfolio_id: str | None = None,
    after: str | None = None,
    limit: int = 50,
) -> Behind:
    """List the customers behind one line of a statement, of one portfolio or all in scope.

    The bar is that of the date; its customers are named if the actor would see them today, and
    one figure stands for the others, one for those who were erased since.

    Raises:
        NotFound: no such statement, line or portfolio that the actor can see.
        Refused: `after` is not a place that an earlier page gave.
    """
    actor.require(Right.SEE_STATEMENTS)
    scope = scope_of(actor, now)
    found = Statement.objects.filter(pk=statement_id).first()
    if found is None:
        raise NotFound(noun="statement", id=statement_id)
    if kind not in LINES:
        raise NotFound(noun="line", id=kind)
    if portfolio_id is not None and not _is_there(found, portfolio_id, scope.holds(portfolio_id)):
        raise NotFound(noun="portfolio", id=portfolio_id)
    wanted = None if scope.everything else sorted(scope.portfolio_ids)
    bar = _bar(found, kind, wanted if portfolio_id is None else [portfolio_id])
    named = bar.filter(pl.col("customer_id") != ERASED)
    shown = in_scope(named, actor, now)
    page, following = _page(shown, after, limit)
    return Behind(
        rows=_labelled(page),
        next=following,
        customers=shown["customer_id"].n_unique(),
        total_minor=int(bar["amount_minor"].sum()),
        moved_customers=named["customer_id"].n_unique() - shown["customer_id"].n_unique(),
        moved_minor=int(named["amount_minor"].sum()) - int(shown["amount_minor"].sum()),
        erased_minor=int(bar["amount_minor"].sum()) - int(named["amount_minor"].sum()),
    )


def _is_there(found: Statement, portfolio_id: str, in_scope: bool) -> bool:
    return in_scope and found.lines.filter(portfolio_id=portfolio_id).exists()


def _bar(found: Statement, kind: str, portfolio_ids: list[str] | None) -> pl.DataFrame:
    """`customer_id`, `portfolio_id`, `amount_minor` of the line, amounts of 0 left out."""
    rows = datasets.read("statement_lines")
    chosen = rows.filter(rows.statement_id == found.id)
    if portfolio_ids is not None:
        chosen = chosen.filter(rows.portfolio_id.isin(portfolio_ids or [""]))
    # A customer whose experience is shared for a while has two rows in one portfolio.
    summed = chosen.group_by("customer_id", "portfolio_id").aggregate(
        amount_minor=chosen[f"{kind}_minor"].sum()
    )
    bar = datasets.warehouse().polars(summed.filter(summed.amount_minor != 0))
    return bar.with_columns(pl.col("amount_minor").cast(pl.Int64))


def _page(shown: pl.DataFrame, after: str | None, limit: int) -> tuple[pl.DataFrame, str | None]:
    """The rows that follow a place, in the order of size, customer, portfolio."""
    keyed = shown.with_columns(size=pl.col("amount_minor").abs())
    if after is not None:
        size, customer, portfolio = _place(after)
        keyed = keyed.filter(
            (pl.col("size") < size)
            | (
                (pl.col("size") == size)
                & (
                    (pl.col("customer_id") > customer)
                    | ((pl.col("customer_id") == customer) & (pl.col("portfolio_id") > portfolio))
                )
            )
        )
    ordered = keyed.sort(
        ["size", "customer_id", "portfolio_id"], descending=[True, False, False]
    ).head(limit + 1)
    page = ordered.head(limit)
    if len(ordered) <= limit:
        return page, None
    size, customer, portfolio = page.select("size", "customer_id", "portfolio_id").row(-1)
    return page, f"{size}:{customer}:{portfolio}"


def _place(after: str) -> tuple[int, str, str]:
    size, _, rest = after.partition(":")
    customer, _, portfolio = rest.partition(":")
    if not (size.isascii() and size.isdigit() and len(size) <= 19 and customer and portfolio):
        raise Refused(f"{after!r} is no place in this list. Begin with the first page.")
    return int(size), customer, portfolio


def _labelled(page: pl.DataFrame) -> list[BehindRow]:
    labels = labels_of(page["customer_id"].to_list())
    return [
        BehindRow(
            customer_id=row["customer_id"],
            label=labels.get(row["customer_id"], row["customer_id"]),
            portfolio_id=row["portfolio_id"],
            amount_minor=row["amount_minor"],
        )
        for row in page.iter_rows(named=True)
    ]
