"""Organisations that belong together: accounts with parents, who is in them, who helps."""

from __future__ import annotations

from functools import partial
from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from patronage.access.models import User
from patronage.govern.models.portfolios import Portfolio
from patronage.identify.models import Customer
from patronage.vocabulary.ids import IdPrefix, new_id


class Account(models.Model):
    """A group of organisations; the one on top of a tree names the portfolio that holds it all.

    Whoever answers for that portfolio is the tree's director: there is no second list of who does.
    """

    id = models.CharField(
        primary_key=True, max_length=40, default=partial(new_id, IdPrefix.ACCOUNT)
    )
    name = models.CharField(max_length=100, unique=True)
    portfolio = models.ForeignKey(
        Portfolio,
        null=True,
        on_delete=models.PROTECT,
        related_name="accounts",
        help_text="Of the account on top of a tree; null below it.",
    )
    created_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name


class AccountPlace(models.Model):
    """From `starts_at` to `ends_at` an account lies under another one."""

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="places")
    parent = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="children")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField(null=True)
    reason = models.CharField(max_length=400)
    actor_id = models.CharField(max_length=40)
    recorded_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["account"], condition=Q(ends_at__isnull=True), name="one_parent_at_a_time"
            ),
            models.CheckConstraint(
                condition=~Q(parent=F("account")), name="account_is_not_its_own_parent"
            ),
        ]


class AccountMember(models.Model):
    """From `starts_at` to `ends_at` a customer belongs to an account: never to two at once."""

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="members")
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="accounts")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField(null=True)
    reason = models.CharField(max_length=400)
    actor_id = models.CharField(max_length=40)
    recorded_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["customer"], condition=Q(ends_at__isnull=True), name="one_account_at_a_time"
            )
        ]


class AccountDelegation(models.Model):
    """From `starts_at` to `ends_at` a local manager works with the customers of an account.

    Its director stays accountable. Ending moves `ends_at` once; what was planned stays on record.
    """

    id = models.CharField(
        primary_key=True, max_length=40, default=partial(new_id, IdPrefix.ACCOUNT_DELEGATION)
    )
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="delegations")
    manager = models.ForeignKey(User, on_delete=models.PROTECT, related_name="account_delegations")
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
            models.CheckConstraint(
                condition=Q(ends_at__isnull=True) | Q(ends_at__gte=F("starts_at")),
                name="account_delegation_ends_after_its_start",
            )
        ]
        indexes: ClassVar = [models.Index(fields=["manager", "starts_at"])]
