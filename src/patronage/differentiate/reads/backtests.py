"""How accurate are the models, which one is used and why, and do they still do as they did?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import pairwise
from typing import Final

import numpy as np

from patronage.access.errors import NotFound
from patronage.access.roles import Actor, Right
from patronage.access.scope import Scope, scope_of
from patronage.differentiate.models import (
    BacktestOrigin,
    BacktestRun,
    BacktestScore,
    ModelVersion,
    ValuationRun,
)
from patronage.differentiate.reads.challengers import ChallengerState, challenger_state
from patronage.differentiate.reads.choices import PortfolioChoice, portfolio_choices
from patronage.differentiate.reads.frames import newest_run, run_at
from patronage.differentiate.reads.grades import QuarterGrade, quarter_grades

#: A quarter further from the backtest's mean than this many of its standard deviations has drifted.
DRIFTED: Final = 2.0
_FEWEST_DATES: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class PastDate:
    """One past date of a backtest: what was expected of all customers together, and what came."""

    as_of: date
    #: the best model then
    champion: str
    customers: int
    #: shopping days: as fitted, on the calibrated path, the quarter before repeated, as they came
    purchases_fitted: float
    purchases_expected: float
    purchases_repeated: float
    purchases_came: float
    #: the same of the margin, minor units; None: for who does not see every customer
    margin_fitted_minor: int | None
    margin_expected_minor: int | None
    margin_repeated_minor: int | None
    margin_came_minor: int | None
    #: mean chance of buying as said, share that bought, mean log score
    probability_expected: float
    share_bought: float
    log_score: float
    #: share of outcomes inside their 90 % intervals
    purchases_covered: float
    spend_covered: float
    #: expected over came, less 1; None where nothing came
    purchases_off: float | None
    repeated_off: float | None
    margin_off: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BacktestFound:
    """One backtest with its scores and dates, and what they come to."""

    run: BacktestRun
    #: value of the horizon under each model that converged, minor units; None: for who does not
    #: see every customer
    horizon_totals_minor: Mapping[str, int] | None
    #: every forecaster, the best log score first
    scores: tuple[BacktestScore, ...]
    #: oldest first
    dates: tuple[PastDate, ...]
    #: of the portfolios in sight; empty where there are fewer than two portfolios
    choices: tuple[PortfolioChoice, ...]
    #: expected over come, less 1, at the median date and at the worst; None where nothing came
    purchases_bias: float | None
    purchases_worst: float | None
    margin_bias: float | None
    margin_worst: float | None
    #: share of outcomes inside their 90 % intervals at the median date
    purchases_covered: float
    spend_covered: float

    @property
    def in_use(self) -> str:
        """The forecaster that says who will buy: the challenger where it won, else calibrated.

        The champion as fitted where nothing could be calibrated.
        """
        by_role = {each.role: each.forecaster for each in self.scores}
        if self.run.is_challenger_promoted and "challenger" in by_role:
            return by_role["challenger"]
        return by_role.get("calibrated", self.run.champion)

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
    """The newest graded quarter beside the spread of the backtest's dates, of one figure."""

    quarter: str
    #: what was expected over what came, less 1
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
    #: whether the boosted trees are in use; None before the first backtest
    challenger: ChallengerState | None
    #: every graded quarter of the customers in scope, oldest first
    grades: tuple[QuarterGrade, ...]
    #: of shopping days; None without a graded quarter or with a backtest of too few dates
    drift: Drift | None
    #: of customers who buy in the quarter, as the probability of buying foresees them; likewise
    buying_drift: Drift | None


def backtest_runs(actor: Actor) -> list[BacktestRun]:
    """Every backtest, newest first; `horizon_totals_minor` is for who sees every customer.

    Raises:
        NotAllowed: the actor may not see profitability.
    """
    actor.require(Right.SEE_PROFITABILITY)
    return list(BacktestRun.objects.order_by("-as_of", "-created_at"))


def backtest(actor: Actor, run_id: str, now: datetime) -> BacktestFound:
    """One backtest with its scores and dates.

    Raises:
        NotAllowed: the actor may not see profitability.
        NotFound: there is none with this id.
    """
    actor.require(Right.SEE_PROFITABILITY)
    run = BacktestRun.objects.filter(pk=run_id).first()
    if run is None:
        raise NotFound(noun="backtest", id=run_id)
    return _found(run, scope_of(actor, now))


