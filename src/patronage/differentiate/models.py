"""What customers are worth and need: model versions, valuation runs, the latest value, needs."""

from __future__ import annotations

from functools import partial
from typing import ClassVar

from django.db import models

from patronage.access.models import CompanyVersion
from patronage.identify.models import Customer
from patronage.vocabulary.ids import IdPrefix, new_id

OBJECTIVES = ("retain", "grow", "convert", "exit", "acquire")


class ModelVersion(models.Model):
    """A fitted model: its parameters, how it was fitted, and until when its data ran."""

    id = models.CharField(primary_key=True, max_length=40, default=partial(new_id, IdPrefix.MODEL))
    kind = models.CharField(max_length=20, help_text="purchase, spend or response")
    name = models.CharField(max_length=60)
    as_of = models.DateField()
    parameters = models.JSONField()
    standard_errors = models.JSONField(default=dict)
    log_likelihood = models.FloatField(null=True)
    converged = models.BooleanField()
    customers = models.PositiveIntegerField()
    fitted_at = models.DateTimeField()

    class Meta:
        indexes: ClassVar = [models.Index(fields=["kind", "name", "as_of"], name="model_by_date")]


class ValuationRun(models.Model):
    """Every customer valued as of one date; published figures of a run never change."""

    id = models.CharField(
        primary_key=True, max_length=40, default=partial(new_id, IdPrefix.VALUATION)
    )
    as_of = models.DateField(db_index=True)
    input_digest = models.CharField(
        max_length=64, unique=True, help_text="Of as-of date, manifests and company version."
    )
    purchase_model = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="+")
    spend_model = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="+")
    company_version = models.ForeignKey(CompanyVersion, on_delete=models.PROTECT)
    horizon_days = models.PositiveIntegerField()
    customers = models.PositiveIntegerField()
    total_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    manifest = models.PositiveIntegerField(help_text="Manifest of the valuations dataset.")
    order_lines_manifest = models.PositiveIntegerField(help_text="The history that was read.")
    products_manifest = models.PositiveIntegerField(
        null=True, help_text="The products that were read; none if there were none."
    )
    created_at = models.DateTimeField()


class LatestValuation(models.Model):
    """The newest valuation of a customer, projected here for lists, rules and decisions."""

    customer = models.OneToOneField(Customer, primary_key=True, on_delete=models.CASCADE)
    run = models.ForeignKey(ValuationRun, on_delete=models.PROTECT)
    value_minor = models.BigIntegerField()
    value_low_minor = models.BigIntegerField()
    value_high_minor = models.BigIntegerField()
    probability_alive = models.FloatField()
    probability_of_purchase = models.FloatField(help_text="In the next quarter.")
    expected_purchases = models.FloatField(help_text="Purchase days in the next quarter.")
    expected_margin_minor = models.BigIntegerField(help_text="In the next quarter.")
    quarter_revenue_minor = models.BigIntegerField(help_text="Of this quarter, net of returns.")
    quarter_margin_minor = models.BigIntegerField(
        help_text="Revenue less the cost of goods and the cost to serve."
    )
    quarter_sales_minor = models.BigIntegerField()
    quarter_returns_minor = models.BigIntegerField(help_text="Zero or below.")
    quarter_cost_of_goods_minor = models.BigIntegerField()
    quarter_cost_to_serve_minor = models.BigIntegerField()
    quarter_baskets = models.PositiveIntegerField()
    tier = models.CharField(max_length=20)
    need = models.CharField(max_length=40, blank=True)
    objective = models.CharField(max_length=10, choices=[(o, o) for o in OBJECTIVES])
    objective_reason = models.CharField(max_length=200)
    orders_90d = models.PositiveIntegerField()
    recency_days = models.PositiveIntegerField(help_text="Since the last purchase.")
    age_days = models.PositiveIntegerField(help_text="Since the first purchase.")


class Need(models.Model):
    """A need that a customer expressed; what was said, word for word, is in the vault."""

    id = models.CharField(primary_key=True, max_length=40, default=partial(new_id, IdPrefix.NEED))
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="needs")
    name = models.CharField(max_length=40, help_text="Of the company's need taxonomy.")
    channel = models.CharField(max_length=20)
    said_at = models.DateTimeField()
    status = models.CharField(
        max_length=10, choices=[(s, s) for s in ("open", "fulfilled", "dropped")], default="open"
    )
    has_note = models.BooleanField(default=False)
    recorded_by = models.CharField(max_length=40)
    recorded_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)
    closed_reason = models.CharField(max_length=200, blank=True)
