"""What is one more of the budget, of a stock or of a capacity worth, when all are decided at once?

The prices come from `science.allocation` with their certificate; then each is raised, if need be,
by the little that makes the choice at these prices fit. So prices alone coordinate: deciding one
customer at them gives what the run gave, and the certificate says how much that cost.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from patronage.customize.deciding import Bools, Chosen, Floats, Ints, Situation, decide
from patronage.customize.stocks import Stock, scarcity
from patronage.science.allocation import Limit, Problem, allocate
from patronage.science.arbitration import Outcome, Reason

#: Name of the limit in prices and certificates.
BUDGET: Final = "budget"
_STEPS: Final = 40
#: How often, for each limit, prices that were raised one by one are looked at again.
_ROUNDS: Final = 8
_OPEN: Final = (int(Reason.NOT_WORTH_IT), int(Reason.OUTSCORED), int(Reason.CHOSEN))


@dataclass(frozen=True, slots=True, kw_only=True)
class Priced:
    """The choice for everybody, the prices it was made at, and how good it provably is."""

    situation: Situation
    chosen: Chosen
    #: what the choice takes from beside the budget, at its prices
    stocks: tuple[Stock, ...]
    #: upper bound, achieved, gap and use, as in an allocation's certificate
    certificate: dict[str, Any]

    @property
    def prices(self) -> dict[str, float]:
        """Value of one more unit, by limit name."""
        return {BUDGET: self.situation.price, **{each.name: each.price for each in self.stocks}}


def decide_all(situation: Situation, seed: int, stocks: Sequence[Stock] = ()) -> Priced:
    """Find the prices and choose for everybody at them; what is reserved fits budget and stocks.

    Args:
        situation: its `price` and `scarcity` are not used.
        seed: of the allocation; decides between equal customers.
        stocks: what treatments take from beside the budget; their prices are not used.
    """
    nothing = np.zeros_like(situation.scarcity)
    free = decide(replace(situation, price=0.0, scarcity=nothing))
    scores, allocatable = free.scores, _allocatable(situation, free)
    # its responses take as much memory as two of its inputs, and nothing asks for them
    del free
    limits = [Limit(BUDGET, capacity=float(situation.budget_left), use=situation.reserve)]
    limits += [
        Limit(each.name, capacity=float(each.left), use=each.takes.astype(np.float64))
        for each in stocks
    ]
    plan = allocate(Problem(scores, allocatable, limits=limits), seed=seed)
    priced, held = _fitting(
        replace(situation, price=plan.prices[BUDGET]),
        tuple(replace(each, price=plan.prices[each.name]) for each in stocks),
    )
    chosen = decide(priced)
    achieved = float(_worth(scores, chosen).sum())
    bound = plan.certificate.upper_bound
    return Priced(
        situation=priced,
        chosen=chosen,
        stocks=held,
        certificate={
            "upper_bound": bound,
            "achieved": achieved,
            "gap": (bound - achieved) / bound if bound > 0 else 0.0,
            "use": {BUDGET: used(priced, chosen)}
            | {each.name: used_of(each, chosen) for each in held},
            "capacity": {BUDGET: situation.budget_left} | {each.name: each.left for each in held},
        },
    )


def used(situation: Situation, chosen: Chosen) -> int:
    """What the offered treatments hold in the budget; withheld ones hold nothing."""
    rows, best = _offered(chosen)
    return int(situation.reserve[rows, best].sum())


def used_of(stock: Stock, chosen: Chosen) -> int:
    """How many offered treatments take from a stock or capacity."""
    _, best = _offered(chosen)
    return int(stock.takes[best].sum())


def _allocatable(situation: Situation, free: Chosen) -> Bools:
    """Candidates that passed every stage before the score, of customers who are not held out."""
    open_ones = np.isin(free.reasons, _OPEN)
    return np.asarray(open_ones & ~situation.held_out[:, np.newaxis], dtype=np.bool_)


def _fitting(
    situation: Situation, stocks: tuple[Stock, ...]
) -> tuple[Situation, tuple[Stock, ...]]:
    """The situation at prices, no lower than these, at which the choice fits everywhere.

    Customers whom one price turns away may turn to what another limits, so that after one is
    raised the others are looked at again. Where that comes to no end a stock is closed for this
    run: what is left of it stays for decisions in the moment.
    """
    for _ in range(_ROUNDS * (1 + len(stocks))):
        at = _at(situation, stocks)
        chosen = decide(at)
        if used(at, chosen) > at.budget_left:
            situation = replace(situation, price=_raised(_budget_fits(at), situation.price))
            continue
        over = [each for each in stocks if used_of(each, chosen) > each.left]
        if not over:
            return at, stocks
        price = _raised(_stock_fits(situation, stocks, over[0]), over[0].price)
        stocks = _with_price(stocks, over[0], price)
    closed = np.any([each.takes for each in stocks], axis=0)
    open_still = replace(situation, available=situation.available & ~closed)
    price = _raised(_budget_fits(_at(open_still, stocks)), situation.price)
    return _at(replace(open_still, price=price), stocks), stocks


def _at(situation: Situation, stocks: Sequence[Stock]) -> Situation:
    return replace(situation, scarcity=scarcity(stocks, len(situation.scarcity)))


def _with_price(stocks: Sequence[Stock], of: Stock, price: float) -> tuple[Stock, ...]:
    return tuple(
        replace(each, price=price) if each.row.pk == of.row.pk else each for each in stocks
    )


def _budget_fits(situation: Situation) -> Callable[[float], bool]:
    def fits(price: float) -> bool:
        tried = replace(situation, price=price)
        return used(tried, decide(tried)) <= situation.budget_left

    return fits


def _stock_fits(
    situation: Situation, stocks: Sequence[Stock], one: Stock
) -> Callable[[float], bool]:
    def fits(price: float) -> bool:
        tried = _at(situation, _with_price(stocks, one, price))
        return used_of(one, decide(tried)) <= one.left

    return fits


def _raised(fits: Callable[[float], bool], price: float) -> float:
    """The lowest price from `price` on, as bisection finds it, at which the choice fits."""
    if fits(price):
        return price
    low, step = price, max(price, 1e-6) * 1e-6
    while not fits(low + step):
        low, step = low + step, step * 4.0
    high = low + step
    for _ in range(_STEPS):
        middle = (low + high) / 2.0
        if fits(middle):
            high = middle
        else:
            low = middle
        if high - low <= 1e-9 * high:
            break
    return high


def _offered(chosen: Chosen) -> tuple[Ints, Ints]:
    rows = np.flatnonzero(chosen.outcome == int(Outcome.OFFERED))
    return rows, chosen.treatments[rows, 0]


def _worth(scores: Floats, chosen: Chosen) -> Floats:
    rows, best = _offered(chosen)
    return scores[rows, best]
