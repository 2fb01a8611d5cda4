"""What do the order lines seen by a date say of each customer? One query, one pass."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

import ibis

from patronage.vocabulary.company import Company
from patronage.vocabulary.periods import BusinessCalendar
from patronage.warehouse.untyped import Expression, Table

#: Margins are counted in parts per million, so that costs add up exactly in whole numbers.
PARTS_PER_UNIT: Final = 1_000_000
#: Days that `orders_90d` looks back.
ORDERS_WINDOW_DAYS: Final = 90
#: Days over which contacts and cases are counted to say how many are to be expected.
SERVED_WINDOW_DAYS: Final = 365
#: How the names of columns end that are added up over lines, baskets and days.
SUMMED: Final = ("_minor", "_parts", "_lines", "baskets")


def timezone(zone: Expression, instant: Expression) -> Expression:
    """What a clock in `zone` shows at the instant; the engine holds the body."""


_wall_clock = ibis.udf.scalar.builtin(
    timezone, signature=(("string", "timestamp('UTC', 6)"), "timestamp(6)")
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Horizon:
    """How far a valuation sees, and from when on the period's profit counts."""

    #: the last business date seen
    as_of: date
    #: first business date of the period whose profit and loss is wanted
    period_start: date


def customer_statistics(
    lines: Table,
    products: Table,
    *,
    company: Company,
    horizon: Horizon,
    served: Table | None = None,
) -> Table:
    """The sufficient statistics of each customer who has any line by the as-of date.

    Args:
        lines, products: tables with the columns of the datasets `order_lines` and `products`.
        company: time zone, margins by department and need taxonomy.
        horizon: what is seen: lines before the end of `as_of` in the company's zone, nothing else.
        served: rows of `service_days`; None where neither contacts nor cases cost anything.

    Returns:
        An Ibis table, one row a customer: `first_day`, `last_day` (business dates with a sale,
        NULL where there was none), `known_days` since the first, `days` (of those with a sale),
        `baskets`, `amount_minor`, `later_minor` (net of the first day), `cost_parts` (cost of
        goods, minor units × 10⁶), `orders_90d`; of the period: `sales_minor`, `returns_minor`
        (≤ 0), `discounts_minor` (off list prices; sales are net of them), `period_cost_parts`,
        `period_baskets`, `period_visits` (days with a sale), `period_days_kept` (days since the
        first purchase); `other_currency_lines` and one `need_<i>_minor` a need of the taxonomy;
        of `served`, 0 without it: `period_contacts`, `period_cases`, and `recent_contacts`,
        `recent_cases` of the last `SERVED_WINDOW_DAYS`.
    """
    days = customer_days(lines, products, company=company, as_of=horizon.as_of)
    return statistics_of_days(days, served, horizon)


def statistics_of_days(days: Table, served: Table | None, horizon: Horizon) -> Table:
    """`customer_statistics` of days and service that are counted already.

    Args:
        days, served: rows of `customer_days` and `service_days`, none later than the horizon.
    """
    return with_service(bought(days, horizon), served, horizon)


def customer_days(lines: Table, products: Table, *, company: Company, as_of: date) -> Table:
    """What each customer bought and returned on each business date up to the as-of date.

    Args:
        lines, products, company: as in `customer_statistics`.

    Returns:
        An Ibis table, one row a `customer_id` and `day`: `sales_minor`, `returns_minor` (≤ 0),
        `discounts_minor`, `cost_parts`, `sale_lines`, `baskets`, `other_currency_lines`,
        `need_<i>_minor`.
    """
    seen = seen_before(lines, BusinessCalendar(company.time_zone).end_of_day(as_of))
    measured = measured_lines(seen, catalogue(products, company), company)
    # one row an order and instant: the zone is asked once a basket instead of once a line
    baskets = _summed(measured, "customer_id", "order_id", "ordered_at")
    return _days(baskets, company)


def service_days(contacts: Table, cases: Table, *, company: Company, as_of: date) -> Table:
    """How often each customer was contacted and had a case on each date up to the as-of date.

    Args:
        contacts, cases: tables with the columns of the datasets `past_contacts` and `cases`.

    Returns:
        An Ibis table, one row a `customer_id` and `day` with `contacts` and `cases`.
    """
    end = ibis.literal(
        BusinessCalendar(company.time_zone).end_of_day(as_of), type="timestamp('UTC')"
    )
    zone, one, none = ibis.literal(company.time_zone), ibis.literal(1), ibis.literal(0)
    made = contacts.filter(contacts.contacted_at < end).select(
        "customer_id", at=contacts.contacted_at, contacts=one, cases=none
    )
    opened = cases.filter(cases.opened_at < end).select(
        "customer_id", at=cases.opened_at, contacts=none, cases=one
    )
    both = made.union(opened)
    dated = both.select("customer_id", "contacts", "cases", day=_wall_clock(zone, both.at).date())
    return dated.group_by("customer_id", "day").aggregate(
        contacts=_sum(dated.contacts), cases=_sum(dated.cases)
    )


def seen_before(lines: Table, instant: datetime) -> Table:
    """The lines that were ordered before the instant: the only door to the history."""
    return lines.filter(lines.ordered_at < ibis.literal(instant, type="timestamp('UTC')"))


def need_column(position: int) -> str:
    """Name of the column that holds what was spent on the need at this place of the taxonomy."""
    return f"need_{position}_minor"


