"""Published data sets, reduced to what the models read."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

CALIBRATION_END = date(1997, 9, 30)
HOLDOUT_END = date(1998, 6, 30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cdnow:
    """The one-in-ten sample of CDNOW buyers; arrays of shape (2357,), days and dollars."""

    frequency: FloatArray
    recency: FloatArray
    age: FloatArray
    #: per repeat purchase day, 0 without one
    average_spend: FloatArray
    #: purchase days in the 39 weeks after the calibration period
    holdout: FloatArray


def read_purchase_days(path: Path) -> dict[str, dict[date, float]]:
    """Spend by customer and day: purchases on one day are one."""
    days: dict[str, dict[date, float]] = {}
    for line in path.read_text(encoding="ascii").splitlines():
        columns = line.split()
        if len(columns) != 5:
            continue
        _, customer, day, _, dollars = columns
        spent = days.setdefault(customer, {})
        when = date.fromisoformat(day)
        spent[when] = spent.get(when, 0.0) + float(dollars)
    return days


def summarise(spent: dict[date, float]) -> tuple[float, float, float, float, float]:
    """Frequency, recency, age, average repeat spend and holdout purchases of one customer."""
    before = sorted(day for day in spent if day <= CALIBRATION_END)
    repeats = [spent[day] for day in before[1:]]
    return (
        float(len(repeats)),
        float((before[-1] - before[0]).days),
        float((CALIBRATION_END - before[0]).days),
        sum(repeats) / len(repeats) if repeats else 0.0,
        float(sum(CALIBRATION_END < day <= HOLDOUT_END for day in spent)),
    )


@pytest.fixture(scope="session")
def cdnow(published_data: Path) -> Cdnow:
    """The CDNOW sample behind the published Pareto/NBD and gamma-gamma figures."""
    spends = read_purchase_days(published_data / "cdnow" / "CDNOW_sample.txt")
    columns = np.array([summarise(spent) for spent in spends.values()]).T
    return Cdnow(
        frequency=columns[0],
        recency=columns[1],
        age=columns[2],
        average_spend=columns[3],
        holdout=columns[4],
    )
