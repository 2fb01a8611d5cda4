"""What is one unit of the budget worth, when everybody is decided at once?

The price comes from `science.allocation` with its certificate; then it is raised, if need be, by
the little that makes the choice at that price fit into the budget. So price alone coordinates:
deciding one customer at it gives what the run gave, and the certificate says how much that cost.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from patronage.customize.deciding import Bools, Chosen, Floats, Ints, Situation, decide
from patronage.science.allocation import Limit, Problem, allocate
from patronage.science.arbitration import Outcome, Reason

#: Name of the limit in prices and certificates.
BUDGET: Final = "budget"
_STEPS: Final = 40
_OPEN: Final = (int(Reason.NOT_WORTH_IT), int(Reason.OUTSCORED), int(Reason.CHOSEN))


@dataclass(frozen=True, slots=True, kw_only=True)
class Priced:
    """The choice for everybody, the price it was made at, and how good it provably is."""

    situation: Situation
    chosen: Chosen
    #: upper bound, achieved, gap and use, as in an allocation's certificate
    certificate: dict[str, Any]


def decide_all(situation: Situation, seed: int) -> Priced:
    """Find the budget's price and choose for everybody at it; what is reserved fits the budget.

    Args:
        situation: its `price` is not used.
        seed: of the allocation; decides between equal customers.
    """
    free = decide(replace(situation, price=0.0))
    scores, allocatable = free.scores, _allocatable(situation, free)
    # its responses take as much memory as two of its inputs, and nothing asks for them
    del free
    problem = Problem(
        scores,
        allocatable,
        limits=[Limit(BUDGET, capacity=float(situation.budget_left), use=situation.reserve)],
    )
    plan = allocate(problem, seed=seed)
    price = _fitting(situation, plan.prices[BUDGET])
    priced = replace(situation, price=price)
    chosen = decide(priced)
    achieved = float(_worth(scores, chosen).sum())
    bound = plan.certificate.upper_bound
    return Priced(
        situation=priced,
        chosen=chosen,
        certificate={
            "upper_bound": bound,
            "achieved": achieved,
            "gap": (bound - achieved) / bound if bound > 0 else 0.0,
            "use": {BUDGET: used(priced, chosen)},
            "capacity": {BUDGET: situation.budget_left},
        },
    )


def used(situation: Situation, chosen: Chosen) -> int:
    """What the offered treatments hold in the budget; withheld ones hold nothing."""
    rows, best = _offered(chosen)
    return int(situation.reserve[rows, best].sum())


def _allocatable(situation: Situation, free: Chosen) -> Bools:
    """Candidates that passed every stage before the score, of customers who are not held out."""
    open_ones = np.isin(free.reasons, _OPEN)
    return np.asarray(open_ones & ~situation.held_out[:, np.newaxis], dtype=np.bool_)


def _fitting(situation: Situation, price: float) -> float:
    """The lowest price from `price` on, as bisection finds it, at which the choice fits."""
    if _fits(situation, price):
        return price
    low, step = price, max(price, 1e-6) * 1e-6
    while not _fits(situation, low + step):
        low, step = low + step, step * 4.0
    high = low + step
    for _ in range(_STEPS):
        middle = (low + high) / 2.0
        if _fits(situation, middle):
            high = middle
        else:
            low = middle
        if high - low <= 1e-9 * high:
            break
    return high


def _fits(situation: Situation, price: float) -> bool:
    tried = replace(situation, price=price)
    return used(tried, decide(tried)) <= situation.budget_left


def _offered(chosen: Chosen) -> tuple[Ints, Ints]:
    rows = np.flatnonzero(chosen.outcome == int(Outcome.OFFERED))
    return rows, chosen.treatments[rows, 0]


def _worth(scores: Floats, chosen: Chosen) -> Floats:
    rows, best = _offered(chosen)
    return scores[rows, best]
