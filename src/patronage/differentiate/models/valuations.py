"""What customers are worth: every run, and the latest row of each customer."""

from __future__ import annotations

from functools import partial

from django.db import models

from patronage.access.models import CompanyVersion
from patronage.differentiate.models.fits import ModelVersion
from patronage.differentiate.models.objectives import OBJECTIVES
from patronage.identify.models import Customer
from patronage.vocabulary.ids import IdPrefix, new_id


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
    challenger = models.ForeignKey(
        ModelVersion,
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="What the probability of buying is blended with; none where it is not in use.",
    )
    portfolio_models = models.JSONField(
        default=dict,
        help_text="Id of the purchase model's version by portfolio, where its customers chose "
        "another than the rest.",
    )
    company_version = models.ForeignKey(CompanyVersion, on_delete=models.PROTECT)
    horizon_days = models.PositiveIntegerField()
    customers = models.PositiveIntegerField()
    total_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    history_days = models.PositiveIntegerField(
        help_text="From the first purchase on record; a longer horizon is extrapolated."
    )
    model_low = models.FloatField(
        null=True,
        help_text="Total under the lowest model that converged, as a share of the chosen one's; "
        "none before the first backtest.",
    )
    model_high = models.FloatField(null=True, help_text="Likewise of the highest.")
    manifest = models.PositiveIntegerField(help_text="Manifest of the valuations dataset.")
    order_lines_manifest = models.PositiveIntegerField(help_text="The history that was read.")
    products_manifest = models.PositiveIntegerField(
        null=True, help_text="The products that were read; none if there were none."
    )
    other_manifests = models.JSONField(
        default=dict, help_text="What else was read, by dataset; none if there was none."
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
    quarter_discounts_minor = models.BigIntegerField(
        help_text="Given off list prices; sales are net of them already."
    )
    quarter_cost_of_goods_minor = models.BigIntegerField()
    quarter_cost_to_serve_minor = models.BigIntegerField()
    quarter_baskets = models.PositiveIntegerField()
    quarter_visits = models.PositiveIntegerField(help_text="Days with a purchase.")
    quarter_contacts = models.PositiveIntegerField(help_text="Not decided by this system.")
    quarter_cases = models.PositiveIntegerField()
    quarter_keeping_minor = models.BigIntegerField(
        help_text="The part of the cost to serve that months as a customer make."
    )
    quarter_acquisition_cost_minor = models.BigIntegerField(
        null=True, help_text="Of customers won in the quarter; none if it is not known."
    )
    horizon_days = models.PositiveIntegerField(help_text="Of the value.")
    potential_minor = models.BigIntegerField(
        null=True, help_text="Estimate from look-alikes; none if there are too few."
    )
    share_of_customer = models.FloatField(
        null=True, help_text="Value as a share of potential; none if either is not above 0."
    )
    value_if_converted_minor = models.BigIntegerField(
        null=True, help_text="Under the cheapest declared service model."
    )
    service_model = models.CharField(max_length=40, blank=True, help_text="That model's name.")
    tier = models.CharField(max_length=20)
    need = models.CharField(max_length=40, blank=True)
    objective = models.CharField(max_length=10, choices=[(o, o) for o in OBJECTIVES])
    objective_reason = models.CharField(max_length=200)
    objective_since = models.DateField(help_text="Date of the valuation or override that set it.")
    rule_objective = models.CharField(
        max_length=10, choices=[(o, o) for o in OBJECTIVES], help_text="Without any override."
    )
    rule_objective_reason = models.CharField(max_length=200)
    rule_objective_since = models.DateField()
    objective_asked = models.CharField(
        max_length=10,
        choices=[(o, o) for o in OBJECTIVES],
        help_text="What the rules ask for; takes effect once they mean it.",
    )
    objective_asked_times = models.PositiveIntegerField(help_text="Valuations in a row.")
    orders_90d = models.PositiveIntegerField()
    recency_days = models.PositiveIntegerField(help_text="Since the last purchase.")
    age_days = models.PositiveIntegerField(help_text="Since the first purchase.")
