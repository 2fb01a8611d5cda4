"""Which models were fitted, and which one is used? Versions are rows and never change."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime

from patronage.access.audit import record
from patronage.access.roles import Actor, Right
from patronage.differentiate.errors import NoUsableModel
from patronage.differentiate.models import BacktestRun, ModelVersion, ValuationRun
from patronage.differentiate.valuation.fitting import CHALLENGER, NAMES, PURCHASE, SPEND, Fit
from patronage.differentiate.valuation.levelled import Levelled
from patronage.differentiate.valuation.pieces import View
from patronage.differentiate.valuation.scoring import Models, Window
from patronage.science.lifetime import GammaGamma
from patronage.science.lifetime.backtest import Learnt
from patronage.science.lifetime.blend import Blend
from patronage.science.lifetime.purchase_model import PURCHASE_MODELS, PurchaseModel

_REASON_LENGTH = 400
#: weights of a challenger's pool, as the parameters of its version name them
_POOL = ("level", "model", "logistic", "trees")


def newest_backtest(as_of: date) -> BacktestRun | None:
    """The newest backtest that saw nothing later than the date."""
    seen = BacktestRun.objects.filter(as_of__lte=as_of)
    return seen.order_by("-as_of", "-created_at", "-id").first()


def version_of(
    fit: Fit, *, as_of: date, now: datetime, backtest: BacktestRun | None = None
) -> ModelVersion | None:
    """The outcome of a fit as a version, not yet saved; failed fits included.

    A fit that found the parameters of an earlier version for the same date, with the same
    calibration, is that version.

    Args:
        backtest: what chose this model, and calibrates it if it is its champion.

    Returns:
        The version; None where there are no parameters to keep.
    """
    if fit.parameters is None:
        return None
    chosen = backtest if fit.kind == PURCHASE else None
    known_of = {} if chosen is None else {**chosen.alternates, chosen.champion: chosen.calibration}
    calibration = known_of.get(fit.name, {})
    same_date = ModelVersion.objects.filter(kind=fit.kind, name=fit.name, as_of=as_of)
    for known in same_date.filter(backtest=chosen).order_by("-fitted_at"):
        if known.parameters == fit.parameters and known.converged == fit.usable:
            return known
    return ModelVersion(
        kind=fit.kind,
        name=fit.name,
        as_of=as_of,
        parameters=fit.parameters,
        standard_errors=fit.standard_errors,
        log_likelihood=fit.log_likelihood,
        converged=fit.usable,
        fault=fit.fault[:_REASON_LENGTH],
        customers=fit.customers,
        calibration=calibration,
        backtest=chosen,
        fitted_at=now,
    )


def save_model(*, actor: Actor, now: datetime, version: ModelVersion, fault: str = "") -> None:
    """Save a new version in the caller's transaction; one that is saved stays as it is.

    Args:
        fault: why it must not be used; empty where it may.
    """
    if not version._state.adding:
        return
    version.save(force_insert=True)
    record(
        actor=actor,
        now=now,
        action="fit model",
        subject_kind="model",
        subject_id=version.id,
        right=Right.VALUE,
        reason=fault[:_REASON_LENGTH],
        before={},
        change={
            "kind": version.kind,
            "name": version.name,
            "as_of": version.as_of.isoformat(),
            "usable": version.converged,
        },
    )


def save_challenger(*, actor: Actor, now: datetime, backtest: BacktestRun, learnt: Learnt) -> None:
    """Save the challenger that a backtest promoted, or why it could not be trained."""
    trained = learnt.challenger
    weights = [] if trained is None else trained.weights.tolist()
    version = ModelVersion(
        kind=CHALLENGER,
        name=NAMES[CHALLENGER],
        as_of=backtest.as_of,
        parameters=dict(zip(_POOL, weights, strict=False)),
        converged=trained is not None,
        fault=learnt.fault[:_REASON_LENGTH],
        customers=learnt.customers,
        learners={} if trained is None else trained.stored(),
        backtest=backtest,
        fitted_at=now,
    )
    save_model(actor=actor, now=now, version=version, fault=learnt.fault)


def challenger_of(purchase: ModelVersion) -> ModelVersion | None:
    """The challenger that joins a purchase model in saying who will buy; None where none does.

    It is the one that the purchase model's own backtest promoted; where that one could not be
    trained, the last good one that saw the answers of the same model.
    """
    chosen = purchase.backtest
    if chosen is None or not chosen.is_challenger_promoted or chosen.champion != purchase.name:
        return None
    good = ModelVersion.objects.filter(
        kind=CHALLENGER,
        converged=True,
        as_of__lte=chosen.as_of,
        backtest__champion=purchase.name,
        backtest__created_at__lte=chosen.created_at,
    )
    return good.order_by("-as_of", "-fitted_at", "-id").first()


def last_good(kind: str, as_of: date, name: str | None = None) -> ModelVersion | None:
    """The newest usable version whose data ended on or before the date, of any model or of one."""
    names: Iterable[str] = PURCHASE_MODELS if kind == PURCHASE else (NAMES[kind],)
    if name is not None:
        names = (name,)
    usable = ModelVersion.objects.filter(
        kind=kind, name__in=names, converged=True, as_of__lte=as_of
    )
    return usable.order_by("-as_of", "-fitted_at", "-id").first()


def version_to_use(fit: Fit, version: ModelVersion | None, as_of: date) -> ModelVersion:
    """The version that a valuation rests on: the fit's own, or the last good one.

    Raises:
        NoUsableModel: the fit failed and no earlier version can stand in.
    """
    chosen = version if version is not None and fit.usable else last_good(fit.kind, as_of)
    if chosen is None:
        raise NoUsableModel(kind=fit.kind, as_of=as_of, reason=fit.fault)
    return chosen


def purchase_model(version: ModelVersion) -> PurchaseModel:
    """Rebuild the purchase model of a version."""
    _expect(version, PURCHASE)
    return PURCHASE_MODELS[version.name].from_parameters(**version.parameters)


def spend_model(version: ModelVersion) -> GammaGamma:
    """Rebuild the spend model of a version; its money is in major units."""
    _expect(version, SPEND)
    return GammaGamma.from_parameters(**version.parameters)


def models_of(
    purchase: ModelVersion, spend: ModelVersion, challenger: ModelVersion | None = None
) -> Models:
    """Rebuild the pair that a valuation rests on, and the challenger that joins in."""
    levelled = Levelled.of(purchase.calibration)
    return Models(
        purchase=purchase_model(purchase),
        spend=spend_model(spend),
        fitted_as_of=purchase.as_of,
        calibration=levelled.path,
        buying=levelled.buying,
        spend_levels=levelled.spend,
        challenger=None if challenger is None else blend_of(challenger),
    )


def others_of(run: ValuationRun) -> dict[str, Models]:
    """The models of customers whose portfolio chose its own, by id of the purchase version."""
    versions = ModelVersion.objects.filter(pk__in=run.portfolio_models.values())
    return {each.id: models_of(each, run.spend_model) for each in versions.order_by("id")}


def view_of(run: ValuationRun, window: Window) -> View:
    """The models that a valuation rests on, with what the company assumed."""
    return View.of(models_of(run.purchase_model, run.spend_model), window, others_of(run))


def blend_of(version: ModelVersion) -> Blend:
    """Rebuild the challenger of a version."""
    _expect(version, CHALLENGER)
    return Blend.restored(version.learners)


def _expect(version: ModelVersion, kind: str) -> None:
    if version.kind != kind:
        raise ValueError(
            f"model version {version.id} is a {version.kind} model, expected a {kind} model"
        )
