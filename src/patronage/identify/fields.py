"""What may a rule ask about who the customer is, and what is the answer?

Only what does not change after the customer entered stands here, so that a rule evaluated as of
an earlier date sees nothing later.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any, Final

from patronage.access.asking import LIVE
from patronage.identify.models import Customer
from patronage.vocabulary.fields import Field, FieldCatalog
from patronage.vocabulary.periods import BusinessCalendar

if TYPE_CHECKING:
    import polars

_SOURCE: Final = "customers"

#: The fields of this stage.
FIELDS: Final = FieldCatalog(
    (
        Field(
            "customer_kind",
            str,
            description="Person, household or organisation",
            source=_SOURCE,
            freshness=LIVE,
        ),
        Field(
            "entry",
            str,
            description="Panel: there when recording began; acquired: came later",
            source=_SOURCE,
            freshness=LIVE,
        ),
        Field(
            "entered_on",
            date,
            description="Date of the customer's first event",
            source=_SOURCE,
            freshness=LIVE,
        ),
    )
)


def record_of(customer: Customer, calendar: BusinessCalendar) -> dict[str, Any]:
    """Give one customer's values, by field name."""
    return {
        "customer_kind": customer.kind,
        "entry": customer.entry,
        "entered_on": calendar.date_of(customer.entered_at),
    }


def frame(calendar: BusinessCalendar) -> polars.DataFrame:
    """Give all customers' values: `customer_id` and one column a field."""
    import polars as pl

    from patronage.identify import bulk

    asked = {"customer_id": "id", "customer_kind": "kind"}
    asked |= {name: name for name in ("entry", "entered_at", "erased_at")}
    rows = bulk.read(Customer, {name: (column, pl.String()) for name, column in asked.items()})
    # to the second: dates begin at one, and what follows it stores may write differently
    entered = pl.col("entered_at").str.slice(0, 19).str.to_datetime("%Y-%m-%d %H:%M:%S")
    table = (
        rows.filter(pl.col("erased_at").is_null())
        .with_columns(entered_at=entered.dt.replace_time_zone("UTC"))
        .sort("customer_id")
    )
    local = pl.col("entered_at").dt.convert_time_zone(calendar.time_zone).dt.date()
    return table.select("customer_id", "customer_kind", "entry", local.alias("entered_on"))
