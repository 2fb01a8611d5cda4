"""Customers, how they are known, what they agreed to, what is known of them, and imports."""

from __future__ import annotations

from functools import partial
from typing import ClassVar, Final

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models

from patronage.vocabulary.ids import IdPrefix, new_id


class Customer(models.Model):
    """A person, household or organisation that the company serves."""

    id = models.CharField(
        primary_key=True, max_length=40, default=partial(new_id, IdPrefix.CUSTOMER)
    )
    kind = models.CharField(
        max_length=12, choices=[(k, k) for k in ("person", "household", "organisation")]
    )
    label = models.CharField(
        max_length=80, help_text="Non-personal display name, such as 'Household 1028'."
    )
    entry = models.CharField(
        max_length=12,
        choices=[("panel", "panel entry"), ("acquired", "acquired")],
        help_text="Panel entry: first seen when recording began, so not an acquisition.",
    )
    entered_at = models.DateTimeField(help_text="First event of the customer.")
    created_at = models.DateTimeField(help_text="When the customer was recorded here.")
    erased_at = models.DateTimeField(null=True, blank=True)
    merged_into = models.ForeignKey(
        "self",
        null=True,
        on_delete=models.PROTECT,
        related_name="absorbed",
        help_text="Of a merge that stands: the customer that this one is now.",
    )

    def __str__(self) -> str:
        return self.label


#: Customers who are there: neither erased nor absorbed by another.
THERE: Final = models.Q(erased_at__isnull=True, merged_into__isnull=True)


class Merge(models.Model):
    """Two customers are one from `at` on, until it is undone; their rows stay as they came."""

    id = models.CharField(primary_key=True, max_length=40, default=partial(new_id, IdPrefix.MERGE))
    number = models.PositiveBigIntegerField(
        unique=True, help_text="Place among all merges and un-merges."
    )
    kept = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="merges")
    absorbed = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="merged")
    cause = models.CharField(
        max_length=12, choices=[(c, c) for c in ("adopted", "named", "steward", "likely")]
    )
    reason = models.CharField(max_length=400)
    evidence = models.JSONField(default=dict, help_text="What speaks for it; nothing personal.")
    at = models.DateTimeField()
    actor_id = models.CharField(max_length=40)
    undone_number = models.PositiveBigIntegerField(null=True, unique=True)
    undone_at = models.DateTimeField(null=True)
    undone_by = models.CharField(max_length=40, blank=True)
    undone_reason = models.CharField(max_length=400, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["absorbed"],
                condition=models.Q(undone_at__isnull=True),
                name="one_merge_that_stands_an_absorbed_customer",
            ),
            models.CheckConstraint(
                condition=~models.Q(kept=models.F("absorbed")), name="nobody_absorbs_themselves"
            ),
            models.CheckConstraint(
                condition=models.Q(undone_at__isnull=True, undone_number__isnull=True)
                | models.Q(undone_at__isnull=False, undone_number__isnull=False),
                name="undone_merge_says_when",
            ),
        ]


class Identifier(models.Model):
    """A name under which some source knows the customer; personal ones as keyed digests only."""

    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="identifiers")
    kind = models.CharField(max_length=40)
    value = models.CharField(max_length=200, help_text="As given, or its keyed digest.")
    personal = models.BooleanField(default=False)
    place = models.PositiveSmallIntegerField(
        default=0, help_text="Of the customers that the value may stand for: 0 is the first."
    )
    recorded_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["kind", "value", "place"], name="one_customer_a_place_of_an_identifier"
            )
        ]


class Consent(models.Model):
    """What a customer agreed to or withdrew, for one purpose and channel, from an instant on."""

    id = models.CharField(
        primary_key=True, max_length=40, default=partial(new_id, IdPrefix.CONSENT)
    )
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="consents")
    purpose = models.CharField(max_length=20, choices=[(p, p) for p in ("marketing", "profiling")])
    channel = models.CharField(max_length=20)
    state = models.CharField(max_length=10, choices=[(s, s) for s in ("given", "withdrawn")])
    source = models.CharField(max_length=200, help_text="Where it comes from, or 'assumption: …'.")
    valid_from = models.DateTimeField()
    recorded_at = models.DateTimeField()
    actor_id = models.CharField(max_length=40)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["customer", "purpose", "channel", "valid_from", "recorded_at"],
                name="one_consent_an_instant",
            )
        ]


