"""The part of the models page that a backtest fills: champion, challengers, past dates, drift."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from patronage.differentiate.models import BacktestScore
from patronage.differentiate.pages.words import cohort_words
from patronage.differentiate.reads.backtests import BacktestFound, ModelBoard
from patronage.science.lifetime.group_choice import LEADS, NO_LEAD, TOO_LITTLE

ROLE_WORDS: Final[Mapping[str, Promise]] = {
    "model": gettext_lazy("Model"),
    "calibrated": gettext_lazy("Model, level corrected"),
    "challenger": gettext_lazy("Challenger"),
    "baseline": gettext_lazy("Naive baseline"),
}
REASON_WORDS: Final[Mapping[str, Promise]] = {
    LEADS: gettext_lazy("Leads beyond chance"),
    NO_LEAD: gettext_lazy("No other leads beyond chance"),
    TOO_LITTLE: gettext_lazy("Too little evidence of its own"),
}
_NAMES: Final[Mapping[str, Promise]] = {
    "calibrated model": gettext_lazy("Chosen model, level corrected"),
    "challenger": gettext_lazy("Boosted trees, blended"),
    "Boosted trees": gettext_lazy("Boosted trees, blended"),
    "last quarter's shopping days": gettext_lazy("Last quarter's shopping days"),
    "last period repeated": gettext_lazy("Last period repeated"),
    "count × recency/T": gettext_lazy("Count × recency ÷ age"),
    "base rate": gettext_lazy("Base rate"),
    "gamma-poisson by category and affinity": gettext_lazy(
        "Gamma-Poisson by category and affinity"
    ),
}


def board_context(board: ModelBoard) -> dict[str, Any]:
    """What the sections on backtest, failed fits and drift show."""
    found = board.backtest
    context: dict[str, Any] = {"failures": board.failures[:20], "backtest": found}
    context |= {"challenger": board.challenger, "buying_drift": board.buying_drift}
    drift = board.drift
    if drift is not None:
        context |= {"drift": drift, "drift_quarter": cohort_words(drift.quarter)}
    if found is None:
        return context
    dates = {"dates": list(reversed(found.dates)), "choices": _choices(found)}
    return context | _scores(found) | dates | _spread(found)


def name_of(forecaster: str) -> str:
    """A forecaster as people call it."""
    return str(_NAMES.get(forecaster, forecaster))


def _scores(found: BacktestFound) -> dict[str, Any]:
    best = found.best_baseline
    behind = [each for each in found.scores if each.forecaster != found.in_use]
    return {
        "behind": [_behind(each) for each in behind],
        "best_baseline": name_of(best.forecaster) if best else "",
        "beats_baseline": best is not None and best.log_behind_low > 0,
        "scores": [
            {
                "score": each,
                "name": name_of(each.forecaster),
                "role": ROLE_WORDS.get(each.role, each.role),
                "is_in_use": each.forecaster == found.in_use,
            }
            for each in found.scores
        ],
    }


def _choices(found: BacktestFound) -> dict[str, Any]:
    """What the customers of each portfolio chose, and the words for why."""
    own = sum(each.is_own for each in found.choices)
    return {
        "own": own,
        "rows": [
            {"choice": each, "why": REASON_WORDS[each.reason], "rival": each.best_rival}
            for each in found.choices
        ],
    }


def _behind(score: BacktestScore) -> dict[str, Any]:
    return {
        "label": name_of(score.forecaster),
        "value": score.log_behind,
        "low": score.log_behind_low,
        "high": score.log_behind_high,
    }


def _spread(found: BacktestFound) -> dict[str, Any]:
    """What the base is worth under each model that converged: how much hangs on the choice."""
    known = found.horizon_totals_minor or {}
    totals = sorted(known.items(), key=lambda item: -item[1])
    return {
        "totals": [{"label": name, "value": minor} for name, minor in totals],
        "totals_low": totals[-1][1] if totals else None,
        "totals_high": totals[0][1] if totals else None,
        "more_than_one": len(totals) > 1,
        "spread_words": _("Value over the horizon, had another model been in use"),
    }
