"""What a product costs on the list, from an instant on."""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class ListPrice(models.Model):
    """From `valid_from` on the product has this list price, until its next row."""

    product = models.CharField(max_length=120)
    amount_minor = models.PositiveBigIntegerField()
    currency = models.CharField(max_length=3)
    valid_from = models.DateTimeField()
    reason = models.CharField(max_length=400)
    actor_id = models.CharField(max_length=40)
    recorded_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["product", "valid_from"], name="one_list_price_an_instant"
            ),
            models.CheckConstraint(
                condition=models.Q(amount_minor__gt=0), name="list_price_is_above_zero"
            ),
        ]
