"""How probable was this choice, where blocks are lifted for a share of customers drawn by chance?

Each tested block draws by its own salt, so that the draws are independent: the probability of what
was chosen is the share of each block that was lifted for what won, times the rest of the share of
each block that, lifted, would have won instead. Everything else about a choice is no draw.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from patronage.customize.deciding import Bools, Chosen, Floats, Ints, Situation, decide
from patronage.customize.models import Ruling
from patronage.customize.policy import PolicyInForce
from patronage.customize.scoped import Codes, in_test
from patronage.customize.situations import Means, People, situation
from patronage.science.arbitration import Reason

_OPEN: Final = (int(Reason.OUTSCORED), int(Reason.CHOSEN), int(Reason.WITHHELD))
#: What a test had to do with a choice.
NO_PART, WON, KEPT_OUT = range(3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """What chance had to do with n choices among m offers."""

    #: ``(n,)``: probability of what was chosen
    propensity: Floats
    #: ``int8 (n, m)``: `NO_PART`, `WON` (lifted, and chosen), `KEPT_OUT` (lifted it would have won)
    part: NDArray[np.int8]


def drawn(
    policy: PolicyInForce,
    people: People,
    means: Means,
    chosen: Chosen,
    *,
    considered: Ints | None = None,
) -> Drawn:
    """Find the probability of each choice.

    Args:
        means: with the price that the choice was made at.
        considered: the treatments among which was chosen, as `Situation.only`; None: all.
    """
    n, m = people.special.shape
    shares = _shares(policy, people.special)
    tested = np.flatnonzero((shares > 0.0).any(axis=1))
    propensity, part = np.ones(n), np.broadcast_to(np.int8(NO_PART), (n, m))
    if not tested.size:
        return Drawn(propensity=propensity, part=part)
    part = part.copy()
    limit = chosen.treatments.shape[1]
    lifted = replace(people.only(tested), special=_lifted(policy, people.special[tested]))
    asked = situation(policy, lifted, means)
    asked = asked if considered is None else asked.only(considered)
    found, best = decide(asked, limit), chosen.treatments[tested]
    for offer in np.flatnonzero((shares[tested] > 0.0).any(axis=0)).tolist():
        share = shares[tested, offer]
        won = _is_among(best, asked.offer, offer)
        above = _would_win(found, asked, best, offer) & ~won & (share > 0.0)
        won = won & (share > 0.0)
        propensity[tested] *= np.where(won, share, np.where(above, 1.0 - share, 1.0))
        part[tested, offer] = np.where(won, WON, np.where(above, KEPT_OUT, NO_PART))
    return Drawn(propensity=propensity, part=part)


def _shares(policy: PolicyInForce, special: Codes) -> Floats:
    """``(n, m)``: the test share of the block that decides each offer; 0 where none is tested."""
    by_code = [ruling.test_share for ruling in policy.special for _ in range(2)]
    if not any(by_code):
        return np.broadcast_to(np.float64(0.0), special.shape)
    # the last one is for -1: the portfolio's own ruling
    return np.array([*by_code, 0.0], dtype=np.float64)[special]


def _lifted(policy: PolicyInForce, special: Codes) -> Codes:
    """The same with every tested block lifted."""
    tested = _shares(policy, special) > 0.0
    return np.where(tested, special | np.int32(1), special).astype(np.int32)


def _is_among(best: Ints, offer_of: Ints, offer: int) -> Bools:
    return np.asarray(((best >= 0) & (offer_of[best] == offer)).any(axis=1), dtype=np.bool_)


def _would_win(found: Chosen, asked: Situation, best: Ints, offer: int) -> Bools:
    """Whether an offer that was not chosen would have a place, were its block lifted."""
    rows = np.arange(len(best))
    last = best[:, -1]
    full = last >= 0
    scores = np.where(full, found.scores[rows, last], 0.0)
    ties = asked.tie_break[rows, last]
    wins = np.zeros(len(best), dtype=np.bool_)
    for column in np.flatnonzero(asked.offer == offer).tolist():
        is_open = np.isin(found.reasons[:, column], _OPEN)
        score, tie = found.scores[:, column], asked.tie_break[:, column]
        wins |= is_open & (~full | (score > scores) | ((score == scores) & (tie > ties)))
    return wins


def told(policy: PolicyInForce, special: Codes, part: NDArray[np.int8]) -> dict[str, Any]:
    """What one decision logs of its tests, by ruling: its share, and whether it won.

    Args:
        special, part: ``(m,)``: of the customer.
    """
    return {
        policy.special[int(special[offer]) // 2].id: {
            "share": policy.special[int(special[offer]) // 2].test_share,
            "won": bool(part[offer] == WON),
        }
        for offer in np.flatnonzero(part).tolist()
    }


def probability(tests: dict[str, Any]) -> float:
    """The probability of a choice, from what its decision logged."""
    result = 1.0
    for each in tests.values():
        result *= each["share"] if each["won"] else 1.0 - each["share"]
    return result


def fits(tests: dict[str, Any], customer_id: str) -> bool:
    """Whether the draws come out again as logged: won where in the share, kept out elsewhere."""
    return all(
        bool(in_test(Ruling(id=ruling, test_share=each["share"]), [customer_id])[0]) == each["won"]
        for ruling, each in tests.items()
    )
