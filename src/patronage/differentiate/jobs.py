"""Value everybody as of a date: one pass over the history, two models, one row a customer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import polars as pl

from patronage.access import datasets
from patronage.access.audit import record
from patronage.access.progress import Progress, silent
from patronage.access.roles import SYSTEM, Actor, Right
from patronage.access.transactions import atomic, take_turns
from patronage.differentiate import backtesting, portfolio_models, reads, registry
from patronage.differentiate.inputs import Inputs, customers_of, inputs_of, purchasers_of, read_from
from patronage.differentiate.models import BacktestRun, ModelVersion, ValuationRun
from patronage.differentiate.panels import panel_of
from patronage.differentiate.placing import Placing
from patronage.differentiate.projection import project
from patronage.differentiate.valuation.appraisal import (
    Labels,
    appraise,
    as_valuations,
)
from patronage.differentiate.valuation.fitting import Fit, fit_purchases, fit_spend
from patronage.differentiate.valuation.scoring import Window
from patronage.identify.jobs import land_orders
from patronage.science.lifetime.purchase_model import PURCHASE_MODELS
from patronage.vocabulary.ids import IdPrefix, new_id
from patronage.vocabulary.periods import BusinessCalendar
from patronage.warehouse import Manifest


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A valuation that is computed and written, and that nobody sees yet."""

    run_id: str
    #: outcomes of the fits; None where there are no parameters to keep
    fitted: tuple[ModelVersion | None, ...]
    #: the versions it rests on
    purchase: ModelVersion
    spend: ModelVersion
    #: that joins in where it won
    challenger: ModelVersion | None
    #: by portfolio, where its customers chose another than the rest
    own: Mapping[str, ModelVersion]
    #: rows of `appraise`
    valued: pl.DataFrame
    manifest: Manifest


def value(*, actor: Actor, now: datetime, as_of: date, progress: Progress = silent) -> ValuationRun:
    """Value every customer as of a date; the same inputs again give the run that is there.

    Orders that events told are moved to the history first, so that it is whole. Nothing that
    happened after `as_of` has ended in the company's zone is seen.

    Raises:
        DateNotOver: the date has not ended yet.
        NothingToValue: nobody bought anything by then.
        OtherCurrency: a line is not in the company's currency.
        UnknownCustomers: a line is of a customer who is not on record.
        NoUsableModel: a model could not be fitted and no earlier one can stand in.
        RuleRefused: an objective rule cannot be used.
        DatasetMoved: an import was applied meanwhile; run it again.
    """
    actor.require(Right.VALUE)
    while land_orders(actor=SYSTEM, now=now):
        progress(0.02, "Adding the orders that events told")
    inputs = inputs_of(as_of, now)
    known = ValuationRun.objects.filter(input_digest=inputs.digest).first()
    if known is not None:
        return known
    progress(0.05, "Reading the history")
    customers = customers_of(inputs)
    progress(0.45, "Fitting the models")
    window = Window.of(inputs.declared.company, as_of)
    fits = [
        _fit_chosen(customers, inputs),
        fit_spend(customers, window.minor_per_major),
        *(fit_purchases(customers, name) for name in portfolio_models.names(inputs.backtest)),
    ]
    progress(0.75, "Valuing customers")
    prepared = _prepare(inputs, customers, fits, now)
    progress(0.9, "Storing the valuation")
    run = _store(actor, now, inputs, fits, prepared)
    progress(1.0, "Done")
    return run


def backtest(
    *, actor: Actor, now: datetime, as_of: date, progress: Progress = silent
) -> BacktestRun:
    """Backtest every purchase model on the history up to a date, and choose one.

    The same inputs again give the backtest that is there. Valuations as of the date and later use
    the model it chose, at the level it found; those that are there stay as they are.

    Raises:
        DateNotOver: the date has not ended yet.
        NothingToValue: nobody bought anything by then.
        HistoryTooShort: no past date has a history to forecast from and an outcome.
    """
    actor.require(Right.VALUE)
    declared, manifests = read_from(as_of, now)
    placing = Placing.until(as_of, BusinessCalendar(declared.company.time_zone))
    inputs = backtesting.Inputs(
        as_of=as_of, manifests=manifests, declared=declared, placing=placing
    )
    known = BacktestRun.objects.filter(input_digest=inputs.digest).first()
    if known is not None:
        return known
    made = backtesting.tested(inputs, progress)
    progress(0.95, "Storing the backtest")
    run = backtesting.store(actor, now, inputs, made)
    progress(1.0, "Done")
    return run


def fit(
    *, actor: Actor, now: datetime, as_of: date, progress: Progress = silent
) -> list[ModelVersion]:
    """Fit every purchase model and the spend model as of a date, without valuing anybody.

    Returns:
        The versions, failed ones included, in the order tried; models for which no search was
        possible have none.

    Raises:
        As `value`, but for the rules.
    """
    actor.require(Right.VALUE)
    inputs = inputs_of(as_of, now)
    progress(0.1, "Reading the history")
    customers = purchasers_of(inputs)
    unit = Window.of(inputs.declared.company, as_of).minor_per_major
    fits: list[Fit] = []
    for name in PURCHASE_MODELS:
        progress(0.4 + 0.5 * len(fits) / len(PURCHASE_MODELS), f"Fitting {name}")
        fits.append(fit_purchases(customers, name))
    fits.append(fit_spend(customers, unit))
    with atomic():
        take_turns("valuations")
        made = []
        for each in fits:
            version = registry.version_of(each, as_of=as_of, now=now, backtest=inputs.backtest)
            if version is not None:
                registry.save_model(actor=actor, now=now, version=version, fault=each.fault)
                made.append(version)
    progress(1.0, "Done")
    return made


