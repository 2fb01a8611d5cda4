"""From what customers would take at the prices to a plan that keeps every limit.

Repair drops what the limits cannot carry, the least regretted first; improvement then spends what
is left on the moves that lose least against the prices. Both are set-based and deterministic.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from patronage.science.allocation.relaxation import Relaxation, chosen_of

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_MARGINAL_ROWS = 4_096
_PASSES = 200
_ROUNDS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class _Moves:
    """For some customers, the best change of one place that still fits."""

    rows: Ints
    place: Ints
    action: Ints
    #: Change of value less priced use; higher first.
    priority: Floats
    #: ``(n_moves, n_limits)``: change of use.
    change: Floats


def repair(relaxation: Relaxation, choice: Ints, prices: Floats) -> Ints:
    """Drop choices until every limit holds.

    Dropping for one limit lowers the use of every other, so one pass over the limits is enough.
    """
    kept = choice.copy()
    reduced = relaxation.reduced(prices)
    regret = _regret(reduced, kept)
    for limit, use in enumerate(relaxation.uses):
        taken = chosen_of(use, kept)
        if taken.sum() <= relaxation.capacity[limit]:
            continue
        rows, places = (taken > 0.0).nonzero()
        amount = taken[rows, places]
        order = np.argsort(-regret[rows, places] / amount, kind="stable")
        over = order[np.cumsum(amount[order]) > relaxation.capacity[limit]]
        kept[rows[over], places[over]] = -1
    return kept


def improve(relaxation: Relaxation, choice: Ints, prices: Floats) -> Ints:
    """Spend what is left: fill empty places and exchange actions, as long as value is gained."""
    plan = choice.copy()
    value = float(chosen_of(relaxation.values, plan).sum())
    for _ in range(_PASSES):
        moves = _moves(relaxation, plan, prices, np.arange(len(plan)))
        if not len(moves.rows):
            break
        few = max(_MARGINAL_ROWS, len(plan) // 20)
        rows = np.sort(moves.rows[np.argsort(-moves.priority, kind="stable")[:few]])
        for _ in range(_ROUNDS):
            moves = _moves(relaxation, plan, prices, rows)
            if not len(moves.rows):
                break
            _apply(relaxation, plan, moves)
        before, value = value, float(chosen_of(relaxation.values, plan).sum())
        if value - before <= 1e-8 * value:
            break
    return plan


def drop_rounding(relaxation: Relaxation, choice: Ints) -> Ints:
    """Give back the least valuable use of a limit that sums above it by rounding alone."""
    plan = choice.copy()
    while (over := relaxation.used(plan) > relaxation.capacity).any():
        taken = chosen_of(relaxation.uses[int(over.argmax())], plan)
        values = np.where(taken > 0.0, chosen_of(relaxation.values, plan), np.inf)
        plan[np.unravel_index(int(values.argmin()), plan.shape)] = -1
    return plan


def _regret(reduced: Floats, choice: Ints) -> Floats:
    """``(n, m)``: what each choice is worth above the best that is not chosen, or nothing."""
    rows, places = (choice >= 0).nonzero()
    others = reduced.copy()
    others[rows, choice[rows, places]] = -np.inf
    alternative = np.maximum(others.max(axis=1), 0.0)
    return np.asarray(chosen_of(reduced, choice) - alternative[:, np.newaxis])


def _moves(relaxation: Relaxation, plan: Ints, prices: Floats, rows: Ints) -> _Moves:
    values = relaxation.values[rows]
    priority = relaxation.reduced(prices, rows)
    current = plan[rows]
    # An empty place is filled first; in a full row the place that loses least is exchanged.
    standing = np.where(current >= 0, chosen_of(priority, current), -np.inf)
    place = standing.argmin(axis=1)
    one = np.arange(len(rows))
    old = current[one, place][:, np.newaxis]
    priority -= chosen_of(priority, old)
    allowed = values > chosen_of(values, old)
    filled_rows, filled_places = (current >= 0).nonzero()
    allowed[filled_rows, current[filled_rows, filled_places]] = False
    left = relaxation.capacity - relaxation.used(plan)
    for limit, use in enumerate(relaxation.uses):
        mine = use if use.ndim == 1 else use[rows]
        if mine.size and mine.max() > left[limit]:
            allowed &= mine - chosen_of(mine, old) <= left[limit]
    priority[~allowed] = -np.inf
    action = priority.argmax(axis=1)
    found = (priority[one, action] > -np.inf).nonzero()[0]
    new = action[found, np.newaxis]
    change = [
        (chosen_of(mine, new) - chosen_of(mine, old[found]))[:, 0]
        for use in relaxation.uses
        for mine in (use if use.ndim == 1 else use[rows[found]],)
    ]
    return _Moves(
        rows=rows[found],
        place=place[found],
        action=action[found],
        priority=priority[found, action[found]],
        change=np.array(change).reshape(len(relaxation.uses), len(found)).T,
    )


def _apply(relaxation: Relaxation, plan: Ints, moves: _Moves) -> None:
    """Make the moves in order of priority, leaving out those whose turn comes too late to fit."""
    order = np.argsort(-moves.priority, kind="stable")
    left = relaxation.capacity - relaxation.used(plan)
    growth = np.maximum(moves.change[order], 0.0)
    fits = np.ones(len(order), dtype=np.bool_)
    for limit, most in enumerate(left):
        mine = growth[:, limit]
        fits &= (mine == 0.0) | (np.cumsum(np.where(fits, mine, 0.0)) <= most)
    made = order[fits]
    plan[moves.rows[made], moves.place[made]] = moves.action[made]
