"""Fitted models and their backtests: how accurate each was from many past dates."""

from __future__ import annotations

from functools import partial
from typing import ClassVar

from django.db import models

from patronage.access.models import CompanyVersion
from patronage.vocabulary.ids import IdPrefix, new_id


class ModelVersion(models.Model):
    """A fitted model: its parameters, how it was fitted, and until when its data ran."""

    id = models.CharField(primary_key=True, max_length=40, default=partial(new_id, IdPrefix.MODEL))
    kind = models.CharField(max_length=20, help_text="purchase, spend, response or challenger")
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
    learners = models.JSONField(
        default=dict,
        help_text="What a challenger's learners were taught, its pool and its horizon; empty for "
        "other kinds.",
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
        help_text="It did better than the calibrated model at past dates, beyond chance: the "
        "probability of buying is the challenger's."
    )
    challenger_lead = models.JSONField(
        null=True,
        help_text="Mean log score by which the challenger leads the calibrated model at past "
        "dates, with its 95 % interval; none where it spoke at too few of them.",
    )
    calibration = models.JSONField(help_text="As a model version carries it.")
    alternates = models.JSONField(
        default=dict,
        help_text="Calibrations of other models that a portfolio's own outcomes chose, by model.",
    )
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


class BacktestChoice(models.Model):
    """Which model the outcomes of one portfolio's customers ask for, and what speaks for it."""

    run = models.ForeignKey(BacktestRun, on_delete=models.CASCADE, related_name="choices")
    portfolio_id = models.CharField(max_length=40)
    chosen = models.CharField(max_length=60)
    reason = models.CharField(
        max_length=40,
        help_text="leads beyond chance, no lead beyond chance, too little evidence",
    )
    origins = models.PositiveIntegerField(help_text="Past dates on which it had customers.")
    customers = models.PositiveIntegerField(help_text="Who ever were its customers then.")
    bought = models.PositiveIntegerField(help_text="Forecasts after which the customer bought.")
    did_not = models.PositiveIntegerField(help_text="Forecasts after which they did not.")
    scores = models.JSONField(
        help_text="By model: mean log score, and lead over the choice of all with its bounds, "
        "which hold for all comparisons of all portfolios together at 95 %."
    )

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["run", "portfolio_id"], name="one_choice_a_portfolio")
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
