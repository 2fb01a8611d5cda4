"""How accurate are the models, which one is used and why, and do they still do as they did?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from itertools import pairwise
from typing import Final

import numpy as np

from patronage.access.errors import NotFound
from patronage.access.roles import Actor, Right
from patronage.differentiate.models import (
    BacktestOrigin,
    BacktestRun,
    BacktestScore,
    ModelVersion,
    ValuationRun,
)
from patronage.differentiate.reads.frames import newest_run
from patronage.differentiate.reads.grades import quarter_grades

#: A quarter further from the backtest's mean than this many of its standard deviations has drifted.
DRIFTED: Final = 2.0
_FEWEST_DATES: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class BacktestFound:
    """One backtest with its scores and dates, and what they come to."""

    run: BacktestRun
    #: every forecaster, the best log score first
    scores: tuple[BacktestScore, ...]
    #: oldest first
    dates: tuple[BacktestOrigin, ...]
    #: expected over come, less 1, at the median date and at the worst
    purchases_bias: float
    purchases_worst: float
    margin_bias: float
    margin_worst: float
    #: share of outcomes inside their 90 % intervals at the median date
    purchases_covered: float
    spend_covered: float

    @property
    def best_baseline(self) -> BacktestScore | None:
        """The naive forecaster that is hardest to beat."""
        naive = [each for each in self.scores if each.role == "baseline"]
        return naive[0] if naive else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Champion:
    """The model that the newest valuation rests on, of one kind."""

    version: ModelVersion
    #: date of the first of the backtests that have chosen it since; None: the default model
    chosen_on: date | None
    #: the closest other model, and by how much its mean log score is behind
    runner_up: str | None
    ahead_by: float | None
    #: days of the fit's data end before the valuation's date: a newer fit failed
    is_stand_in: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedFit:
    """A fit that was not used; the last good version stayed."""

    model: str
    as_of: date
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """The newest graded quarter beside the spread of the backtest's dates."""

    quarter: str
    #: expected shopping days over those that came, less 1
    bias: float
    #: mean and standard deviation of the same over the backtest's dates
    usual: float
    spread: float

    @property
    def has_drifted(self) -> bool:
        """Whether it lies further out than the backtest's dates would lead one to expect."""
        return abs(self.bias - self.usual) > DRIFTED * self.spread


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelBoard:
    """What the model screen shows."""

    champions: tuple[Champion, ...]
    #: the newest backtest; None before the first
    backtest: BacktestFound | None
    failures: tuple[FailedFit, ...]
    #: None without a graded quarter or with a backtest of too few dates
    drift: Drift | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """How far a valuation looks beyond what its data span, and between which totals it lies."""

    run_id: str
    as_of: date
    horizon_days: int
    history_days: int
    total_minor: int
    #: total under the lowest and the highest model that converged; None before the first backtest
    low_minor: int | None
    high_minor: int | None
    currency: str

    @property
    def is_extrapolated(self) -> bool:
        """Whether the horizon is longer than the history."""
        return self.horizon_days > self.history_days


def backtest_runs(actor: Actor) -> list[BacktestRun]:
    """Every backtest, newest first.

    Raises:
        NotAllowed: the actor may not see profitability.
    """
    actor.require(Right.SEE_PROFITABILITY)
    return list(BacktestRun.objects.order_by("-as_of", "-created_at"))


def backtest(actor: Actor, run_id: str) -> BacktestFound:
    """One backtest with its scores and dates.

    Raises:
        NotAllowed: the actor may not see profitability.
        NotFound: there is none with this id.
    """
    actor.require(Right.SEE_PROFITABILITY)
    run = BacktestRun.objects.filter(pk=run_id).first()
    if run is None:
        raise NotFound(noun="backtest", id=run_id)
    return _found(run)


def model_board(actor: Actor, now: datetime) -> ModelBoard:
    """Champion of each kind, its challengers with their scores, failed fits, and drift.

    Raises:
        NotAllowed: the actor may not see profitability.
    """
    runs = backtest_runs(actor)
    newest = _found(runs[0]) if runs else None
    valuation = newest_run()
    return ModelBoard(
        champions=_champions(valuation, runs, newest),
        backtest=newest,
        failures=_failures(runs[0] if runs else None),
        drift=_drift(actor, now, newest),
    )


