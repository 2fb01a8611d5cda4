"""Of which treatments is there only so much, how much is left, and what is one more of it worth?

Stock and capacity are boundaries that count (`govern.capacities`). At night each has a price beside
the budget's; in the moment the same prices hold, and what is used up is not available.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np

from patronage.customize.bounds import forbids
from patronage.customize.deciding import Bools, Floats
from patronage.customize.policy import PolicyInForce
from patronage.govern.capacities import taken_of_all
from patronage.govern.models import Boundary

#: before the name of the boundary in prices and certificates
CAPACITY: Final = "capacity "


@dataclass(frozen=True, slots=True, kw_only=True)
class Stock:
    """One stock or capacity that treatments take from."""

    row: Boundary
    left: int
    #: ``(k,)``: which treatments take one of it
    takes: Bools
    #: value of one more of it at the last run
    price: float = 0.0

    @property
    def name(self) -> str:
        """What prices and certificates call it; a boundary that is set anew keeps its name."""
        return f"{CAPACITY}{self.row.name}"


def stocks_of(
    policy: PolicyInForce, at: datetime, prices: Mapping[str, float] | None = None
) -> tuple[Stock, ...]:
    """The stocks and capacities of a policy as they are left at an instant."""
    if not policy.capacities:
        return ()
    taken = taken_of_all([each.row for each in policy.capacities], at)
    found = []
    for each in policy.capacities:
        takes = np.array([forbids(each, name) for name in policy.categories], dtype=np.bool_)
        left = (each.row.limit or 0) - taken[each.row.id]
        price = (prices or {}).get(f"{CAPACITY}{each.row.name}", 0.0)
        found.append(Stock(row=each.row, left=left, takes=takes, price=price))
    return tuple(found)


def available(stocks: Sequence[Stock], treatments: int) -> Bools:
    """``(k,)``: there is at least one left of everything that the treatment takes from."""
    there = np.ones(treatments, dtype=np.bool_)
    for each in stocks:
        there &= ~each.takes | (each.left > 0)
    return there


def scarcity(stocks: Sequence[Stock], treatments: int) -> Floats:
    """``(k,)``: what one of everything that the treatment takes from is worth elsewhere."""
    worth = np.zeros(treatments)
    for each in stocks:
        worth += each.price * each.takes
    return worth


def taken_by(stocks: Sequence[Stock], columns: Sequence[int]) -> list[tuple[str, ...]]:
    """The boundaries, by id, that a contact with each of these treatments takes one of."""
    said: dict[int, tuple[str, ...]] = {
        column: tuple(each.row.id for each in stocks if each.takes[column])
        for column in set(columns)
    }
    return [said[column] for column in columns]
