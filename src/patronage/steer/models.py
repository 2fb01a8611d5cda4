"""Equity statements and scorecards: drafted by one person, published by another, then frozen."""

from __future__ import annotations

from functools import partial
from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from patronage.access.models import User
from patronage.differentiate.models import ValuationRun
from patronage.govern.models import Portfolio
from patronage.vocabulary.ids import IdPrefix, new_id

LINES = (
    "opening",
    "expected_margin",
    "unwinding",
    "roll_forward",
    "experience",
    "panel_entry",
    "new_customers",
    "hand_overs",
    "model_change",
    "closing",
)


class Statement(models.Model):
    """The customer equity of one quarter: opening, movements, closing."""

    id = models.CharField(
        primary_key=True, max_length=40, default=partial(new_id, IdPrefix.STATEMENT)
    )
    period_start = models.DateField(help_text="First day of the quarter.")
    as_of = models.DateField(help_text="Last day of the quarter.")
    opening_run = models.ForeignKey(
        ValuationRun, null=True, on_delete=models.PROTECT, related_name="+"
    )
    closing_run = models.ForeignKey(ValuationRun, on_delete=models.PROTECT, related_name="+")
    currency = models.CharField(max_length=3)
    manifest = models.PositiveIntegerField(null=True, help_text="Of the statement_lines dataset.")
    drafted_by = models.CharField(max_length=40)
    drafted_at = models.DateTimeField()
    published_by = models.CharField(max_length=40, blank=True)
    published_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["as_of", "closing_run"], name="one_statement_a_run"),
            models.CheckConstraint(
                condition=Q(published_by="") | ~Q(published_by=F("drafted_by")),
                name="published_by_a_second_person",
            ),
        ]


class StatementLine(models.Model):
    """One movement of one portfolio; the enterprise is the sum of its portfolios."""

    statement = models.ForeignKey(Statement, on_delete=models.CASCADE, related_name="lines")
    portfolio = models.ForeignKey(Portfolio, on_delete=models.PROTECT)
    kind = models.CharField(max_length=20, choices=[(k, k) for k in LINES])
    amount_minor = models.BigIntegerField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["statement", "portfolio", "kind"], name="one_line_a_kind"
            )
        ]


class Scorecard(models.Model):
    """One manager's quarter for one portfolio, beside its frozen three-year value."""

    id = models.CharField(
        primary_key=True, max_length=40, default=partial(new_id, IdPrefix.SCORECARD)
    )
    statement = models.ForeignKey(Statement, on_delete=models.CASCADE, related_name="scorecards")
    portfolio = models.ForeignKey(Portfolio, on_delete=models.PROTECT)
    manager = models.ForeignKey(User, on_delete=models.PROTECT)
    customers = models.PositiveIntegerField()
    revenue_minor = models.BigIntegerField(help_text="This quarter's, customers held at the date.")
    margin_minor = models.BigIntegerField(help_text="Realised this quarter.")
    expected_margin_minor = models.BigIntegerField(
        null=True, help_text="As expected at the opening."
    )
    value_minor = models.BigIntegerField(help_text="Frozen three-year value.")
    value_low_minor = models.BigIntegerField()
    value_high_minor = models.BigIntegerField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["statement", "portfolio"], name="one_scorecard_a_portfolio"
            )
        ]
