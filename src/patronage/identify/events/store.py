"""Where events are kept: those that fit, those set aside, the plan they are judged by, counts.

Whatever the tracking plan does not declare non-personal is sealed under the customer's own key, so
that erasing the customer destroys it in every copy.
"""

from __future__ import annotations

from functools import partial
from typing import ClassVar

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models

from patronage.vocabulary.ids import IdPrefix, new_id

TYPES = ("track", "identify", "page", "screen", "group", "alias")


class TrackingPlan(models.Model):
    """One version of what sources may send; never changed once written, only published."""

    number = models.PositiveIntegerField(primary_key=True)
    digest = models.CharField(max_length=64, help_text="SHA-256 of the content.")
    content = models.JSONField(encoder=DjangoJSONEncoder)
    recorded_at = models.DateTimeField()
    actor_id = models.CharField(max_length=40)
    reason = models.CharField(max_length=400)
    published_at = models.DateTimeField(
        null=True, blank=True, help_text="In force from then on until a later one is published."
    )
    published_by = models.CharField(max_length=40, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["published_at"], name="one_plan_an_instant")
        ]


class Event(models.Model):
    """One thing that happened with a customer, kept once whatever is sent again."""

    id = models.CharField(
        primary_key=True,
        max_length=40,
        help_text="Derived from the message id, so that one message is one event forever.",
    )
    customer = models.ForeignKey(
        "identify.Customer", on_delete=models.PROTECT, related_name="events", db_index=False
    )
    source_id = models.CharField(max_length=40, help_text="Id of the first key of the source.")
    type = models.CharField(max_length=10, choices=[(t, t) for t in TYPES])
    name = models.CharField(max_length=200, help_text="As the tracking plan declares it.")
    occurred_at = models.DateTimeField(help_text="Corrected for the sender's clock.")
    received_at = models.DateTimeField()
    plan_number = models.PositiveIntegerField(help_text="Plan it was judged by; 0 for none.")
    properties = models.JSONField(
        encoder=DjangoJSONEncoder, help_text="Those that the plan declares non-personal."
    )
    sealed = models.BinaryField(help_text="The event as it came, under the customer's key.")

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["customer", "occurred_at"], name="events_of_a_customer")
        ]


class QuarantinedEvent(models.Model):
    """An event that did not fit, kept with the reason until the plan is mended."""

    id = models.CharField(
        primary_key=True, max_length=40, default=partial(new_id, IdPrefix.QUARANTINE)
    )
    event_id = models.CharField(
        max_length=40, unique=True, help_text="Id that the event has once it is released."
    )
    source_id = models.CharField(max_length=40)
    type = models.CharField(max_length=10, choices=[(t, t) for t in TYPES])
    reason = models.CharField(max_length=300)
    occurred_at = models.DateTimeField()
    received_at = models.DateTimeField()
    plan_number = models.PositiveIntegerField(help_text="Plan that it did not fit; 0 for none.")
    sealed = models.BinaryField(help_text="The event as it came, under a key of its own.")
    released_at = models.DateTimeField(null=True, blank=True)
    released_by = models.CharField(max_length=40, blank=True)

    class Meta:
        indexes: ClassVar = [
            models.Index(
                fields=["received_at", "id"],
                condition=models.Q(released_at__isnull=True),
                name="events_set_aside",
            )
        ]


class CapturedOrder(models.Model):
    """That an order of a customer was told by an event: its later lines count no further order."""

    customer = models.ForeignKey(
        "identify.Customer", on_delete=models.PROTECT, related_name="+", db_index=False
    )
    order_id = models.CharField(max_length=200)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["order_id", "customer"], name="one_captured_order_a_customer"
            )
        ]


class WaitingLine(models.Model):
    """A line of an order told by an event, until it stands in the warehouse."""

    customer = models.ForeignKey("identify.Customer", on_delete=models.PROTECT, related_name="+")
    event_id = models.CharField(max_length=40)
    order_id = models.CharField(max_length=200)
    line_number = models.PositiveIntegerField()
    product_id = models.CharField(max_length=200)
    ordered_at = models.DateTimeField()
    quantity = models.FloatField()
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    kind = models.CharField(max_length=6, choices=[(k, k) for k in ("sale", "return")])


class SourceDay(models.Model):
    """What one source sent on one day (UTC)."""

    source_id = models.CharField(max_length=40)
    day = models.DateField()
    accepted = models.PositiveBigIntegerField(default=0)
    repeated = models.PositiveBigIntegerField(default=0)
    quarantined = models.PositiveBigIntegerField(default=0)
    rejected = models.PositiveBigIntegerField(default=0)
    lag_seconds = models.FloatField(
        default=0, help_text="Sum over accepted events from occurrence to arrival."
    )
    last_seen_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["source_id", "day"], name="one_count_a_source_day")
        ]
