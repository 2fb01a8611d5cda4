"""What decisions led to: outcome windows and their read-outs."""

from __future__ import annotations

from functools import partial

from django.db import models

from patronage.customize.models import DecisionRun
from patronage.vocabulary.ids import IdPrefix, new_id


class ReadOut(models.Model):
    """Held out against treated for one decision run, and how well choices met redemptions."""

    id = models.CharField(
        primary_key=True, max_length=40, default=partial(new_id, IdPrefix.READOUT)
    )
    run = models.OneToOneField(DecisionRun, on_delete=models.PROTECT, related_name="read_out")
    window_starts_at = models.DateTimeField()
    window_ends_at = models.DateTimeField()
    state = models.CharField(max_length=10, choices=[(s, s) for s in ("pending", "read")])
    replayed = models.BooleanField(help_text="The history is not the consequence of the decisions.")
    figures = models.JSONField(default=dict)
    manifest = models.PositiveIntegerField(null=True, help_text="Of the outcomes dataset.")
    read_at = models.DateTimeField()
