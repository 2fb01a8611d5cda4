"""What customers are worth and need: model versions, valuation runs, the latest value, needs."""

from __future__ import annotations

from functools import partial
from typing import ClassVar

from django.db import models

from patronage.access.models import CompanyVersion
from patronage.differentiate import ranked  # noqa: F401 - its tables are of this stage too
from patronage.identify.models import Customer
from patronage.vocabulary.ids import IdPrefix, new_id

OBJECTIVES = ("retain", "grow", "convert", "exit", "acquire")
#: what a ledger states for a period; returns and costs as the profit and loss has them
MEASURES = ("sales", "returns", "revenue", "cost_of_goods", "gross_margin")


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
    fault = models.CharField(
        max_length=400, blank=True, help_text="Why it must not be used; empty where it may."
    )
    customers = models.PositiveIntegerField()
    calibration = models.JSONField(
        default=dict,
        help_text="Factors of the expected path by days since as_of, the correction of P(buy), "
        "and the levels that intervals are cut at; empty where nothing is corrected.",
    )
    backtest = models.ForeignKey(
        "BacktestRun",
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="Why this model was chosen and calibrated so; none before the first backtest.",
    )
    fitted_at = models.DateTimeField()

    class Meta:
        indexes: ClassVar = [models.Index(fields=["kind", "name", "as_of"], name="model_by_date")]


class BacktestRun(models.Model):
    """Forecasts from many past dates, scored by what came: what is known of a model's accuracy."""

    id = models.CharField(
        primary_key=True, max_length=40, default=partial(new_id, IdPrefix.BACKTEST)
    )
    as_of = models.DateField(db_index=True, help_text="Nothing later was seen.")
    input_digest = models.CharField(max_length=64, unique=True)
    company_version = models.ForeignKey(CompanyVersion, on_delete=models.PROTECT)
    order_lines_manifest = models.PositiveIntegerField()
    products_manifest = models.PositiveIntegerField(null=True)
    horizon_days = models.PositiveIntegerField(help_text="Of the forecasts.")
    origins = models.PositiveIntegerField(help_text="Past dates forecast from.")
    champion = models.CharField(
        max_length=60, help_text="The purchase model with the best rolling log score."
    )
    is_challenger_promoted = models.BooleanField(
        help_text="It would have done better than the calibrated model at past dates; "
        "valuations stay on that model."
    )
    calibration = models.JSONField(help_text="As a model version carries it.")
    failures = models.JSONField(help_text="Fits that did not converge: model, date, reason.")
    horizon_totals_minor = models.JSONField(
        help_text="Value of the horizon under each model that converged; their spread is the "
        "uncertainty of a long extrapolation."
    )
    created_at = models.DateTimeField()


class BacktestScore(models.Model):
    """How one forecaster did in a backtest; scores over the dates at which all of them spoke."""

    run = models.ForeignKey(BacktestRun, on_delete=models.CASCADE, related_name="scores")
    event = models.CharField(max_length=60)
    forecaster = models.CharField(max_length=60)
    role = models.CharField(max_length=20, help_text="model, calibrated, challenger or baseline")
    origins = models.PositiveIntegerField()
    rows = models.PositiveIntegerField(help_text="Customers, summed over dates.")
    log_score = models.FloatField(help_text="Mean; higher is better.")
    brier_score = models.FloatField(help_text="Mean; lower is better.")
    calibration_error = models.FloatField()
    resolution = models.FloatField()
    log_behind = models.FloatField(help_text="Mean log score by which it is behind what is in use.")
    log_behind_low = models.FloatField(help_text="95 % interval, paired over customers.")
    log_behind_high = models.FloatField()
    brier_behind = models.FloatField()
    brier_behind_low = models.FloatField()
    brier_behind_high = models.FloatField()
    deciles = models.JSONField(help_text="Predicted, happened and customers by predicted tenth.")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["run", "event", "forecaster"], name="one_score_a_forecaster"
            )
        ]


class BacktestOrigin(models.Model):
    """One past date of a backtest: totals expected and come, and how many intervals held."""

    run = models.ForeignKey(BacktestRun, on_delete=models.CASCADE, related_name="dates")
    as_of = models.DateField()
    champion = models.CharField(max_length=60)
    customers = models.PositiveIntegerField()
    purchases_fitted = models.FloatField()
    purchases_expected = models.FloatField(help_text="On the calibrated path.")
    purchases_repeated = models.FloatField(help_text="The quarter before, repeated.")
    purchases_came = models.FloatField()
    margin_fitted_minor = models.BigIntegerField()
    margin_expected_minor = models.BigIntegerField()
    margin_repeated_minor = models.BigIntegerField()
    margin_came_minor = models.BigIntegerField()
    probability_expected = models.FloatField(help_text="Mean P(buy) in use.")
    share_bought = models.FloatField()
    log_score = models.FloatField(help_text="Of what was in use.")
    purchases_covered = models.FloatField(
        help_text="Share of outcomes in their 90 % intervals, as cut on that date."
    )
    spend_covered = models.FloatField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["run", "as_of"], name="one_origin_a_date")
        ]


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


class ObjectiveOverride(models.Model):
    """A manager's word on a customer's objective, above the rules until a date or revoked."""

    id = models.CharField(
        primary_key=True, max_length=40, default=partial(new_id, IdPrefix.OBJECTIVE)
    )
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, related_name="+")
    objective = models.CharField(max_length=10, choices=[(o, o) for o in OBJECTIVES])
    reason = models.CharField(max_length=200)
    since = models.DateField(help_text="Business date on which it was set.")
    until = models.DateField(null=True, help_text="Last business date on which it stands.")
    set_by = models.CharField(max_length=40)
    set_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)
    revoked_by = models.CharField(max_length=40, blank=True)
    revoked_reason = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["customer"],
                condition=models.Q(revoked_at__isnull=True),
                name="one_override_a_customer",
            ),
            models.CheckConstraint(condition=~models.Q(reason=""), name="override_has_reason"),
        ]


class ControlTotal(models.Model):
    """What the ledger says of a period; later entries for the same replace nothing, they follow."""

    id = models.CharField(
        primary_key=True, max_length=40, default=partial(new_id, IdPrefix.CONTROL_TOTAL)
    )
    first_day = models.DateField()
    last_day = models.DateField()
    measure = models.CharField(max_length=20, choices=[(m, m) for m in MEASURES])
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    source = models.CharField(max_length=200, help_text="Where the ledger's figure comes from.")
    recorded_by = models.CharField(max_length=40)
    recorded_at = models.DateTimeField()

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["last_day", "measure"], name="control_total_by_date")
        ]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(first_day__lte=models.F("last_day")),
                name="control_total_ends_after_start",
            ),
            models.CheckConstraint(condition=~models.Q(source=""), name="control_total_has_source"),
        ]


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
