"""Backtests: run one, and see which model won, by how much, and whether it still does."""

from __future__ import annotations

from datetime import date

from ninja import ModelSchema, Schema, Status
from pydantic import Field

from patronage.access.requests import CallerRequest
from patronage.differentiate import jobs
from patronage.differentiate.api.models import ModelRow
from patronage.differentiate.api.router import router
from patronage.differentiate.models import (
    BacktestRun,
    BacktestScore,
    ModelVersion,
)
from patronage.differentiate.reads import backtests
from patronage.differentiate.reads.choices import PortfolioChoice


class NewBacktest(Schema):
    """Backtest every model on the history up to a date; the same inputs again run nothing."""

    as_of: date


class NewFit(Schema):
    """Fit every model to the history up to a date, without valuing anybody."""

    as_of: date


class BacktestRow(ModelSchema):
    """A backtest: the model it chose, and what it rests on."""

    class Meta:
        model = BacktestRun
        # money of all customers together: with one backtest, for who sees every customer
        exclude = ("horizon_totals_minor",)


class ScoreRow(ModelSchema):
    """How one forecaster did."""

    class Meta:
        model = BacktestScore
        exclude = ("id", "run")


class BacktestFound(Schema):
    """A backtest with its scores (the best first) and its dates (the oldest first)."""

    run: BacktestRow
    in_use: str = Field(
        description="the forecaster of `scores` whose probabilities of buying are used"
    )
    horizon_totals_minor: dict[str, int] | None = Field(
        description="value of the horizon under each model that converged; none, as the margins "
        "of `dates`, for who does not see every customer"
    )
    scores: list[ScoreRow]
    dates: list[backtests.PastDate]
    choices: list[PortfolioChoice] = Field(
        description="the model of each portfolio in sight, its competitors and their scores"
    )
    purchases_bias: float | None = Field(
        description="expected over come less 1, at the median date; none where nothing came"
    )
    purchases_worst: float | None
    margin_bias: float | None
    margin_worst: float | None
    purchases_covered: float = Field(description="share inside 90 % intervals, median date")
    spend_covered: float


class ChampionRow(Schema):
    """The model that the newest valuation rests on, of one kind, and since when and why."""

    version: ModelRow
    chosen_on: date | None
    runner_up: str | None
    ahead_by: float | None
    is_stand_in: bool


class ChallengerRow(Schema):
    """Whether the probability of buying is the boosted trees', since when and why."""

    state: str
    version: ModelRow | None
    since: date | None
    lead: float | None = Field(
        description="mean log score by which it leads the calibrated model at past dates"
    )
    lead_low: float | None
    lead_high: float | None
    fault: str


class Board(Schema):
    """Champions, the challenger, the newest backtest, failed fits and drift."""

    champions: list[ChampionRow]
    challenger: ChallengerRow | None
    backtest: BacktestFound | None
    failures: list[backtests.FailedFit]
    drift: backtests.Drift | None = Field(description="of shopping days")
    buying_drift: backtests.Drift | None = Field(description="of customers who buy in the quarter")


@router.get("/models/board", response=Board, summary="Champions, challengers, failures, drift")
def board(request: CallerRequest) -> backtests.ModelBoard:
    return backtests.model_board(request.actor, request.now)


@router.post("/models", response={201: list[ModelRow]}, summary="Fit every model as of a date")
def fit(request: CallerRequest, new: NewFit) -> Status[list[ModelVersion]]:
    made = jobs.fit(actor=request.actor, now=request.now, as_of=new.as_of)
    return Status(201, made)


@router.get("/backtests", response=list[BacktestRow], summary="List the backtests")
def listed(request: CallerRequest) -> list[BacktestRun]:
    return backtests.backtest_runs(request.actor)


@router.post("/backtests", response={201: BacktestRow}, summary="Backtest every model")
def run(request: CallerRequest, new: NewBacktest) -> Status[BacktestRun]:
    done = jobs.backtest(actor=request.actor, now=request.now, as_of=new.as_of)
    return Status(201, done)


@router.get("/backtests/{backtest_id}", response=BacktestFound, summary="Show one backtest")
def backtest(request: CallerRequest, backtest_id: str) -> backtests.BacktestFound:
    return backtests.backtest(request.actor, backtest_id, request.now)
