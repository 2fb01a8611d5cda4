"""The objective of a customer that a person sets above the rules."""

from __future__ import annotations

from functools import partial
from typing import ClassVar

from django.db import models

from patronage.identify.models import Customer
from patronage.vocabulary.ids import IdPrefix, new_id

OBJECTIVES = ("retain", "grow", "convert", "exit", "acquire")


class ObjectiveOverride(models.Model):
    """A manager's word on a customer's objective, above the rules until a date or revoked."""

    id = models.CharField(
        primary_key=True, max_length=40, default=partial(new_id, IdPrefix.OBJECTIVE)
    )
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="+")
    objective = models.CharField(max_length=10, choices=[(o, o) for o in OBJECTIVES])
    reason = models.CharField(max_length=200)
    since = models.DateField(help_text="Business date on which it was set.")
    until = models.DateField(null=True, help_text="Last business date on which it stands.")
    set_by = models.CharField(max_length=40)
    set_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)
    revoked_by = models.CharField(max_length=40, blank=True)
    revoked_reason = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["customer"],
                condition=models.Q(revoked_at__isnull=True),
                name="one_override_a_customer",
            ),
            models.CheckConstraint(condition=~models.Q(reason=""), name="override_has_reason"),
        ]
