"""Customers of two kinds: some buy at regular intervals, some by chance alone."""

import numpy as np
from numpy.typing import NDArray


def regular_days(customers: int, days: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Erlang-4 intervals, and one in ten drops out after a purchase; shape (customers, days)."""
    rate = rng.gamma(2.0, 1 / 60, customers)
    apart = rng.gamma(4.0, 1.0, (customers, 80)) / (4.0 * rate)[:, None]
    lasts = rng.geometric(rng.beta(1, 9, customers))
    apart[np.arange(80) >= (lasts - 1)[:, None]] = np.inf
    return _on_days(rng.integers(0, 60, customers), apart, days)


def chance_days(customers: int, days: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Pareto/NBD; shape (customers, days)."""
    rate = rng.gamma(2.0, 1 / 60, customers)
    life = rng.exponential(1 / rng.gamma(1.2, 1 / 300, customers))
    apart = rng.exponential(1.0, (customers, 200)) / rate[:, None]
    apart[apart.cumsum(axis=1) > life[:, None]] = np.inf
    return _on_days(rng.integers(0, 60, customers), apart, days)


def _on_days(first: NDArray[np.int64], apart: NDArray[np.float64], days: int) -> NDArray[np.bool_]:
    when = first[:, None] + apart.cumsum(axis=1)
    shops = np.zeros((first.size, days), dtype=np.bool_)
    shops[np.arange(first.size), first] = True
    who, place = np.nonzero(when < days)
    shops[who, when[who, place].astype(np.int64)] = True
    return shops
