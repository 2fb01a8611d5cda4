"""`patronage value fit|backtest|compare`: which model says what customers will do, and how well."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from patronage.cli.call import current
from patronage.cli.show import Share, facts, heading, rows, say, share, working
from patronage.differentiate import jobs
from patronage.differentiate.models import ModelVersion
from patronage.differentiate.reads import backtests, grades
from patronage.differentiate.reads.challengers import ChallengerState
from patronage.differentiate.reads.choices import PortfolioChoice
from patronage.vocabulary.money import Money


def fit(*, as_of: date) -> None:
    """Fit every model to the history up to a date, without valuing anybody.

    Parameters
    ----------
    as_of
        The date; nothing that happened after it is seen.
    """
    call = current()
    with working(f"Fitting the models as of {as_of}") as progress:
        made = jobs.fit(actor=call.actor, now=call.clock(), as_of=as_of, progress=progress)
    rows("", [_version(each) for each in made])
    if any(not each.converged for each in made):
        say("A fit that failed is never used: the last good version stays.")


def backtest(*, as_of: date) -> None:
    """Forecast from past dates with every model, score it by what came, choose the best.

    The same inputs again show the backtest that is there.

    Parameters
    ----------
    as_of
        The date; nothing that happened after it is seen.
    """
    call = current()
    with working(f"Backtesting as of {as_of}") as progress:
        run = jobs.backtest(actor=call.actor, now=call.clock(), as_of=as_of, progress=progress)
    _backtest(backtests.backtest(call.actor, run.id, call.clock()))


def compare() -> None:
    """Compare what models and valuations said with what came: champion, challengers, record."""
    call = current()
    board = backtests.model_board(call.actor, call.clock())
    heading("In use")
    rows(
        "",
        [
            _version(each.version)
            | {"chosen_on": each.chosen_on, "runner_up": each.runner_up, "ahead_by": each.ahead_by}
            for each in board.champions
        ],
        empty="Nobody is valued yet. Run `patronage value score --as-of DATE`.",
    )
    if board.challenger is not None:
        _challenger(board.challenger)
    if board.backtest is not None:
        _backtest(board.backtest)
    else:
        say("No backtest has been run yet. Run `patronage value backtest --as-of DATE`.")
    heading("What valuations said of the next quarter, and what came")
    rows(
        "",
        [_grade(each) for each in board.grades],
        empty="No quarter after a valuation is over and valued yet.",
    )
    drifts = {"shopping days": board.drift, "customers who buy": board.buying_drift}
    rows(
        "",
        [
            {
                "what": name,
                "newest_quarter": drift.quarter,
                "off_by": Share(drift.bias),
                "usual": Share(drift.usual),
                "has_drifted": drift.has_drifted,
            }
            for name, drift in drifts.items()
            if drift is not None
        ],
    )
    if board.failures:
        heading("Fits that failed")
        rows(
            "",
            [
                {"model": each.model, "as_of": each.as_of, "reason": each.reason}
                for each in board.failures
            ],
        )


def _backtest(found: backtests.BacktestFound) -> None:
    run = found.run
    heading(f"Backtest of {run.as_of} over {run.origins} past dates")
    facts(
        "",
        {
            "champion": run.champion,
            "in_use": found.in_use,
            "challenger_did_better": run.is_challenger_promoted,
            "shopping_days_off_by": share(found.purchases_bias),
            "at_the_worst_date": share(found.purchases_worst),
            "margin_off_by": share(found.margin_bias),
            "margin_at_the_worst_date": share(found.margin_worst),
            "purchases_in_90%_intervals": Share(found.purchases_covered),
            "spend_in_90%_intervals": Share(found.spend_covered),
            "backtest": run.id,
        },
    )
    rows("", _scores(found))
    if found.choices:
        heading("The model of each portfolio")
        rows("", [_choice(each) for each in found.choices])


def _challenger(found: ChallengerState) -> None:
    heading("The challenger: boosted trees beside the model, for the chance of buying")
    lead = None
    if found.lead is not None:
        lead = f"{found.lead:+.4f} ({found.lead_low:+.4f} to {found.lead_high:+.4f})"
    facts(
        "",
        {
            "state": found.state,
            "since_the_backtest_of": found.since,
            "leads_the_calibrated_model_by": lead,
            "why_not_trained": found.fault or None,
            "version": found.version.id if found.version else None,
        },
    )


def _scores(found: backtests.BacktestFound) -> Sequence[dict[str, Any]]:
    return [
        {
            "forecaster": each.forecaster,
            "kind": each.role,
            "log_score": f"{each.log_score:.4f}",
            "brier": f"{each.brier_score:.4f}",
            "calibration_error": Share(each.calibration_error),
            "resolution": f"{each.resolution:.4f}",
            "behind": f"{each.log_behind:+.4f} ({each.log_behind_low:+.4f} to "
            f"{each.log_behind_high:+.4f})",
        }
        for each in found.scores
    ]


def _choice(choice: PortfolioChoice) -> dict[str, Any]:
    rival = choice.best_rival
    lead = None
    if rival is not None:
        lead = f"{rival.lead:+.4f} ({rival.lead_low:+.4f} to {rival.lead_high:+.4f})"
    return {
        "portfolio": choice.portfolio,
        "model": choice.chosen,
        "why": choice.reason,
        "nearest_other": rival.model if rival else None,
        "leads_by": lead,
        "past_dates": choice.origins,
        "customers": choice.customers,
        "bought_or_not": f"{choice.bought:,} / {choice.did_not:,}",
    }


def _version(version: ModelVersion) -> dict[str, Any]:
    return {
        "model": version.name,
        "kind": version.kind,
        "as_of": version.as_of,
        "usable": version.converged,
        "customers": version.customers,
        "log_likelihood": version.log_likelihood,
        "version": version.id,
    }


def _grade(grade: grades.QuarterGrade) -> dict[str, Any]:
    return {
        "quarter": grade.quarter,
        "customers": grade.customers,
        "buyers_expected": round(grade.expected_buyers),
        "buyers": grade.buyers,
        "days_expected": round(grade.expected_days),
        "days": grade.days,
        "margin_expected": Money(grade.expected_margin_minor, grade.currency),
        "margin": Money(grade.margin_minor, grade.currency),
        "brier": f"{grade.brier:.4f}",
        "brier_of_base_rate": f"{grade.brier_of_base_rate:.4f}",
        "calibration_error": Share(grade.calibration_error),
    }
