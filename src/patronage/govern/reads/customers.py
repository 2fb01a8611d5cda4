"""Whom does a portfolio hold? One page at a time, by value, by risk or by name, searched, filtered.

Pages follow each other by key (value and id, risk and id, label and id), so that the thousandth
page costs what the first does and nobody is shown twice when customers come and go.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, Literal

from django.db.models import Q, QuerySet

from patronage.access.company import current
from patronage.access.roles import Actor, Right
from patronage.govern import accounts, service_tiers
from patronage.govern.errors import BadCursor
from patronage.govern.models import Standing
from patronage.govern.reads.accounts import account
from patronage.govern.reads.portfolios import portfolio
from patronage.identify.in_sight import customers_in_sight
from patronage.identify.models import Identifier

Sort = Literal["value", "risk", "label"]

#: sort → the column that orders; values and risks go from high to low, unknown ones last
_COLUMNS: Final[dict[str, str]] = {
    "value": "value_minor",
    "risk": "at_risk_minor",
    "label": "label",
}
MOST_ROWS: Final = 200
#: so many are fetched by id
_FEW: Final = 1000
_LONGEST_SEARCH: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A customer in a list; money in minor units, unknown is None or empty."""

    customer_id: str
    label: str
    value_minor: int | None
    probability_of_purchase: float | None
    at_risk_minor: int | None
    tier: str
    need: str
    objective: str
    #: how they are served; None where the company declares no service tiers
    service_tier: str | None
    recency_days: int | None
    #: the date of the valuation
    as_of: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Some customers, where to go on from, and how many there are."""

    rows: tuple[Row, ...]
    #: pass it as `after`; None on the last page
    next: str | None
    #: customers that the search and filters find
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """The last row of a page: its key and id."""

    key: int | str | None
    customer_id: str


def page(
    actor: Actor,
    now: datetime,
    *,
    portfolio_id: str,
    sort: Sort = "value",
    search: str = "",
    tier: str = "",
    objective: str = "",
    need: str = "",
    service_tier: str = "",
    after: str | None = None,
    limit: int = 50,
) -> Page:
    """Give one page of a portfolio's customers.

    Args:
        search: part of a label, or a whole identifier; empty finds everybody.
        tier, objective, need, service_tier: exact; empty asks for all.
        after: `next` of the page before, in the same sort order.

    Raises:
        NotAllowed: the actor may not see profitability.
        NotFound: the portfolio is absent or outside the actor's scope, which look the same.
        BadCursor: `after` is none of this list.
    """
    actor.require(Right.SEE_PROFITABILITY)
    portfolio(actor, portfolio_id, now)
    place = _read(after, sort) if after else None
    asked = {"tier": tier, "objective": objective, "need": need}
    everybody = Standing.objects.filter(portfolio_id=portfolio_id)
    found = _narrowed(everybody, {name: text for name, text in asked.items() if text}, search)
    if service_tier:
        found = found.filter(service_tiers.served_in(service_tier, now, current().company))
    limit = max(1, min(limit, MOST_ROWS))
    ids = None if found is everybody else _few(found)
    if ids is None:
        rows, total = _rows(found, sort, place, limit + 1), found.count()
    else:
        # Looked up by id and sorted: walking the sort order would read everybody to find a few.
        named = _rows(Standing.objects.filter(customer_id__in=ids), sort, place, limit + 1)
        rows, total = [row for row in named if row.portfolio_id == portfolio_id], len(ids)
    return _page(rows, sort, now, limit, total)


def page_of_account(
    actor: Actor,
    now: datetime,
    *,
    account_id: str,
    sort: Sort = "value",
    search: str = "",
    after: str | None = None,
    limit: int = 50,
) -> Page:
    """Give one page of the customers of an account and of all that lie under it.

    The tree's director sees them, and whoever the account is delegated to.

    Args:
        search, after: as in `page`.

    Raises:
        NotAllowed: the actor may not see profitability.
        NotFound: the account is absent or outside the actor's scope, which look the same.
        BadCursor: `after` is none of this list.
    """
    account(actor, now, account_id)
    place = _read(after, sort) if after else None
    members = accounts.members_of(accounts.trees_at(now).below([account_id]))
    seen = customers_in_sight(actor, now).filter(pk__in=members.values("customer"))
    found = _narrowed(Standing.objects.filter(customer__in=seen), {}, search)
    limit = max(1, min(limit, MOST_ROWS))
    return _page(_rows(found, sort, place, limit + 1), sort, now, limit, found.count())


def _page(rows: list[Standing], sort: Sort, now: datetime, limit: int, total: int) -> Page:
    """The first `limit` of these rows; one more of them means that there is a next page."""
    shown = rows[:limit]
    served = service_tiers.of_some([each.pk for each in shown], now, current().company)
    return Page(
        rows=tuple(_row(each, served.get(each.pk)) for each in shown),
        next=_written(shown[-1], sort) if len(rows) > limit else None,
        total=total,
    )


def _narrowed(
    everybody: QuerySet[Standing], exact: dict[str, str], search: str
) -> QuerySet[Standing]:
    found = everybody.filter(**exact) if exact else everybody
    text = search.strip()[:_LONGEST_SEARCH].replace("\x00", "")
    return found.filter(_matches(text)) if text else found


def _few(found: QuerySet[Standing]) -> list[str] | None:
    """Give the ids of all that are found if they are few, else None; reads one index only."""
    ids = list(found.order_by().values_list("customer_id", flat=True)[: _FEW + 1])
    return ids if len(ids) <= _FEW else None


def _matches(text: str) -> Q:
    # Looked up first: in one statement with the label, identifiers would be read in full.
    known = Identifier.objects.filter(value=text, personal=False)
    named = Q(label__icontains=text)
    ids = list(known.values_list("customer_id", flat=True)[:MOST_ROWS])
    return named | Q(customer_id__in=ids) if ids else named


def _rows(
    found: QuerySet[Standing], sort: Sort, place: _Place | None, wanted: int
) -> list[Standing]:
    rows: list[Standing] = []
    for part in _parts(found, sort, place):
        rows += part[: wanted - len(rows)]
        if len(rows) == wanted:
            break
    return rows


def _parts(
    found: QuerySet[Standing], sort: Sort, place: _Place | None
) -> Iterator[QuerySet[Standing]]:
    """Give the known keys in order, then the unknown ones: stores differ on where NULL sorts."""
    column = _COLUMNS[sort]
    if place is None or place.key is not None:
        known = found.filter(**{f"{column}__isnull": False})
        if place is not None:
            reached, beyond = ("gte", "gt") if sort == "label" else ("lte", "lt")
            known = known.filter(
                Q(**{f"{column}__{beyond}": place.key}) | Q(customer_id__gt=place.customer_id),
                **{f"{column}__{reached}": place.key},
            )
        yield known.order_by(column if sort == "label" else f"-{column}", "customer_id")
    if sort != "label":
        unknown = found.filter(**{f"{column}__isnull": True})
        if place is not None and place.key is None:
            unknown = unknown.filter(customer_id__gt=place.customer_id)
        yield unknown.order_by("customer_id")


def _written(row: Standing, sort: Sort) -> str:
    text = json.dumps([sort, getattr(row, _COLUMNS[sort]), row.customer_id])
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _read(cursor: str, sort: Sort) -> _Place:
    try:
        padded = cursor.encode() + b"=" * (-len(cursor) % 4)
        named, key, customer_id = json.loads(base64.b64decode(padded, altchars=b"-_"))
    except (ValueError, TypeError, RecursionError) as error:
        raise BadCursor from error
    right_key = isinstance(key, str) if sort == "label" else key is None or _is_amount(key)
    if named != sort or not right_key or not isinstance(customer_id, str):
        raise BadCursor
    if "\x00" in customer_id or (isinstance(key, str) and "\x00" in key):
        raise BadCursor
    return _Place(key=key, customer_id=customer_id)


def _is_amount(key: object) -> bool:
    return isinstance(key, int) and not isinstance(key, bool) and -(2**63) <= key < 2**63


def _row(each: Standing, service_tier: str | None) -> Row:
    return Row(
        customer_id=each.customer_id,
        label=each.label,
        value_minor=each.value_minor,
        probability_of_purchase=each.probability_of_purchase,
        at_risk_minor=each.at_risk_minor,
        tier=each.tier,
        need=each.need,
        objective=each.objective,
        service_tier=service_tier,
        recency_days=each.recency_days,
        as_of=each.as_of,
    )
