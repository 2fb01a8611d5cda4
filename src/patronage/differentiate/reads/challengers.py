"""Is the challenger in use, since when, and why; or why not?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Final

from patronage.differentiate.models import BacktestRun, ModelVersion, ValuationRun
from patronage.differentiate.valuation.fitting import CHALLENGER

IN_USE: Final = "in use"
LAST_GOOD: Final = "last good one in use"
UNTRAINED: Final = "could not be trained"
NEXT: Final = "from the next valuation on"
NOT_AHEAD: Final = "not ahead beyond chance"
TOO_EARLY: Final = "too few past dates"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChallengerState:
    """What the newest backtest said of the challenger, and what the newest valuation did."""

    #: one of this module's states
    state: str
    #: what the newest valuation's probability of buying is blended with; None: with nothing
    version: ModelVersion | None
    #: date of the first of the newest backtests in a row that it won; None where it did not win
    since: date | None
    #: mean log score by which it leads the calibrated model at past dates, 95 % interval; None
    #: where it spoke at too few of them
    lead: float | None
    lead_low: float | None
    lead_high: float | None
    #: why the newest one could not be trained; empty where it could, or was not to be
    fault: str


def challenger_state(
    runs: Sequence[BacktestRun], valuation: ValuationRun | None
) -> ChallengerState | None:
    """The challenger as the newest of these backtests leaves it; None before the first.

    Args:
        runs: newest first.
        valuation: the newest one.
    """
    if not runs:
        return None
    newest = runs[0]
    trained = ModelVersion.objects.filter(kind=CHALLENGER, backtest=newest).first()
    version = valuation.challenger if valuation is not None else None
    lead = newest.challenger_lead or {}
    return ChallengerState(
        state=_state(newest, trained, version),
        version=version,
        since=_since(runs),
        lead=lead.get("mean"),
        lead_low=lead.get("low"),
        lead_high=lead.get("high"),
        fault=trained.fault if trained is not None else "",
    )


def _state(newest: BacktestRun, trained: ModelVersion | None, version: ModelVersion | None) -> str:
    if newest.challenger_lead is None:
        return TOO_EARLY
    if not newest.is_challenger_promoted:
        return NOT_AHEAD
    if trained is not None and not trained.converged:
        return UNTRAINED if version is None else LAST_GOOD
    return IN_USE if trained is not None and version == trained else NEXT


def _since(runs: Sequence[BacktestRun]) -> date | None:
    if not runs[0].is_challenger_promoted:
        return None
    for newer, older in pairwise(runs):
        if not older.is_challenger_promoted:
            return newer.as_of
    return runs[-1].as_of
