"""How probable is an answer to an offer, by its category and the customer's affinity to it?

Counts of answers are Poisson around `rate of the band × factor of the category × factor of the
cell`; both factors are gamma with mean 1, so that a category or cell with little history keeps to
what is known above it: cell → category → everybody. Dispersion is by maximum likelihood.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import gammaln

from patronage.customize.deciding import Floats, Ints
from patronage.customize.history import BAND_EDGES

KIND: Final = "response"
NAME: Final = "gamma-poisson by category and affinity"
#: Assumed before any contact was observed: one answer in a hundred, worth twenty contacts.
PRIOR_RATE: Final = 0.01
PRIOR_CONTACTS: Final = 20.0
_BANDS: Final = len(BAND_EDGES)


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseModel:
    """Probability that an offer is taken up when contacted, by category and affinity band."""

    #: by band, over all categories
    overall: tuple[float, ...]
    #: by category, then band; a category that was never offered answers as all do
    by_category: dict[str, tuple[float, ...]]
    #: dispersion of categories and of cells: small means that they differ much
    dispersion: tuple[float, float]
    #: offers made and taken up that this rests on
    offered: int
    taken: int

    def rates(self, categories: Sequence[str], bands: Ints) -> Floats:
        """Give ``(n, c)`` probabilities for ``bands (n, c)``, one category a column."""
        table = np.array(
            [self.by_category.get(category, self.overall) for category in categories],
            dtype=np.float64,
        ).reshape(len(categories), _BANDS)
        return table[np.arange(len(categories))[np.newaxis, :], bands]

    def parameters(self) -> dict[str, Any]:
        """Give the stored form, assumptions included."""
        return {
            "band_edges": list(BAND_EDGES),
            "overall": list(self.overall),
            "by_category": {name: list(rates) for name, rates in self.by_category.items()},
            "dispersion": list(self.dispersion),
            "offered": self.offered,
            "taken": self.taken,
            "assumed_rate": PRIOR_RATE,
            "assumed_contacts": PRIOR_CONTACTS,
        }

    @classmethod
    def from_parameters(cls, stored: dict[str, Any]) -> ResponseModel:
        """Rebuild from the stored form."""
        if stored["band_edges"] != list(BAND_EDGES):
            raise ValueError(
                f"a response model with bands {stored['band_edges']} cannot be read; expected "
                f"{list(BAND_EDGES)}: fit it again"
            )
        return cls(
            overall=tuple(stored["overall"]),
            by_category={name: tuple(rates) for name, rates in stored["by_category"].items()},
            dispersion=(stored["dispersion"][0], stored["dispersion"][1]),
            offered=stored["offered"],
            taken=stored["taken"],
        )


def fit_response(counts: pl.DataFrame) -> ResponseModel:
    """Fit the model to `category`, `band`, `offered`, `taken`; no rows leave the assumption."""
    categories = counts["category"].unique().sort().to_list()
    offered, taken = _tables(counts, categories)
    overall = (taken.sum(axis=0) + PRIOR_RATE * PRIOR_CONTACTS) / (
        offered.sum(axis=0) + PRIOR_CONTACTS
    )
    expected = offered * overall
    of_category, spread = _shrunk(taken.sum(axis=1), expected.sum(axis=1))
    expected = expected * of_category[:, np.newaxis]
    of_cell, cell_spread = _shrunk(taken, expected)
    rates = np.minimum(overall * of_category[:, np.newaxis] * of_cell, 1.0)
    return ResponseModel(
        overall=tuple(overall.tolist()),
        by_category={
            name: tuple(row) for name, row in zip(categories, rates.tolist(), strict=True)
        },
        dispersion=(spread, cell_spread),
        offered=int(offered.sum()),
        taken=int(taken.sum()),
    )


def _tables(counts: pl.DataFrame, categories: list[str]) -> tuple[Floats, Floats]:
    offered = np.zeros((len(categories), _BANDS))
    taken = np.zeros_like(offered)
    place = {name: row for row, name in enumerate(categories)}
    rows = np.array([place[name] for name in counts["category"]], dtype=np.int64)
    bands = counts["band"].to_numpy()
    offered[rows, bands] = counts["offered"].to_numpy()
    taken[rows, bands] = counts["taken"].to_numpy()
    return offered, taken


def _shrunk(counts: Floats, expected: Floats) -> tuple[Floats, float]:
    """Posterior mean of each factor around 1, and the prior's shape.

    Source: the gamma-Poisson model of DuMouchel, The American Statistician 53 (1999), with one
    gamma of mean 1 whose shape maximises the negative-binomial likelihood.
    """
    informed = expected > 0.0
    if not informed.any():
        return np.ones_like(expected), 1.0
    shape = _shape(counts[informed], expected[informed])
    return (counts + shape) / (expected + shape), shape


def _shape(counts: NDArray[np.float64], expected: NDArray[np.float64]) -> float:
    def misfit(log_shape: float) -> float:
        a = np.exp(log_shape)
        terms = gammaln(counts + a) - gammaln(a) + a * np.log(a)
        return -float((terms - (counts + a) * np.log(expected + a)).sum())

    found = minimize_scalar(misfit, bounds=(-6.0, 9.0), method="bounded")
    return float(np.exp(found.x))
