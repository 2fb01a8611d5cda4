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

    rows = Customer.objects.filter(erased_at__isnull=True).order_by("id")
    columns = list(rows.values_list("id", "kind", "entry", "entered_at"))
    schema: dict[str, pl.DataType] = dict.fromkeys(
        ("customer_id", "customer_kind", "entry"), pl.String()
    )
    schema["entered_at"] = pl.Datetime("us", "UTC")
    table = pl.DataFrame(columns, schema=schema, orient="row")
    local = pl.col("entered_at").dt.convert_time_zone(calendar.time_zone).dt.date()
    return table.select("customer_id", "customer_kind", "entry", local.alias("entered_on"))