def reach(actor: Actor, as_of: date | None = None) -> Reach:
    """How far the newest valuation, or that of a date, looks beyond its data.

    Raises:
        NotAllowed: the actor may not see profitability.
        NotFound: nobody was valued.
    """
    actor.require(Right.SEE_PROFITABILITY)
    chosen = ValuationRun.objects.order_by("-as_of", "-created_at", "-id")
    run = (chosen.filter(as_of=as_of) if as_of else chosen).first()
    if run is None:
        raise NotFound(noun="valuation as of", id=str(as_of or "any date"))
    total = run.total_minor

    def times(share: float | None) -> int | None:
        return None if share is None else round(total * share)

    return Reach(
        run_id=run.id,
        as_of=run.as_of,
        horizon_days=run.horizon_days,
        history_days=run.history_days,
        total_minor=total,
        low_minor=times(run.model_low),
        high_minor=times(run.model_high),
        currency=run.currency,
    )


def _found(run: BacktestRun) -> BacktestFound:
    scores = tuple(BacktestScore.objects.filter(run=run).order_by("-log_score", "forecaster"))
    dates = tuple(BacktestOrigin.objects.filter(run=run).order_by("as_of"))
    purchases = np.array([_bias(each.purchases_expected, each.purchases_came) for each in dates])
    margin = np.array([_bias(each.margin_expected_minor, each.margin_came_minor) for each in dates])
    return BacktestFound(
        run=run,
        scores=scores,
        dates=dates,
        purchases_bias=float(np.median(purchases)),
        purchases_worst=float(purchases[np.abs(purchases).argmax()]),
        margin_bias=float(np.median(margin)),
        margin_worst=float(margin[np.abs(margin).argmax()]),
        purchases_covered=float(np.median([each.purchases_covered for each in dates])),
        spend_covered=float(np.median([each.spend_covered for each in dates])),
    )


def _champions(
    valuation: ValuationRun | None, runs: list[BacktestRun], newest: BacktestFound | None
) -> tuple[Champion, ...]:
    if valuation is None:
        return ()
    found = []
    for version in (valuation.purchase_model, valuation.spend_model):
        runner_up, ahead_by = _runner_up(version, newest)
        found.append(
            Champion(
                version=version,
                chosen_on=_chosen_on(version, runs) if version.backtest_id else None,
                runner_up=runner_up,
                ahead_by=ahead_by,
                is_stand_in=version.as_of < valuation.as_of,
            )
        )
    return tuple(found)


def _chosen_on(version: ModelVersion, runs: list[BacktestRun]) -> date | None:
    """The first of the newest backtests in a row that chose this model."""
    seen = [run for run in runs if run.as_of <= version.as_of]
    if not seen or seen[0].champion != version.name:
        return None
    for newer, older in pairwise(seen):
        if older.champion != version.name:
            return newer.as_of
    return seen[-1].as_of


def _runner_up(
    version: ModelVersion, newest: BacktestFound | None
) -> tuple[str | None, float | None]:
    models = [each for each in newest.scores if each.role == "model"] if newest else []
    own = [each for each in models if each.forecaster == version.name]
    others = [each for each in models if each.forecaster != version.name]
    if not own or not others:
        return None, None
    return others[0].forecaster, own[0].log_score - others[0].log_score


def _failures(run: BacktestRun | None) -> tuple[FailedFit, ...]:
    """Failed fits of valuations, newest first, then those of the newest backtest."""
    versions = ModelVersion.objects.filter(converged=False).order_by("-as_of", "-fitted_at")
    valued = [FailedFit(model=each.name, as_of=each.as_of, reason=each.fault) for each in versions]
    tried = [
        FailedFit(
            model=each["model"], as_of=date.fromisoformat(each["as_of"]), reason=each["reason"]
        )
        for each in (run.failures if run else [])
    ]
    return (*valued, *tried)


def _drift(actor: Actor, now: datetime, newest: BacktestFound | None) -> Drift | None:
    if newest is None or len(newest.dates) < _FEWEST_DATES:
        return None
    grades = quarter_grades(actor, now)
    if not grades or not grades[-1].days:
        return None
    usual = np.array([_bias(each.purchases_expected, each.purchases_came) for each in newest.dates])
    grade = grades[-1]
    return Drift(
        quarter=grade.quarter,
        bias=_bias(grade.expected_days, grade.days),
        usual=float(usual.mean()),
        spread=float(usual.std(ddof=1)),
    )


def _bias(expected: float, came: float) -> float:
    return expected / came - 1 if came else float("nan")