def model_board(actor: Actor, now: datetime, *, as_of: date | None = None) -> ModelBoard:
    """Champion of each kind, its challengers with their scores, failed fits, and drift.

    Args:
        as_of: only what was known at the end of this date; everything without it.

    Raises:
        NotAllowed: the actor may not see profitability.
    """
    runs = [run for run in backtest_runs(actor) if as_of is None or run.as_of <= as_of]
    newest = _found(runs[0], scope_of(actor, now)) if runs else None
    valuation = newest_run() if as_of is None else run_at(as_of)
    grades = tuple(quarter_grades(actor, now, as_of=as_of))
    return ModelBoard(
        champions=_champions(valuation, runs, newest),
        backtest=newest,
        failures=_failures(runs[0] if runs else None, as_of),
        challenger=challenger_state(runs, valuation),
        grades=grades,
        drift=_drift(grades, newest),
        buying_drift=_buying_drift(grades, newest),
    )


def off_by(expected: float, came: float) -> float | None:
    """Expected over came, less 1; None where nothing came, or less than nothing."""
    return expected / came - 1 if came > 0 else None


def _found(run: BacktestRun, scope: Scope) -> BacktestFound:
    sees_money = scope.everything
    rows = BacktestOrigin.objects.filter(run=run).order_by("as_of")
    dates = tuple(_date(each, sees_money=sees_money) for each in rows)
    purchases_bias, purchases_worst = _middle_and_worst([each.purchases_off for each in dates])
    margin_bias, margin_worst = _middle_and_worst([each.margin_off for each in dates])
    return BacktestFound(
        run=run,
        horizon_totals_minor=run.horizon_totals_minor if sees_money else None,
        scores=tuple(BacktestScore.objects.filter(run=run).order_by("-log_score", "forecaster")),
        dates=dates,
        choices=portfolio_choices(run, scope),
        purchases_bias=purchases_bias,
        purchases_worst=purchases_worst,
        margin_bias=margin_bias,
        margin_worst=margin_worst,
        purchases_covered=float(np.median([each.purchases_covered for each in dates])),
        spend_covered=float(np.median([each.spend_covered for each in dates])),
    )


def _date(row: BacktestOrigin, *, sees_money: bool) -> PastDate:
    return PastDate(
        as_of=row.as_of,
        champion=row.champion,
        customers=row.customers,
        purchases_fitted=row.purchases_fitted,
        purchases_expected=row.purchases_expected,
        purchases_repeated=row.purchases_repeated,
        purchases_came=row.purchases_came,
        margin_fitted_minor=row.margin_fitted_minor if sees_money else None,
        margin_expected_minor=row.margin_expected_minor if sees_money else None,
        margin_repeated_minor=row.margin_repeated_minor if sees_money else None,
        margin_came_minor=row.margin_came_minor if sees_money else None,
        probability_expected=row.probability_expected,
        share_bought=row.share_bought,
        log_score=row.log_score,
        purchases_covered=row.purchases_covered,
        spend_covered=row.spend_covered,
        purchases_off=off_by(row.purchases_expected, row.purchases_came),
        repeated_off=off_by(row.purchases_repeated, row.purchases_came),
        margin_off=off_by(row.margin_expected_minor, row.margin_came_minor),
    )


def _middle_and_worst(off: Sequence[float | None]) -> tuple[float | None, float | None]:
    known = [each for each in off if each is not None]
    return (float(np.median(known)), max(known, key=abs)) if known else (None, None)


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


def _failures(run: BacktestRun | None, as_of: date | None) -> tuple[FailedFit, ...]:
    """Failed fits of valuations, newest first, then those of the newest backtest."""
    versions = ModelVersion.objects.filter(converged=False).order_by("-as_of", "-fitted_at")
    if as_of is not None:
        versions = versions.filter(as_of__lte=as_of)
    valued = [FailedFit(model=each.name, as_of=each.as_of, reason=each.fault) for each in versions]
    tried = [
        FailedFit(
            model=each["model"], as_of=date.fromisoformat(each["as_of"]), reason=each["reason"]
        )
        for each in (run.failures if run else [])
    ]
    return (*valued, *tried)


def _drift(grades: Sequence[QuarterGrade], newest: BacktestFound | None) -> Drift | None:
    if newest is None or not grades:
        return None
    bias = off_by(grades[-1].expected_days, grades[-1].days)
    return _drifted(grades[-1].quarter, bias, [each.purchases_off for each in newest.dates])


def _buying_drift(grades: Sequence[QuarterGrade], newest: BacktestFound | None) -> Drift | None:
    if newest is None or not grades:
        return None
    bias = off_by(grades[-1].expected_buyers, grades[-1].buyers)
    past = [off_by(each.probability_expected, each.share_bought) for each in newest.dates]
    return _drifted(grades[-1].quarter, bias, past)


def _drifted(quarter: str, bias: float | None, past: Sequence[float | None]) -> Drift | None:
    usual = [each for each in past if each is not None]
    if bias is None or len(usual) < _FEWEST_DATES:
        return None
    return Drift(
        quarter=quarter,
        bias=bias,
        usual=float(np.mean(usual)),
        spread=float(np.std(usual, ddof=1)),
    )
