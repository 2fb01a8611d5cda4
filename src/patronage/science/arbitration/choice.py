"""Who gets what, and why not the rest: one definition for one customer and for a million.

Stages in order: eligible, consented, outside the fence, permitted by ruling, within the boundaries,
under the contact cap, affordable, worth it, best, held out. A candidate's reason is the first stage
it fell out at.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from patronage.science.arbitration.reasons import Outcome, Reason

Bools = NDArray[np.bool_]

# Plain numbers for the arrays: looking an enum member up costs more than comparing one row.
_INELIGIBLE, _UNKNOWN = int(Reason.INELIGIBLE), int(Reason.UNKNOWN)
_NO_CONSENT, _BLOCKED, _BOUNDARY = int(Reason.NO_CONSENT), int(Reason.BLOCKED), int(Reason.BOUNDARY)
_CAPPED, _NO_BUDGET = int(Reason.CAPPED), int(Reason.NO_BUDGET)
_NOT_AVAILABLE = int(Reason.NOT_AVAILABLE)
_NOT_WORTH_IT, _OUTSCORED = int(Reason.NOT_WORTH_IT), int(Reason.OUTSCORED)
_FENCED = int(Reason.FENCED)
_CHOSEN, _WITHHELD = int(Reason.CHOSEN), int(Reason.WITHHELD)


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What was decided for each customer, with every candidate's reason."""

    #: ``int64 (n, limit)``: chosen actions, best first; −1 where a place stays empty. For a
    #: held-out customer, what would have been offered.
    chosen: NDArray[np.int64]
    #: ``int8 (n, k)``: a :class:`Reason` for every candidate.
    reasons: NDArray[np.int8]
    #: ``int8 (n,)``: an :class:`Outcome` for every customer.
    outcome: NDArray[np.int8]


def choose(
    *,
    eligible: NDArray[np.int8],
    consented: Bools,
    permitted: Bools,
    capped: Bools,
    affordable: Bools,
    scores: NDArray[np.float64],
    held_out: Bools,
    tie_break: NDArray[np.uint64],
    within_boundary: Bools | None = None,
    unfenced: Bools | None = None,
    available: Bools | None = None,
    limit: int = 1,
) -> Choice:
    """Choose up to ``limit`` actions with the highest positive score for each customer.

    Args: ``n`` customers, ``k`` candidate actions; nothing may be missing.

        eligible: ``int8 (n, k)``: 1 true, 0 false, −1 unknown; unknown is never eligible.
        consented: ``bool (n, k)``: a consent stands for the action's channel.
        permitted: ``bool (n, k)``: the manager's ruling allows or adapts it.
        capped: ``bool (n,)`` or ``(n, k)``: the contact policy leaves no place.
        affordable: ``bool (n, k)``: budget and capacity are left.
        scores: ``float64 (n, k)``: incremental value in minor units; NaN and infinity refused.
        held_out: ``bool (n,)``: decided in full, then withheld.
        tie_break: ``uint64 (n, k)``: the larger wins between equal scores (then the first).
        within_boundary: ``bool (n, k)``: no enterprise boundary forbids it; None: there is none.
        unfenced: ``bool (n, k)``: no fence keeps mass contacts from the customer, or the action is
            none; None: there is no fence.
        available: ``bool (n, k)``: some of its stock or capacity is left; None: there is no limit.
        limit: places per customer, at least 1.

    Returns:
        A :class:`Choice`.

    Raises:
        ValueError: shapes differ, a score is not finite, ``eligible`` holds another number, or
            ``limit`` is below 1.

    Assumes that places are independent (no treatment's score depends on another's being shown).
    Because a held-out customer passes through every stage, comparing withheld with offered
    customers estimates the effect of the offer on those who would get it (intention to treat).
    """
    if capped.ndim == 1:
        capped = np.broadcast_to(capped[:, np.newaxis], (len(capped), scores.shape[-1]))
    within = permitted if within_boundary is None else within_boundary
    free = np.ones_like(permitted) if unfenced is None else unfenced
    there = permitted if available is None else available
    stages = (consented, free, permitted, within, there, capped, affordable)
    _check(scores, eligible, tie_break, held_out, limit, *stages)
    reasons = _first_failures(eligible, scores, *stages)
    chosen = _best(np.where(reasons == _OUTSCORED, scores, 0.0), tie_break, limit)
    won = chosen >= 0
    rows, slots = won.nonzero()
    reasons[rows, chosen[rows, slots]] = np.where(held_out[rows], _WITHHELD, _CHOSEN)
    outcome = np.where(
        won[:, 0], np.where(held_out, int(Outcome.WITHHELD), int(Outcome.OFFERED)), Outcome.NOTHING
    ).astype(np.int8)
    return Choice(chosen=chosen, reasons=reasons, outcome=outcome)


