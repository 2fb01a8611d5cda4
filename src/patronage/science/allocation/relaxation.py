"""What would every customer take if capacities had prices instead of ends?

For prices λ ≥ 0 the Lagrangian ``Σᵢ max Σⱼ xᵢⱼ (vᵢⱼ − Σ λ·useᵢⱼ) + Σ λ·capacity`` falls apart by
customer, bounds the value of every feasible plan, and is convex in λ with ``capacity − use`` as a
subgradient (Fisher, "The Lagrangian relaxation method", Management Science 27, 1981).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """What customers take at given prices."""

    #: ``(n, m)``, −1 for an empty place.
    choice: Ints
    #: The Lagrangian: an upper bound on the value of every feasible plan.
    bound: float
    #: ``(n_limits,)``: subgradient of the bound.
    slope: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Relaxation:
    """A problem made ready for many evaluations."""

    #: ``(n, k)``; −inf where not eligible or not worth anything.
    values: Floats
    #: One array a limit, ``(k,)`` or ``(n, k)``.
    uses: Sequence[Floats]
    #: ``(n_limits,)``, finite.
    capacity: Floats
    #: Places per customer, at most k.
    places: int

    def reduced(self, prices: Floats, rows: Ints | slice = slice(None)) -> Floats:
        """``(n, k)``: value less Σ price × use."""
        k = self.values.shape[1]
        shared = np.zeros(k)
        own = []
        for price, use in zip(prices, self.uses, strict=True):
            if price > 0.0 and use.ndim == 1:
                shared += price * use
            elif price > 0.0:
                own.append((price, use))
        reduced = self.values[rows] - shared
        for price, use in own:
            reduced -= price * use[rows]
        return reduced

    def respond(self, prices: Floats) -> Response:
        """Everybody's best reply to the prices, the bound and its slope."""
        reduced = self.reduced(prices)
        choice = best_places(reduced, self.places)
        worth = chosen_of(reduced, choice)
        return Response(
            choice=choice,
            bound=float(worth.sum() + prices @ self.capacity),
            slope=self.capacity - self.used(choice),
        )

    def used(self, choice: Ints) -> Floats:
        """``(n_limits,)``: what a choice takes of each limit."""
        k = self.values.shape[1]
        counts = np.bincount(choice[choice >= 0], minlength=k)
        return np.array(
            [
                float(use @ counts) if use.ndim == 1 else float(chosen_of(use, choice).sum())
                for use in self.uses
            ]
        )

    def sample(self, rows: Ints) -> "Relaxation":
        """The same problem for some customers, with their share of each capacity."""
        return Relaxation(
            values=self.values[rows],
            uses=[use if use.ndim == 1 else use[rows] for use in self.uses],
            capacity=self.capacity * (len(rows) / len(self.values)),
            places=self.places,
        )


def best_places(reduced: Floats, places: int) -> Ints:
    """``(n, places)``: each row's columns with the highest positive numbers; −1 where none."""
    if places == 1:
        choice = reduced.argmax(axis=1)[:, np.newaxis]
    else:
        last = reduced.shape[1] - places
        choice = np.argpartition(reduced, last, axis=1)[:, last:]
    worth = np.take_along_axis(reduced, choice, axis=1)
    return np.asarray(np.where(worth > 0.0, choice, -1), dtype=np.int64)


def chosen_of(table: Floats, choice: Ints) -> Floats:
    """``(n, m)``: the table's entry at each choice, 0 at an empty place."""
    if table.ndim == 1:
        return np.asarray(np.where(choice >= 0, table[choice], 0.0))
    taken = np.take_along_axis(table, np.maximum(choice, 0), axis=1)
    return np.asarray(np.where(choice >= 0, taken, 0.0))