def _prepare(
    inputs: Inputs, customers: pl.DataFrame, fits: Sequence[Fit], now: datetime
) -> Prepared:
    """Choose the models, value everybody and write the files, before any lock is taken."""
    company, as_of = inputs.declared.company, inputs.as_of
    fitted = tuple(
        registry.version_of(fit, as_of=as_of, now=now, backtest=inputs.backtest) for fit in fits
    )
    purchase, spend = (
        registry.version_to_use(fit, version, as_of)
        for fit, version in zip(fits[:2], fitted[:2], strict=True)
    )
    own = portfolio_models.versions(inputs.backtest, fits[2:], fitted[2:], as_of)
    if own and inputs.placing is not None:
        there = inputs.placing.on(as_of)
        customers = portfolio_models.named(customers, there, own, usual=purchase.id)
    labels = Labels(run_id=new_id(IdPrefix.VALUATION), model_version=purchase.id)
    before = None if inputs.before is None else reads.valuations(inputs.before)
    challenger = registry.challenger_of(purchase)
    seen = None
    if challenger is not None:
        named = panel_of(inputs.manifests, company, as_of)
        seen = named.seen(as_of, customers["customer_id"])
    models = registry.models_of(purchase, spend, challenger)
    others = {each.id: registry.models_of(each, spend) for each in own.values()}
    valued = appraise(customers, models, company, as_of, before, others=others, seen=seen)
    return Prepared(
        run_id=labels.run_id,
        fitted=fitted,
        purchase=purchase,
        spend=spend,
        challenger=challenger,
        own=own,
        valued=valued,
        manifest=_append(as_valuations(valued, company, as_of, labels)),
    )


def _fit_chosen(customers: pl.DataFrame, inputs: Inputs) -> Fit:
    """Fit the model that the newest backtest chose; the default one before the first."""
    if inputs.backtest is None:
        return fit_purchases(customers)
    return fit_purchases(customers, inputs.backtest.champion)


def _model_spread(backtest: BacktestRun | None, used: ModelVersion) -> dict[str, float | None]:
    """Lowest and highest total of the models that converged, as shares of the used one's."""
    totals = backtest.horizon_totals_minor if backtest else {}
    own = totals.get(used.name, 0)
    if own <= 0:
        return {"model_low": None, "model_high": None}
    return {
        "model_low": min(totals.values()) / own,
        "model_high": max(totals.values()) / own,
    }


def _append(rows: pl.DataFrame) -> Manifest:
    base = datasets.head("valuations")
    return datasets.warehouse().append("valuations", rows.to_arrow(), base=base)


def _store(
    actor: Actor, now: datetime, inputs: Inputs, fits: Sequence[Fit], prepared: Prepared
) -> ValuationRun:
    """Make it what everybody sees, in one transaction."""
    with atomic():
        take_turns("valuations")
        known = ValuationRun.objects.filter(input_digest=inputs.digest).first()
        if known is not None:
            return known
        for fit, version in zip(fits, prepared.fitted, strict=True):
            if version is not None:
                registry.save_model(actor=actor, now=now, version=version, fault=fit.fault)
        manifest = prepared.manifest
        if manifest.parent != datasets.head("valuations"):
            # Another date was valued meanwhile: the same rows go on top of its state.
            rows = datasets.read("valuations", manifest.number)
            manifest = _append(
                datasets.warehouse().polars(rows.filter(rows.run_id == prepared.run_id))
            )
        datasets.commit(dataset="valuations", manifest=manifest, cause=prepared.run_id, now=now)
        run = _run(now, inputs, prepared, manifest)
        _audit(actor, now, run, is_latest=project(prepared.valued, run))
    return run


def _run(now: datetime, inputs: Inputs, prepared: Prepared, manifest: Manifest) -> ValuationRun:
    company = inputs.declared.company
    return ValuationRun.objects.create(
        id=prepared.run_id,
        as_of=inputs.as_of,
        input_digest=inputs.digest,
        purchase_model=prepared.purchase,
        spend_model=prepared.spend,
        challenger=prepared.challenger,
        portfolio_models={portfolio: each.id for portfolio, each in prepared.own.items()},
        company_version=inputs.declared.version,
        horizon_days=company.horizon_days,
        customers=len(prepared.valued),
        total_minor=int(prepared.valued["value_minor"].sum()),
        currency=company.currency,
        history_days=int(prepared.valued.select(pl.col("age_days").max()).item() or 0),
        **_model_spread(inputs.backtest, prepared.purchase),
        manifest=manifest.number,
        order_lines_manifest=inputs.manifests.order_lines,
        products_manifest=inputs.manifests.products,
        other_manifests=inputs.manifests.others(),
        created_at=now,
    )


def _audit(actor: Actor, now: datetime, run: ValuationRun, *, is_latest: bool) -> None:
    record(
        actor=actor,
        now=now,
        action="value customers",
        subject_kind="valuation",
        subject_id=run.id,
        right=Right.VALUE,
        before={},
        change={
            "as_of": run.as_of.isoformat(),
            "customers": run.customers,
            "total_minor": run.total_minor,
            "currency": run.currency,
            "manifest": run.manifest,
            "input_digest": run.input_digest,
            "latest": is_latest,
        },
    )
