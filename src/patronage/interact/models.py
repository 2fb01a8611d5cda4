"""What was sent and what was said: attempts to deliver, and conversations with customers."""

from __future__ import annotations

from functools import partial
from typing import ClassVar

from django.db import models

from patronage.customize.models import Contact
from patronage.differentiate.models import Need
from patronage.identify.models import Customer
from patronage.vocabulary.ids import IdPrefix, new_id


class Attempt(models.Model):
    """One try to hand a contact to its channel, and how it ended."""

    contact = models.ForeignKey(Contact, on_delete=models.PROTECT, related_name="attempts")
    at = models.DateTimeField()
    channel = models.CharField(max_length=20)
    outcome = models.CharField(
        max_length=10, choices=[(o, o) for o in ("sent", "refused", "failed")]
    )
    detail = models.CharField(max_length=300, blank=True)


class Interaction(models.Model):
    """Something a customer said to somebody here, in some channel."""

    id = models.CharField(
        primary_key=True, max_length=40, default=partial(new_id, IdPrefix.INTERACTION)
    )
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="interactions")
    channel = models.CharField(max_length=20)
    at = models.DateTimeField()
    agent_id = models.CharField(max_length=40)
    agent_name = models.CharField(max_length=200)
    need = models.ForeignKey(Need, null=True, blank=True, on_delete=models.PROTECT)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["customer", "-at"])]