def _first_failures(
    eligible: NDArray[np.int8],
    scores: NDArray[np.float64],
    consented: Bools,
    unfenced: Bools,
    permitted: Bools,
    within: Bools,
    available: Bools,
    capped: Bools,
    affordable: Bools,
) -> NDArray[np.int8]:
    """Why each action is out; what passes every stage can only be outscored."""
    reasons = np.full(scores.shape, _OUTSCORED, dtype=np.int8)
    # From the last stage to the first, so that what is written last is the first to have failed.
    reasons[scores <= 0.0] = _NOT_WORTH_IT
    reasons[~affordable] = _NO_BUDGET
    reasons[capped] = _CAPPED
    reasons[~available] = _NOT_AVAILABLE
    reasons[~within] = _BOUNDARY
    reasons[~permitted] = _BLOCKED
    reasons[~unfenced] = _FENCED
    reasons[~consented] = _NO_CONSENT
    reasons[eligible < 0] = _UNKNOWN
    reasons[eligible == 0] = _INELIGIBLE
    return reasons


def _best(
    open_scores: NDArray[np.float64], tie_break: NDArray[np.uint64], limit: int
) -> NDArray[np.int64]:
    """The ``limit`` highest positive scores of each row, best first; −1 where none is left.

    ``open_scores`` is used up: a score is set to 0 once it has won.
    """
    n, k = open_scores.shape
    chosen = np.full((n, limit), -1, dtype=np.int64)
    rows = np.arange(n)
    for place in range(min(limit, k)):
        winner = open_scores.argmax(axis=1)
        best = open_scores[rows, winner]
        level = open_scores == best[:, np.newaxis]
        tied = ((best > 0.0) & (level.sum(axis=1) > 1)).nonzero()[0]
        if tied.size:
            winner[tied] = _highest(tie_break[tied], level[tied])
        chosen[:, place] = np.where(best > 0.0, winner, -1)
        open_scores[rows, winner] = 0.0
    return chosen


def _highest(tie_break: NDArray[np.uint64], level: Bools) -> NDArray[np.int64]:
    # A hash of 0 must still beat those that are not level, so these are excluded by a second key.
    order = np.lexsort((np.where(level, tie_break, 0), level), axis=-1)
    top = tie_break[np.arange(len(order)), order[:, -1]]
    return np.asarray((level & (tie_break == top[:, np.newaxis])).argmax(axis=1), dtype=np.int64)


def _check(
    scores: NDArray[np.float64],
    eligible: NDArray[np.int8],
    tie_break: NDArray[np.uint64],
    held_out: Bools,
    limit: int,
    *stages: Bools,
) -> None:
    if scores.ndim != 2 or held_out.shape != scores.shape[:1]:
        raise ValueError(
            f"choose: scores have shape {scores.shape} and held_out {held_out.shape}; "
            "expected (n_customers, n_actions) and (n_customers,)"
        )
    for shape in (eligible.shape, tie_break.shape, *(stage.shape for stage in stages)):
        if shape != scores.shape:
            raise ValueError(
                f"choose: an argument has shape {shape}; expected {scores.shape} as scores "
                "have (capped may be (n_customers,))"
            )
    for stage in (held_out, *stages):
        # Inverting numbers that stand for yes and no would let through what must be stopped.
        if stage.dtype != np.bool_:
            raise ValueError(
                f"choose: a stage has type {stage.dtype}; expected bool: decide each stage first"
            )
    if not np.isfinite(scores).all():
        raise ValueError(
            "choose: a score is NaN or infinite; score every candidate, or mark it not eligible "
            "and give it a finite score"
        )
    if limit < 1:
        raise ValueError(f"choose: limit is {limit}; expected at least 1 place per customer")
    if eligible.size and (eligible.min() < -1 or eligible.max() > 1):
        raise ValueError("choose: eligible holds a number other than 1 (true), 0 (false), −1")
