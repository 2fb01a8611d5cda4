"""The tables of what customers are worth and need: one module a noun."""

from patronage.differentiate.models.control_totals import MEASURES, ControlTotal
from patronage.differentiate.models.fits import (
    BacktestChoice,
    BacktestOrigin,
    BacktestRun,
    BacktestScore,
    ModelVersion,
)
from patronage.differentiate.models.needs import Need
from patronage.differentiate.models.objectives import OBJECTIVES, ObjectiveOverride
from patronage.differentiate.models.rankings import (
    RankedClient,
    Ranking,
    RankingCriterion,
    RankingVote,
    RankMove,
)
from patronage.differentiate.models.valuations import LatestValuation, ValuationRun

__all__ = [
    "MEASURES",
    "OBJECTIVES",
    "BacktestChoice",
    "BacktestOrigin",
    "BacktestRun",
    "BacktestScore",
    "ControlTotal",
    "LatestValuation",
    "ModelVersion",
    "Need",
    "ObjectiveOverride",
    "RankMove",
    "RankedClient",
    "Ranking",
    "RankingCriterion",
    "RankingVote",
    "ValuationRun",
]