def catalogue(products: Table, company: Company) -> Table:
    """What one line of each product costs, in parts, and which needs it shows."""
    margins = [
        (products.department == department, _cost_parts(margin))
        for department, margin in company.margin_by_department.items()
    ]
    default = ibis.literal(_cost_parts(company.default_margin), type="int64")
    cost = ibis.cases(*margins, else_=default) if margins else default
    shows = {
        need_column(position): (
            products.department.isin(need.departments) | products.category.isin(need.categories)
        )
        for position, need in enumerate(company.needs)
    }
    return products.select("product_id", unit_cost_parts=cost.cast("int64"), **shows)


def _cost_parts(margin: float) -> int:
    return round((1 - margin) * PARTS_PER_UNIT)


def measured_lines(lines: Table, catalogue: Table, company: Company) -> Table:
    """What each line adds to every sum, beside whose it is, its order and its instant."""
    joined = lines.left_join(catalogue, "product_id")
    amount, is_sale = joined.amount_minor, joined.kind == "sale"
    none = ibis.literal(0, type="int64")
    unit_cost = joined.unit_cost_parts.coalesce(_cost_parts(company.default_margin))
    needs = {
        need_column(position): joined[need_column(position)].fill_null(False).ifelse(amount, none)
        for position in range(len(company.needs))
    }
    return joined.select(
        "customer_id",
        "order_id",
        "ordered_at",
        sales_minor=is_sale.ifelse(amount, none),
        returns_minor=is_sale.ifelse(none, amount),
        discounts_minor=(
            joined.list_discount_minor.fill_null(0) + joined.coupon_discount_minor.fill_null(0)
        ),
        cost_parts=amount * unit_cost,
        sale_lines=is_sale.cast("int64"),
        other_currency_lines=(joined.currency != company.currency).cast("int64"),
        **needs,
    )


def _days(baskets: Table, company: Company) -> Table:
    """One row a customer and business date; an order at several instants of a day is one basket."""
    dated = baskets.mutate(
        day=_wall_clock(ibis.literal(company.time_zone), baskets.ordered_at).date()
    )
    orders = _summed(dated, "customer_id", "day", "order_id")
    counted = orders.mutate(baskets=(orders.sale_lines > 0).cast("int64"))
    return _summed(counted, "customer_id", "day")


def _summed(table: Table, *keys: str) -> Table:
    summed = {name: _sum(table[name]) for name in table.columns if name.endswith(SUMMED)}
    return table.group_by(*keys).aggregate(**summed)


def bought(days: Table, horizon: Horizon) -> Table:
    """The statistics of each customer but those of time and service, of rows of `customer_days`."""
    shopped = days.sale_lines > 0
    amount = days.sales_minor + days.returns_minor
    recent = days.day > horizon.as_of - timedelta(days=ORDERS_WINDOW_DAYS)
    inside = days.day >= horizon.period_start
    needs = [name for name in days.columns if name.startswith("need_")]
    first_day_amount = amount.argmin(days.day, where=shopped).fill_null(0)
    return days.group_by("customer_id").aggregate(
        first_day=days.day.min(where=shopped),
        last_day=days.day.max(where=shopped),
        days=_sum(shopped.cast("int64")),
        baskets=_sum(days.baskets),
        amount_minor=_sum(amount),
        later_minor=(_sum(amount) - first_day_amount).cast("int64"),
        cost_parts=_sum(days.cost_parts),
        orders_90d=_sum(days.baskets, where=recent),
        sales_minor=_sum(days.sales_minor, where=inside),
        returns_minor=_sum(days.returns_minor, where=inside),
        discounts_minor=_sum(days.discounts_minor, where=inside),
        period_cost_parts=_sum(days.cost_parts, where=inside),
        period_baskets=_sum(days.baskets, where=inside),
        period_visits=_sum(shopped.cast("int64"), where=inside),
        other_currency_lines=_sum(days.other_currency_lines),
        **{name: _sum(days[name]) for name in needs},
    )


def with_service(customers: Table, served: Table | None, horizon: Horizon) -> Table:
    """Add how long each was kept in the period, and how often they were contacted and helped.

    Args:
        customers: rows of `bought`.
        served: rows of `service_days`, none later than the horizon.
    """
    counts = ("period_contacts", "period_cases", "recent_contacts", "recent_cases")
    since = ibis.greatest(customers.first_day, ibis.literal(horizon.period_start))
    today = ibis.literal(horizon.as_of)
    known = customers.mutate(
        known_days=today.delta(customers.first_day, unit="day").cast("int64"),
        period_days_kept=(today.delta(since, unit="day") + 1).clip(lower=0).fill_null(0),
    ).cast({"period_days_kept": "int64"})
    if served is None:
        return known.mutate(**{name: ibis.literal(0, type="int64") for name in counts})
    inside = served.day >= horizon.period_start
    recent = served.day > horizon.as_of - timedelta(days=SERVED_WINDOW_DAYS)
    counted = served.group_by("customer_id").aggregate(
        period_contacts=_sum(served.contacts, where=inside),
        period_cases=_sum(served.cases, where=inside),
        recent_contacts=_sum(served.contacts, where=recent),
        recent_cases=_sum(served.cases, where=recent),
    )
    joined = known.left_join(counted, "customer_id")
    return joined.select(*known.columns, **{name: joined[name].fill_null(0) for name in counts})


def _sum(column: Expression, *, where: Expression | None = None) -> Expression:
    """A whole-number sum that is 0 where nothing qualifies."""
    return column.sum(where=where).fill_null(0).cast("int64")
