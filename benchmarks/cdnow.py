"""CDNOW's buyers, as published on brucehardie.com/datasets and in the `lifetimes` package.

`CDNOW_master.txt` has everybody who bought for the first time in the first quarter of 1997,
`CDNOW_sample.txt` one in ten of them: a line a purchase, the last four columns of which are
customer, day, number of CDs and dollars.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

#: last days of the 39 weeks that models are fitted to, and of the 39 weeks after them
NOW, LATER = date(1997, 9, 30), date(1998, 6, 30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Buyers:
    """What a model reads of the buyers; arrays of shape (customers,), days and dollars."""

    frequency: FloatArray
    recency: FloatArray
    age: FloatArray
    #: per repeat purchase day, 0 without one
    average_spend: FloatArray
    #: purchase days in the 39 weeks afterwards
    holdout: FloatArray


def folder() -> Path:
    """The folder of the files, in the one that PATRONAGE_TEST_DATA names."""
    return Path(os.environ["PATRONAGE_TEST_DATA"]) / "cdnow"


def lines(path: Path) -> Iterator[tuple[str, date, float]]:
    """Customer, day and dollars of each purchase; a heading is left out."""
    for line in path.read_text(encoding="ascii").splitlines():
        columns = line.split()
        if len(columns) >= 4 and columns[-1][0].isdigit():
            yield columns[-4], date.fromisoformat(columns[-3]), float(columns[-1])


def spend_by_day(path: Path) -> dict[str, dict[date, float]]:
    """Dollars by customer and day: purchases on one day are one."""
    bought: dict[str, dict[date, float]] = {}
    for customer, day, dollars in lines(path):
        spent = bought.setdefault(customer, {})
        spent[day] = spent.get(day, 0.0) + dollars
    return bought


def buyers(path: Path) -> Buyers:
    """Histories up to `NOW`, and what came after; the first day's money is not the repeats'."""
    rows = []
    for spent in spend_by_day(path).values():
        before = sorted(day for day in spent if day <= NOW)
        repeats = [spent[day] for day in before[1:]]
        rows.append(
            (
                len(repeats),
                (before[-1] - before[0]).days,
                (NOW - before[0]).days,
                sum(repeats) / len(repeats) if repeats else 0.0,
                sum(NOW < day <= LATER for day in spent),
            )
        )
    frequency, recency, age, average_spend, holdout = np.array(rows, dtype=np.float64).T
    return Buyers(
        frequency=frequency,
        recency=recency,
        age=age,
        average_spend=average_spend,
        holdout=holdout,
    )
