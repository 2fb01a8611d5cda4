"""Who stands in for a portfolio's manager, and until when."""

from __future__ import annotations

from functools import partial
from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from patronage.access.models import User
from patronage.govern.models.portfolios import Portfolio
from patronage.vocabulary.ids import IdPrefix, new_id


class Cover(models.Model):
    """From `starts_at` to `ends_at` the deputy acts for the manager, who stays accountable.

    A deputy without a last day (`ends_at` is null) stands by until somebody ends it. Ending moves
    `ends_at` once; what was planned stays on record.
    """

    id = models.CharField(primary_key=True, max_length=40, default=partial(new_id, IdPrefix.COVER))
    portfolio = models.ForeignKey(Portfolio, on_delete=models.PROTECT, related_name="covers")
    deputy = models.ForeignKey(User, on_delete=models.PROTECT, related_name="covers")
    starts_at = models.DateTimeField()
    planned_until = models.DateTimeField(
        null=True, help_text="As arranged; null: until it is ended."
    )
    ends_at = models.DateTimeField(null=True, help_text="As planned, or when it was ended before.")
    reason = models.CharField(max_length=400)
    actor_id = models.CharField(max_length=40)
    recorded_at = models.DateTimeField()
    end_reason = models.CharField(max_length=400, blank=True)
    ended_by = models.CharField(max_length=40, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(ends_at__isnull=True) | Q(ends_at__gte=F("starts_at")),
                name="cover_ends_after_its_start",
            ),
            models.CheckConstraint(
                condition=Q(planned_until__isnull=True) | Q(planned_until__gt=F("starts_at")),
                name="cover_is_planned_to_last",
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["deputy", "starts_at"])]