class Suppression(models.Model):
    """A keyed digest of how an erased person can be reached: whoever bears it gets no marketing."""

    kind = models.CharField(max_length=80, help_text="What it is the digest of: email, phone…")
    digest = models.CharField(max_length=64)
    recorded_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["digest", "kind"], name="one_suppression_a_digest")
        ]


class Fact(models.Model):
    """One attribute of a customer: value, source, when it was observed, how long it stays good."""

    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="facts")
    name = models.CharField(max_length=60)
    value = models.CharField(max_length=200)
    source = models.CharField(max_length=100)
    observed_at = models.DateTimeField()
    half_life_days = models.PositiveIntegerField(null=True, blank=True)
    recorded_at = models.DateTimeField()
    import_run = models.ForeignKey("ImportRun", null=True, on_delete=models.PROTECT)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["customer", "name", "source", "observed_at"], name="one_fact_an_observation"
            )
        ]


class Profile(models.Model):
    """Running totals of a customer's history; rebuilt from the events it comes out equal."""

    customer = models.OneToOneField(Customer, primary_key=True, on_delete=models.CASCADE)
    orders = models.PositiveIntegerField(default=0)
    order_lines = models.PositiveIntegerField(default=0)
    return_lines = models.PositiveIntegerField(default=0)
    spend_minor = models.BigIntegerField(default=0, help_text="Sales less returns.")
    returned_minor = models.BigIntegerField(default=0)
    first_order_at = models.DateTimeField(null=True)
    last_order_at = models.DateTimeField(null=True)
    contacts = models.PositiveIntegerField(default=0)
    last_contact_at = models.DateTimeField(null=True)
    redemptions = models.PositiveIntegerField(default=0)
    last_redemption_at = models.DateTimeField(null=True)


class ImportRun(models.Model):
    """One file brought in by one mapping; the pair of digests is unique: twice changes nothing."""

    id = models.CharField(primary_key=True, max_length=40, default=partial(new_id, IdPrefix.IMPORT))
    mapping = models.CharField(max_length=100)
    dataset = models.CharField(max_length=60)
    file_name = models.CharField(max_length=255)
    file_digest = models.CharField(max_length=64)
    mapping_digest = models.CharField(max_length=64)
    state = models.CharField(
        max_length=12,
        choices=[(s, s) for s in ("running", "applied", "refused")],
        default="running",
    )
    rows_read = models.BigIntegerField(default=0)
    rows_landed = models.BigIntegerField(default=0)
    rows_repeated = models.BigIntegerField(default=0, help_text="Already there under the same key.")
    rows_quarantined = models.BigIntegerField(default=0)
    customers_created = models.BigIntegerField(default=0)
    step = models.CharField(max_length=100, blank=True)
    done = models.FloatField(default=0, help_text="Share done, 0 to 1.")
    error = models.TextField(blank=True)
    actor_id = models.CharField(max_length=40)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["file_digest", "mapping_digest"],
                condition=models.Q(state="applied"),
                name="one_applied_import_a_file",
            )
        ]


class QuarantinedRow(models.Model):
    """A row of a file that did not fit: where it stands, which column, and why."""

    run = models.ForeignKey(ImportRun, on_delete=models.CASCADE, related_name="quarantine")
    line = models.BigIntegerField(
        help_text="Line in the file (CSV) or row number (Parquet), from 1."
    )
    column = models.CharField(max_length=100)
    reason = models.CharField(max_length=300)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["run", "line"])]


#: what an event tells, in the words of tracking calls
EVENT_TYPES: Final = ("track", "identify", "page", "screen", "group", "alias")


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
        Customer, on_delete=models.PROTECT, related_name="events", db_index=False
    )
    source_id = models.CharField(max_length=40, help_text="Id of the first key of the source.")
    type = models.CharField(max_length=10, choices=[(t, t) for t in EVENT_TYPES])
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
    type = models.CharField(max_length=10, choices=[(t, t) for t in EVENT_TYPES])
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
        Customer, on_delete=models.PROTECT, related_name="+", db_index=False
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

    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="+")
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
