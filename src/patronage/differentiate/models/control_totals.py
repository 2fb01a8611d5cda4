"""What the ledger states for a period, for the reconciliation to compare with."""

from __future__ import annotations

from functools import partial
from typing import ClassVar

from django.db import models

from patronage.vocabulary.ids import IdPrefix, new_id

#: what a ledger states for a period; returns and costs as the profit and loss has them
MEASURES = ("sales", "returns", "revenue", "cost_of_goods", "gross_margin")


class ControlTotal(models.Model):
    """What the ledger says of a period; later entries for the same replace nothing, they follow."""

    id = models.CharField(
        primary_key=True, max_length=40, default=partial(new_id, IdPrefix.CONTROL_TOTAL)
    )
    first_day = models.DateField()
    last_day = models.DateField()
    measure = models.CharField(max_length=20, choices=[(m, m) for m in MEASURES])
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    source = models.CharField(max_length=200, help_text="Where the ledger's figure comes from.")
    recorded_by = models.CharField(max_length=40)
    recorded_at = models.DateTimeField()

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["last_day", "measure"], name="control_total_by_date")
        ]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(first_day__lte=models.F("last_day")),
                name="control_total_ends_after_start",
            ),
            models.CheckConstraint(condition=~models.Q(source=""), name="control_total_has_source"),
        ]
