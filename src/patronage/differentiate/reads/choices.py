"""Which model do the customers of each portfolio ask for, and what speaks for it?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from patronage.access.scope import Scope, portfolio_names
from patronage.differentiate.models import BacktestChoice, BacktestRun


@dataclass(frozen=True, slots=True, kw_only=True)
class RivalScore:
    """How one model did with the customers of a portfolio."""

    model: str
    #: mean log score of who buys in the next quarter
    log_score: float
    #: lead over the model of everybody, bounds for all comparisons of all portfolios together at
    #: 95 %; None of that model itself
    lead: float | None
    lead_low: float | None
    lead_high: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PortfolioChoice:
    """The model of one portfolio, and why it is that one."""

    portfolio_id: str
    portfolio: str
    #: the model's name
    chosen: str
    #: whether it is another than everybody's
    is_own: bool
    #: why: leads beyond chance, no lead beyond chance, too little evidence
    reason: str
    #: past dates on which it had customers, who ever were its customers then
    origins: int
    customers: int
    #: forecasts after which the customer bought, and did not
    bought: int
    did_not: int
    #: every model that spoke at all of these dates, the best first
    scores: tuple[RivalScore, ...]

    @property
    def best_rival(self) -> RivalScore | None:
        """The model that comes nearest to everybody's, or leads it; None without another."""
        rivals = [each for each in self.scores if each.lead is not None]
        return rivals[0] if rivals else None


def portfolio_choices(run: BacktestRun, scope: Scope) -> tuple[PortfolioChoice, ...]:
    """What a backtest chose for the portfolios in scope, in their order."""
    rows = {each.portfolio_id: each for each in BacktestChoice.objects.filter(run=run)}
    if not rows:
        return ()
    names = portfolio_names.ask(scope)
    return tuple(_choice(run, rows[key], name) for key, name in names if key in rows)


def _choice(run: BacktestRun, row: BacktestChoice, name: str) -> PortfolioChoice:
    return PortfolioChoice(
        portfolio_id=row.portfolio_id,
        portfolio=name,
        chosen=row.chosen,
        is_own=row.chosen != run.champion,
        reason=row.reason,
        origins=row.origins,
        customers=row.customers,
        bought=row.bought,
        did_not=row.did_not,
        scores=tuple(
            sorted(
                (_score(model, said) for model, said in row.scores.items()),
                key=lambda each: (-each.log_score, each.model),
            )
        ),
    )


def _score(model: str, said: Mapping[str, Any]) -> RivalScore:
    lead: Mapping[str, float] = said["lead"] or {}
    return RivalScore(
        model=model,
        log_score=said["log_score"],
        lead=lead.get("mean"),
        lead_low=lead.get("low"),
        lead_high=lead.get("high"),
    )
