"""The needs that customers expressed."""

from __future__ import annotations

from functools import partial

from django.db import models

from patronage.identify.models import Customer
from patronage.vocabulary.ids import IdPrefix, new_id


class Need(models.Model):
    """A need that a customer expressed; what was said, word for word, is in the vault."""

    id = models.CharField(primary_key=True, max_length=40, default=partial(new_id, IdPrefix.NEED))
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="needs")
    name = models.CharField(max_length=40, help_text="Of the company's need taxonomy.")
    channel = models.CharField(max_length=20)
    said_at = models.DateTimeField()
    status = models.CharField(
        max_length=10, choices=[(s, s) for s in ("open", "fulfilled", "dropped")], default="open"
    )
    has_note = models.BooleanField(default=False)
    recorded_by = models.CharField(max_length=40)
    recorded_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)
    closed_reason = models.CharField(max_length=200, blank=True)
