"""How is a decision in the moment logged, so that it can be replayed and explained?

Each candidate is logged with its terms: what the choice looked at, in the order of the stages,
then what it was worth and the reason it won or lost.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from patronage.access.roles import Actor, Right, Role
from patronage.customize.deciding import Chosen, Situation
from patronage.customize.moment import Moment
from patronage.customize.propensity import told
from patronage.science.arbitration import REASON_WORDS, STAGES, Reason

_BY_CANDIDATE: Final = (
    "eligible",
    "consented",
    "unfenced",
    "permitted",
    "within",
    "available",
    "capped",
    "reserve",
    "response",
    "buys_anyway",
    "margin",
    "redemption_cost",
    "preferred",
)
#: What logs from before do not say: nobody was fenced, and nothing was counted.
_LATER: Final = {"unfenced": True, "available": True, "scarcity": 0.0}
_SHARED: Final = ("budget_left", "price", "fatigue", "incrementality")
#: Reasons of candidates that fell out before it was asked what they are worth.
BEFORE_SCORING: Final = frozenset({Reason.INELIGIBLE, Reason.UNKNOWN, Reason.NO_CONSENT})


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One treatment that was considered, and why it won or lost."""

    offer_id: str
    offer: str
    treatment_id: str
    channel: str
    #: such as "outscored"
    reason: str
    #: the same in a sentence
    reason_text: str
    #: expected incremental value, minor units; None where it fell out before that was asked
    score_minor: float | None
    #: the ruling that decided whether it may go out; None where there was none
    ruling_id: str | None = None


def may_see_scores(actor: Actor) -> bool:
    """Say whether what an offer is expected to earn may be shown; systems rank by it."""
    return actor.may(Right.SEE_PROFITABILITY) or Role.SERVICE in actor.roles


def without_scores(candidates: Iterable[Candidate]) -> tuple[Candidate, ...]:
    """The same for a reader who may know why each won or lost, but not what it earns."""
    return tuple(replace(each, score_minor=None) for each in candidates)


def candidates_of(moment: Moment) -> tuple[Candidate, ...]:
    """Every candidate with its reason: the winner first, then by value, then by reason."""
    policy = moment.served.policy
    rows = []
    for place, column in enumerate(moment.considered.tolist()):
        treatment = policy.treatments[column]
        offer = policy.offers[policy.offer_of[column]]
        reason = Reason(int(moment.chosen.reasons[0, place]))
        score = float(moment.chosen.scores[0, place])
        rows.append(
            Candidate(
                offer_id=offer.id,
                offer=offer.name,
                treatment_id=treatment.id,
                channel=treatment.channel,
                reason=reason.name.lower(),
                reason_text=REASON_WORDS[reason],
                score_minor=None if reason in BEFORE_SCORING else score,
                ruling_id=_ruling_id(moment, column),
            )
        )
    return tuple(sorted(rows, key=in_order))


def in_order(candidate: Candidate) -> tuple[int, float, str]:
    """Sorts winners first, then those that came furthest, the most valuable first."""
    return (
        -STAGES.index(Reason[candidate.reason.upper()]),
        -(candidate.score_minor or 0.0),
        candidate.treatment_id,
    )


def logged_candidates(moment: Moment) -> list[dict[str, Any]]:
    """Every candidate with its terms, score and reason, exact to the last digit."""
    at, chosen = moment.situation, moment.chosen
    columns = {name: getattr(at, name)[0].tolist() for name in _BY_CANDIDATE}
    asked = moment.considered.tolist()
    return [
        {
            "treatment": treatment.id,
            "offer": treatment.offer_id,
            "channel": treatment.channel,
            "ruling": _ruling_id(moment, column),
            **{name: values[place] for name, values in columns.items()},
            "contact_cost": float(at.contact_cost[place]),
            "scarcity": float(at.scarcity[place]),
            "tie_break": str(int(at.tie_break[0, place])),
            "score": float(chosen.scores[0, place]),
            "reason": int(chosen.reasons[0, place]),
        }
        for place, column in enumerate(asked)
        for treatment in (moment.served.policy.treatments[column],)
    ]


def _ruling_id(moment: Moment, column: int) -> str | None:
    ruling = moment.served.policy.ruling(moment.portfolio_id, column, moment.code(column))
    return None if ruling is None else ruling.id


def logged_versions(moment: Moment) -> dict[str, Any]:
    """What all candidates shared, and the versions it came from."""
    at, run = moment.situation, moment.served.run
    return {
        **{name: getattr(at, name) for name in _SHARED},
        "limit": moment.limit,
        "policy": moment.served.policy.digest,
        "rules": moment.served.policy.book.version_of(moment.portfolio_id),
        **moment.handled,
        **_tests(moment),
        "company": moment.served.company_version,
        "run": None if run is None else run.id,
        "response_model": None if run is None else run.response_model_id,
        "valuation": None if run is None else run.valuation_run_id,
    }


def _tests(moment: Moment) -> dict[str, Any]:
    """The tests of blocks that had a part in the choice; nothing where none had."""
    tests = told(moment.served.policy, moment.special[0], moment.drawn.part[0])
    return {"tests": tests} if tests else {}


def logged_situation(
    candidates: list[dict[str, Any]], versions: dict[str, Any], *, held_out: bool
) -> Situation:
    """Rebuild the situation that a decision in the moment was made in, from its log alone."""
    offers = {row["offer"]: None for row in candidates}
    place = {offer: column for column, offer in enumerate(offers)}
    kinds: dict[str, Any] = {"eligible": np.int8, "reserve": np.int64}
    stages = ("consented", "unfenced", "permitted", "within", "available", "capped")
    kinds |= dict.fromkeys(stages, np.bool_)
    tables: dict[str, Any] = {
        name: np.array(
            [[(_LATER | row)[name] for row in candidates]], dtype=kinds.get(name, np.float64)
        )
        for name in _BY_CANDIDATE
    }
    return Situation(
        **tables,
        **{name: versions[name] for name in _SHARED},
        contact_cost=np.array([row["contact_cost"] for row in candidates], dtype=np.float64),
        scarcity=np.array([(_LATER | row)["scarcity"] for row in candidates], dtype=np.float64),
        held_out=np.array([held_out]),
        tie_break=np.array([[int(row["tie_break"]) for row in candidates]], dtype=np.uint64),
        offer=np.array([place[row["offer"]] for row in candidates], dtype=np.int64),
    )


def reasons_of(chosen: Chosen) -> list[int]:
    """The reasons of one customer's candidates."""
    reasons: list[int] = chosen.reasons[0].tolist()
    return reasons
