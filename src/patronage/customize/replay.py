"""Does a decision come out the same from its log alone? Choice, reasons and score, or what differs.

A decision in the moment logged all that it looked at, so that scores are worked out anew. One of a
run is chosen anew from the candidates and scores that the warehouse keeps.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl

from patronage.access import datasets
from patronage.customize.deciding import decide
from patronage.customize.log import logged_situation, reasons_of
from patronage.customize.models import Decision
from patronage.customize.propensity import fits, probability
from patronage.science.arbitration import Choice, Reason, choose, tie_break_hash


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """What a decision comes to when it is made again from its log."""

    decision_id: str
    #: None where nothing is chosen
    treatment_id: str | None
    score_minor: float | None
    #: by treatment
    reasons: dict[str, int]
    #: what is not as it was decided, in words; empty when all of it is
    differences: tuple[str, ...]

    @property
    def equal(self) -> bool:
        """Whether choice, score, propensity and every reason come out as they were."""
        return not self.differences


def replay(decision: Decision) -> Replay:
    """Make a decision again from its log and compare."""
    again = _from_log(decision) if decision.run_id is None else _from_run(decision)
    tests = decision.versions.get("tests", {})
    chance = probability(tests)
    differences = list(again.differences)
    # the order of its factors is the store's
    if not math.isclose(chance, decision.propensity, rel_tol=1e-12):
        differences.append(f"the propensity was {decision.propensity}, comes out as {chance}")
    if not fits(tests, decision.customer_id):
        differences.append("a draw of a block's test share comes out otherwise")
    return replace(again, differences=tuple(differences))


def _from_log(decision: Decision) -> Replay:
    rows: list[dict[str, Any]] = decision.candidates
    if not rows:
        return _compared(decision, None, None, {}, {})
    situation = logged_situation(rows, decision.versions, held_out=decision.held_out)
    chosen = decide(situation, decision.versions["limit"])
    place = int(chosen.treatments[0, decision.versions["placement"] - 1])
    again = dict(zip((row["treatment"] for row in rows), reasons_of(chosen), strict=True))
    logged = {row["treatment"]: row["reason"] for row in rows}
    if place < 0:
        return _compared(decision, None, None, again, logged)
    score = float(chosen.scores[0, place])
    return _compared(decision, rows[place]["treatment"], score, again, logged)


def _from_run(decision: Decision) -> Replay:
    rows = run_candidates(decision)
    treatments = rows["treatment_id"].to_list()
    reasons = rows["reason"].to_numpy()
    logged = dict(zip(treatments, reasons.tolist(), strict=True))
    if not treatments:
        return _compared(decision, None, None, {}, logged)
    choice = _chosen_again(decision, rows, reasons)
    again = dict(zip(treatments, choice.reasons[0].tolist(), strict=True))
    place = int(choice.chosen[0, 0])
    if place < 0:
        return _compared(decision, None, None, again, logged)
    return _compared(decision, treatments[place], float(rows["score_minor"][place]), again, logged)


def _chosen_again(decision: Decision, rows: pl.DataFrame, reasons: Any) -> Choice:
    run = decision.run
    if run is None:
        raise ValueError(f"decision {decision.id} is of no run")
    reason = reasons[np.newaxis, :]
    eligible = np.where(reason == Reason.UNKNOWN, -1, reason != Reason.INELIGIBLE)
    return choose(
        eligible=eligible.astype(np.int8),
        consented=reason != Reason.NO_CONSENT,
        unfenced=reason != Reason.FENCED,
        permitted=reason != Reason.BLOCKED,
        within_boundary=reason != Reason.BOUNDARY,
        available=reason != Reason.NOT_AVAILABLE,
        capped=reason == Reason.CAPPED,
        affordable=reason != Reason.NO_BUDGET,
        scores=rows["score_minor"].fill_null(0.0).to_numpy()[np.newaxis, :],
        held_out=np.array([decision.held_out]),
        tie_break=tie_break_hash(
            [decision.customer_id], rows["treatment_id"].to_list(), run.input_digest
        ),
    )


def run_candidates(decision: Decision) -> pl.DataFrame:
    """The candidates that the warehouse keeps of a run's decision, in the policy's order."""
    run = decision.run
    if run is None:
        raise ValueError(f"decision {decision.id} is of no run; its candidates are in its row")
    table: Any = datasets.read("decision_candidates", run.manifest)
    mine = table.filter(
        (table.decision_run_id == run.id) & (table.customer_id == decision.customer_id)
    )
    return datasets.warehouse().polars(mine).sort("offer_id", "treatment_id")


def _compared(
    decision: Decision,
    treatment_id: str | None,
    score: float | None,
    again: dict[str, int],
    logged: dict[str, int],
) -> Replay:
    differences = []
    if treatment_id != decision.treatment_id:
        differences.append(f"chosen was {decision.treatment_id}, comes out as {treatment_id}")
    if score != decision.score_minor:
        differences.append(f"the score was {decision.score_minor}, comes out as {score}")
    differences += [
        f"{each}: the reason was {Reason(reason).name.lower()}, comes out as "
        f"{Reason(again[each]).name.lower() if each in again else 'nothing'}"
        for each, reason in logged.items()
        if again.get(each) != reason
    ]
    return Replay(
        decision_id=decision.id,
        treatment_id=treatment_id,
        score_minor=score,
        reasons=again,
        differences=tuple(differences),
    )
