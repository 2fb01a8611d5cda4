"""How each customer is served, by value or a manager's word, and who is within the fence."""

from __future__ import annotations

from functools import partial
from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from patronage.govern.models.portfolios import Portfolio
from patronage.identify.models import Customer
from patronage.vocabulary.ids import IdPrefix, new_id


class ServiceTierChange(models.Model):
    """From `starts_at` on the customer's value gives them this tier, until the next row's start.

    Whom no row names is served in the last tier, as everybody is until their value says more.
    """

    # the constraint below begins with it
    customer = models.ForeignKey(
        Customer, on_delete=models.PROTECT, related_name="service_tiers", db_index=False
    )
    starts_at = models.DateTimeField()
    tier = models.CharField(max_length=20)
    cause = models.CharField(
        max_length=10,
        choices=[(c, c) for c in ("value", "capacity")],
        help_text="Capacity: the tier that the value gives was full of more valuable customers.",
    )
    value_minor = models.BigIntegerField(help_text="That the tier rests on.")
    as_of = models.DateField(help_text="Date of the valuation.")
    actor_id = models.CharField(max_length=40)
    recorded_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["customer", "starts_at"], name="one_service_tier_an_instant"
            )
        ]


class ServiceTierOverride(models.Model):
    """From `starts_at` to `ends_at` the customer is served in the tier that a person named.

    Ending moves `ends_at` once; what was planned stays on record.
    """

    id = models.CharField(
        primary_key=True, max_length=40, default=partial(new_id, IdPrefix.SERVICE_TIER)
    )
    # the constraint below begins with it
    customer = models.ForeignKey(
        Customer, on_delete=models.PROTECT, related_name="service_overrides", db_index=False
    )
    tier = models.CharField(max_length=20)
    starts_at = models.DateTimeField()
    planned_until = models.DateTimeField(
        null=True, help_text="Exclusive, as said; null: until it is ended."
    )
    ends_at = models.DateTimeField(null=True, help_text="As planned, or when it was ended before.")
    reason = models.CharField(max_length=400)
    actor_id = models.CharField(max_length=40)
    recorded_at = models.DateTimeField()
    end_reason = models.CharField(max_length=400, blank=True)
    ended_by = models.CharField(max_length=40, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["customer"],
                condition=Q(ends_at__isnull=True),
                name="one_open_service_tier_override",
            ),
            models.UniqueConstraint(
                fields=["customer", "starts_at"], name="one_service_override_an_instant"
            ),
            models.CheckConstraint(
                condition=Q(ends_at__isnull=True) | Q(ends_at__gte=F("starts_at")),
                name="service_override_ends_after_its_start",
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["ends_at"])]


class FenceChange(models.Model):
    """A customer came within the fence or left it; the newest row says how they stand.

    While `by_hand` is true a person said so and value decides nothing.
    """

    customer = models.ForeignKey(
        Customer, on_delete=models.PROTECT, related_name="fence_changes", db_index=False
    )
    portfolio = models.ForeignKey(Portfolio, on_delete=models.PROTECT, related_name="+")
    inside = models.BooleanField()
    by_hand = models.BooleanField()
    cause = models.CharField(
        max_length=10,
        choices=[(c, c) for c in ("value", "hand", "release", "no_fence")],
        help_text="Release: value decides again. No fence: their portfolio has none.",
    )
    value_minor = models.BigIntegerField(null=True, help_text="As it was then.")
    reason = models.CharField(max_length=400, blank=True, help_text="In a person's words.")
    actor_id = models.CharField(max_length=40)
    recorded_at = models.DateTimeField()

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["customer", "id"]),
            # What people said, without what value decided for everybody else.
            models.Index(fields=["customer"], condition=Q(by_hand=True), name="fence_by_hand"),
        ]
