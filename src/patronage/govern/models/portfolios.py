"""Who is in charge of whom: portfolios, managers, dated membership, today's standing."""

from __future__ import annotations

from functools import partial
from typing import ClassVar

from django.db import models

from patronage.access.models import User
from patronage.identify.models import Customer
from patronage.vocabulary.ids import IdPrefix, new_id


class Portfolio(models.Model):
    """A set of customers that one manager answers for."""

    id = models.CharField(
        primary_key=True, max_length=40, default=partial(new_id, IdPrefix.PORTFOLIO)
    )
    name = models.CharField(max_length=100, unique=True)
    description = models.CharField(max_length=300, blank=True)
    default_ruling = models.CharField(max_length=6, choices=[(r, r) for r in ("allow", "block")])
    gate_days = models.PositiveSmallIntegerField(
        default=14,
        help_text="Days after which an offer that nobody ruled on falls to the default; 0: never.",
    )
    position = models.PositiveIntegerField(help_text="Order in which assignment rules are tried.")
    created_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name


class Accountability(models.Model):
    """From `starts_at` on this person answers for the portfolio, until the next row's start."""

    portfolio = models.ForeignKey(Portfolio, on_delete=models.PROTECT, related_name="managers")
    manager = models.ForeignKey(User, on_delete=models.PROTECT, related_name="accountabilities")
    starts_at = models.DateTimeField()
    reason = models.CharField(max_length=400)
    actor_id = models.CharField(max_length=40)
    recorded_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["portfolio", "starts_at"], name="one_manager_an_instant"
            )
        ]


class Membership(models.Model):
    """From `starts_at` on the customer is in the portfolio, until the next row's start."""

    # the constraint below begins with the customer; nobody asks for a portfolio's rows alone
    customer = models.ForeignKey(
        Customer, on_delete=models.PROTECT, related_name="memberships", db_index=False
    )
    portfolio = models.ForeignKey(
        Portfolio, on_delete=models.PROTECT, related_name="memberships", db_index=False
    )
    starts_at = models.DateTimeField()
    cause = models.CharField(
        max_length=12,
        choices=[(c, c) for c in ("entry", "policy", "hand_over", "merge", "unmerge")],
    )
    reason = models.CharField(max_length=400)
    actor_id = models.CharField(max_length=40)
    recorded_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["customer", "starts_at"], name="one_portfolio_an_instant"
            )
        ]


class Standing(models.Model):
    """How a customer stands today: portfolio, value, risk. One row each, for lists and scope."""

    customer = models.OneToOneField(
        Customer, primary_key=True, on_delete=models.CASCADE, related_name="standing"
    )
    # every index below begins with it
    portfolio = models.ForeignKey(
        Portfolio, on_delete=models.PROTECT, related_name="standings", db_index=False
    )
    label = models.CharField(max_length=80)
    value_minor = models.BigIntegerField(null=True, help_text="Unknown until the first valuation.")
    probability_of_purchase = models.FloatField(null=True)
    at_risk_minor = models.BigIntegerField(
        null=True, help_text="Value × (1 − P(buys next quarter))."
    )
    tier = models.CharField(max_length=20, blank=True)
    service_tier = models.CharField(
        max_length=20, blank=True, help_text="By value; empty: the last declared tier."
    )
    need = models.CharField(max_length=40, blank=True)
    objective = models.CharField(max_length=10, blank=True)
    fenced = models.BooleanField(
        default=False, help_text="Within the fence: no mass contact reaches them."
    )
    recency_days = models.PositiveIntegerField(null=True)
    as_of = models.DateField(null=True)

    class Meta:
        indexes: ClassVar = [
            models.Index(
                fields=["portfolio", "-value_minor", "customer"], name="standing_by_value"
            ),
            models.Index(
                fields=["portfolio", "-at_risk_minor", "customer"], name="standing_by_risk"
            ),
            models.Index(fields=["portfolio", "label", "customer"], name="standing_by_label"),
            # The few within the fence, for every decision and every contact about to be sent.
            models.Index(
                fields=["portfolio"], condition=models.Q(fenced=True), name="standing_fenced"
            ),
            # Holds all that a list is searched and filtered by, so that no row is read in vain.
            models.Index(
                fields=[
                    *("portfolio", "tier", "objective", "service_tier"),
                    *("need", "label", "customer"),
                ],
                name="standing_filtered",
            ),
        ]


class StandingAside(models.Model):
    """How a customer stood when another absorbed them, until the two are parted."""

    customer = models.OneToOneField(
        Customer, primary_key=True, on_delete=models.CASCADE, related_name="standing_aside"
    )
    columns = models.JSONField(help_text="Of the standing, by name.")
    set_aside_at = models.DateTimeField()
