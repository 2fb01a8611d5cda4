"""Rights to levers, and how they were used."""

from __future__ import annotations

from functools import partial
from typing import ClassVar, Final

from django.db import models
from django.db.models import F, Q

from patronage.access.models import User
from patronage.govern.limits import LEVERS, PERS
from patronage.govern.models.portfolios import Portfolio
from patronage.identify.models import Customer
from patronage.vocabulary.ids import IdPrefix, new_id

STATES: Final = ("done", "waiting", "approved", "refused", "taken_back")
#: the uses that count against limits
COUNTED: Final = ("done", "approved")
RULINGS: Final = ("approve", "refuse", "review", "question", "answer", "take_back")


class Grant(models.Model):
    """From `starts_at` to `ends_at` a lever may be pulled up to a limit.

    By the manager of a portfolio for its customers; by everybody in a role; or, as a part of a
    manager's own right, by one person. Ending moves `ends_at` once.
    """

    id = models.CharField(primary_key=True, max_length=40, default=partial(new_id, IdPrefix.LEVER))
    lever = models.CharField(max_length=16, choices=[(each, each) for each in LEVERS])
    portfolio = models.ForeignKey(
        Portfolio, null=True, on_delete=models.PROTECT, related_name="grants"
    )
    role = models.CharField(max_length=24, blank=True, help_text="Empty: not a role's.")
    person = models.ForeignKey(
        User, null=True, on_delete=models.PROTECT, related_name="levers_delegated"
    )
    part_of = models.ForeignKey(
        "self",
        null=True,
        on_delete=models.PROTECT,
        related_name="parts",
        help_text="The manager's right that it was passed on from.",
    )
    limit = models.BigIntegerField(help_text="In the lever's unit.")
    per = models.CharField(max_length=16, choices=[(each, each) for each in PERS])
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField(null=True, help_text="Exclusive; null: until it is ended.")
    reason = models.CharField(max_length=400)
    actor_id = models.CharField(max_length=40)
    recorded_at = models.DateTimeField()
    end_reason = models.CharField(max_length=400, blank=True)
    ended_by = models.CharField(max_length=40, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(limit__gt=0), name="grant_has_a_limit"),
            models.CheckConstraint(
                condition=Q(ends_at__isnull=True) | Q(ends_at__gte=F("starts_at")),
                name="grant_ends_after_its_start",
            ),
            models.CheckConstraint(
                condition=Q(role="", portfolio__isnull=False)
                | (~Q(role="") & Q(portfolio__isnull=True, person__isnull=True)),
                name="grant_is_a_portfolios_or_a_roles",
            ),
            models.CheckConstraint(
                condition=Q(person__isnull=True, part_of__isnull=True)
                | Q(person__isnull=False, part_of__isnull=False),
                name="what_a_person_holds_was_passed_on",
            ),
        ]


class LeverUse(models.Model):
    """Somebody pulled a lever for a customer; or wants to, and it waits."""

    id = models.CharField(
        primary_key=True, max_length=40, default=partial(new_id, IdPrefix.LEVER_USE)
    )
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="lever_uses")
    lever = models.CharField(max_length=16, choices=[(each, each) for each in LEVERS])
    amount = models.BigIntegerField(help_text="In the lever's unit.")
    currency = models.CharField(max_length=3, blank=True, help_text="For money alone.")
    category = models.CharField(max_length=120, blank=True)
    product = models.CharField(max_length=120, blank=True)
    reason = models.CharField(max_length=400)
    made_by = models.CharField(max_length=40)
    made_at = models.DateTimeField()
    state = models.CharField(max_length=12, choices=[(each, each) for each in STATES])
    waits_for = models.CharField(
        max_length=12, blank=True, help_text="While it waits: manager or executive."
    )
    grant = models.ForeignKey(
        Grant,
        null=True,
        on_delete=models.PROTECT,
        related_name="uses",
        help_text="The right that covers it; null: none, or an executive's word.",
    )
    reasons = models.JSONField(default=list, help_text="Why it was done at once, or not.")
    capacities = models.TextField(
        blank=True, help_text="Counts of stock or capacity it is in: their numbers."
    )
    valid_from = models.DateTimeField(null=True, help_text="Since when it holds.")
    valid_until = models.DateTimeField(null=True, help_text="Exclusive; null: until taken back.")

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(state__in=("waiting", "refused"), valid_from__isnull=True)
                | Q(state="taken_back")
                | Q(state__in=COUNTED, valid_from__isnull=False),
                name="what_counts_has_a_start",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["customer", "lever", "state"], name="lever_uses_of_a_customer"),
            models.Index(fields=["lever", "valid_from"], name="lever_uses_of_a_quarter"),
            models.Index(fields=["grant", "valid_from"], name="lever_uses_of_a_grant"),
            models.Index(fields=["state", "made_at"], name="lever_uses_waiting"),
        ]


class LeverRuling(models.Model):
    """What was said about a use: approved, refused, seen, asked, answered, or taken back."""

    use = models.ForeignKey(LeverUse, on_delete=models.PROTECT, related_name="rulings")
    ruling = models.CharField(max_length=12, choices=[(each, each) for each in RULINGS])
    reason = models.CharField(max_length=400)
    actor_id = models.CharField(max_length=40)
    at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["use", "ruling"], name="one_ruling_of_a_kind_a_use")
        ]
