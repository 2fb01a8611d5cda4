"""What the enterprise forbids every lever and every rule, from an instant on."""

from __future__ import annotations

from functools import partial
from typing import ClassVar, Final

from django.db import models
from django.db.models import F, Q

from patronage.govern.limits import BOUNDARY_PERS, FORBIDDING, KINDS
from patronage.vocabulary.ids import IdPrefix, new_id

SOURCES: Final = ("law", "contract", "board")


class Boundary(models.Model):
    """From `valid_from` on this holds under its name, until the next row of that name."""

    id = models.CharField(
        primary_key=True, max_length=40, default=partial(new_id, IdPrefix.BOUNDARY)
    )
    name = models.CharField(max_length=100)
    kind = models.CharField(max_length=12, choices=[(each, each) for each in KINDS])
    lifted = models.BooleanField(default=False, help_text="Nothing of this name holds any more.")
    when = models.TextField(blank=True, help_text="About which customers; empty: everybody.")
    when_tree = models.JSONField(null=True)
    category = models.CharField(max_length=120, blank=True, help_text="Empty: every category.")
    product = models.CharField(max_length=120, blank=True, help_text="Empty: every product.")
    limit = models.BigIntegerField(
        null=True, help_text="In basis points, minor units, times or days; null: it forbids."
    )
    unit = models.CharField(max_length=12, blank=True)
    per = models.CharField(max_length=16, choices=[(each, each) for each in BOUNDARY_PERS])
    role = models.CharField(
        max_length=24, blank=True, help_text="Of a conflict: the role that rules."
    )
    source = models.CharField(max_length=8, choices=[(each, each) for each in SOURCES])
    reason = models.CharField(max_length=400)
    valid_from = models.DateTimeField()
    actor_id = models.CharField(max_length=40)
    recorded_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["name", "valid_from"], name="one_boundary_an_instant"),
            models.CheckConstraint(
                condition=Q(kind__in=FORBIDDING, limit__isnull=True)
                | (~Q(kind__in=FORBIDDING) & Q(limit__gte=0)),
                name="boundary_forbids_or_has_a_limit",
            ),
            models.CheckConstraint(
                condition=(Q(kind="conflict") & ~Q(role="")) | (~Q(kind="conflict") & Q(role="")),
                name="boundary_on_conflicts_names_a_role",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Capacity(models.Model):
    """How much of a boundary on stock or capacity is taken: one row a boundary and period."""

    boundary = models.ForeignKey(Boundary, on_delete=models.PROTECT, related_name="counted")
    period = models.CharField(max_length=8, blank=True, help_text="Such as 2017-Q4; empty: in all.")
    limit = models.BigIntegerField(help_text="How often it is to be had.")
    taken = models.BigIntegerField(
        default=0, help_text="By contacts that went out or may, and by levers that were pulled."
    )

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["boundary", "period"], name="one_count_a_period"),
            models.CheckConstraint(
                condition=Q(taken__gte=0, taken__lte=F("limit")), name="capacity_is_not_overspent"
            ),
        ]
