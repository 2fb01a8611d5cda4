"""Who claims a customer, where claims compete, and how that was ruled on."""

from __future__ import annotations

from functools import partial
from typing import ClassVar, Final

from django.db import models
from django.db.models import F, Q

from patronage.govern.models.portfolios import Portfolio
from patronage.govern.suggesting import CONTACT, OWNERSHIP
from patronage.identify.models import Customer
from patronage.vocabulary.ids import IdPrefix, new_id

#: what is claimed → the codes of grounds that it may have
GROUNDS: Final[dict[str, tuple[str, ...]]] = {
    "portfolio": ("contract", "account", "region", "need", "relation", "holds"),
    "contact": ("contract", "launch", "need", "promise"),
    "quiet": ("contract", "complaint", "hardship", "wish", "promise"),
}
CLAIM_KINDS: Final = tuple(GROUNDS)
EVIDENCE: Final = ("contract", "decision", "order", "contact", "fact", "conversation")
CONFLICT_KINDS: Final = (OWNERSHIP, CONTACT)
#: how a claim ends
CLAIM_ENDS: Final = ("upheld", "not_upheld", "withdrawn", "restated")
RULING_REASONS: Final = ("as_ordered", "precedent", "customer_wish", "value", "capacity", "other")


class Conflict(models.Model):
    """Claims on one customer that cannot all stand, from the second claim to the ruling."""

    id = models.CharField(
        primary_key=True, max_length=40, default=partial(new_id, IdPrefix.CONFLICT)
    )
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="conflicts")
    kind = models.CharField(max_length=12, choices=[(each, each) for each in CONFLICT_KINDS])
    opened_at = models.DateTimeField()
    due_at = models.DateTimeField(help_text="Until when it is to be ruled on.")
    ruler = models.CharField(max_length=24, help_text="The role that rules.")
    boundary_id = models.CharField(
        max_length=40, blank=True, help_text="That says so; empty: nothing is declared."
    )
    merge_id = models.CharField(
        max_length=40, blank=True, help_text="That brought two portfolios together."
    )
    closed_at = models.DateTimeField(
        null=True, help_text="When it was ruled on, or claims were withdrawn."
    )

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["customer", "kind"],
                condition=Q(closed_at__isnull=True),
                name="one_open_conflict_of_a_kind",
            ),
            models.CheckConstraint(
                condition=Q(due_at__gt=F("opened_at")), name="conflict_is_due_after_it_opens"
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["closed_at", "due_at"])]


class Claim(models.Model):
    """Somebody says whose a customer is, or what is to be done or not done with them."""

    id = models.CharField(primary_key=True, max_length=40, default=partial(new_id, IdPrefix.CLAIM))
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="claims")
    kind = models.CharField(max_length=12, choices=[(each, each) for each in CLAIM_KINDS])
    portfolio = models.ForeignKey(
        Portfolio, null=True, on_delete=models.PROTECT, related_name="claims"
    )
    offer_id = models.CharField(max_length=40, blank=True, help_text="Of a claim to a contact.")
    offer_name = models.CharField(max_length=200, blank=True, help_text="As it was then.")
    grounds = models.CharField(max_length=16)
    words = models.CharField(max_length=400, blank=True)
    evidence = models.JSONField(default=list, help_text="Kind, id and words of each.")
    entered = models.BooleanField(
        default=False, help_text="For whoever is in charge, who has not spoken yet."
    )
    claimed_by = models.CharField(max_length=40)
    claimed_by_name = models.CharField(max_length=200)
    claimed_at = models.DateTimeField()
    conflict = models.ForeignKey(
        Conflict, null=True, on_delete=models.PROTECT, related_name="claims"
    )
    ended_at = models.DateTimeField(null=True)
    end = models.CharField(max_length=12, blank=True, choices=[(e, e) for e in CLAIM_ENDS])
    end_reason = models.CharField(max_length=400, blank=True)
    ended_by = models.CharField(max_length=40, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(kind="portfolio", portfolio__isnull=False, offer_id="")
                | (Q(kind="contact", portfolio__isnull=True) & ~Q(offer_id=""))
                | Q(kind="quiet", portfolio__isnull=True, offer_id=""),
                name="claim_names_what_it_is_about",
            ),
            models.UniqueConstraint(
                fields=["customer", "portfolio"],
                condition=Q(ended_at__isnull=True, kind="portfolio"),
                name="one_open_claim_a_portfolio",
            ),
            models.UniqueConstraint(
                fields=["customer", "kind", "offer_id"],
                condition=Q(ended_at__isnull=True) & ~Q(kind="portfolio"),
                name="one_open_claim_a_use",
            ),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True, end="")
                | (Q(ended_at__isnull=False) & ~Q(end="")),
                name="ended_claim_says_how",
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["claimed_by", "-claimed_at"])]


class ConflictRuling(models.Model):
    """The one word on a conflict; it is a precedent for the next one of its pattern."""

    id = models.CharField(primary_key=True, max_length=40, default=partial(new_id, IdPrefix.RULING))
    conflict = models.OneToOneField(Conflict, on_delete=models.PROTECT, related_name="ruling")
    claim = models.ForeignKey(
        Claim, on_delete=models.PROTECT, related_name="rulings", help_text="That is upheld."
    )
    suggested = models.ForeignKey(
        Claim, null=True, on_delete=models.PROTECT, related_name="suggestions"
    )
    pattern = models.CharField(max_length=160, help_text="Kind of conflict and all its grounds.")
    grounds = models.CharField(max_length=16, help_text="Of the claim that is upheld.")
    criterion = models.CharField(max_length=16, help_text="That decided; or judgement.")
    reason_code = models.CharField(max_length=16, choices=[(e, e) for e in RULING_REASONS])
    reason = models.CharField(max_length=400, blank=True)
    quiet = models.BooleanField(
        default=False, help_text="It leaves the customer in peace: the claim to that is upheld."
    )
    until = models.DateTimeField(
        null=True, help_text="How long a customer is left in peace; null: until another word."
    )
    actor_id = models.CharField(max_length=40)
    actor_name = models.CharField(max_length=200)
    at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(until__isnull=True) | Q(quiet=True), name="only_peace_ends_by_itself"
            )
        ]
        indexes: ClassVar = [
            models.Index(fields=["pattern", "-at"]),
            # Peace that is over is passed by, whenever what is in force is loaded.
            models.Index(fields=["until"], condition=Q(quiet=True), name="peace_that_stands"),
        ]
