"""Parameters for each segment of a base, pulled towards the base as far as the segment is small.

With θ the log-parameters of a segment, θ̂ their maximum-likelihood estimate and V its covariance,

    θ̂ | θ ~ normal(θ, V),    θ ~ normal(m, Σ),    m the base's log-parameters.

Σ, by how much segments really differ, is estimated from all segments by expectation maximisation.
Each segment is then fitted again with that prior, on its own histories: a large segment ends at its
own optimum, a small one near the base, and one that could not be fitted alone (ten customers,
nobody who bought again) has an answer too. Logarithms make it free of scale: another unit of time
moves m and θ̂ alike and changes no answer.

Sources: empirical Bayes as in Efron and Morris (1973), "Stein's estimation rule and its
competitors", Journal of the American Statistical Association 68; the algorithm as in Dempster,
Laird and Rubin (1977), "Maximum likelihood from incomplete data via the EM algorithm", Journal of
the Royal Statistical Society B 39. Assumptions: segments are exchangeable, and estimates of the
segments that enter Σ are close to normal.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from types import MappingProxyType
from typing import Any, Final, Generic, TypeVar

import numpy as np

from patronage.science.lifetime.cells import Cells
from patronage.science.lifetime.errors import InvalidParameter, NotIdentified
from patronage.science.lifetime.estimation import Estimation
from patronage.science.lifetime.fit_record import estimation_of
from patronage.science.lifetime.histories import FloatArray
from patronage.science.lifetime.optimum import Objective, Optimum, SearchBox, maximise
from patronage.science.lifetime.purchase_fit import estimated_of_cells
from patronage.science.lifetime.purchase_model import PurchaseModel
from patronage.science.lifetime.segment_objectives import segment_objective

M = TypeVar("M", bound=PurchaseModel)

#: half-width of the search around the base, in logs: a factor of 1000
_SEARCH_WIDTH: Final = np.log(1e3)
#: least standard deviation of a log-parameter between segments: a tenth of a percent
_LEAST_SPREAD: Final = 1e-3
_ROUNDS: Final = 2000
_SETTLED: Final = 1e-7


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentFit(Generic[M]):
    """One segment's parameters."""

    #: the model to use; its standard errors are those of the posterior
    model: M
    #: the segment's own maximum-likelihood fit; None where its histories alone identify none
    own: M | None
    #: share of the variance between segments that the segment's own histories settle, averaged
    #: over parameters: 0 is the base's answer, 1 its own
    own_weight: float
    #: customers (sum of weights)
    customers: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentFits(Generic[M]):
    """The base and its segments."""

    #: maximum likelihood over all customers
    base: M
    segments: Mapping[str, SegmentFit[M]]
    #: estimated parameter -> standard deviation of its logarithm between segments
    spread: Mapping[str, float]


def fit_segments(
    model: type[M], cells_by_segment: Mapping[str, Cells], *, base: M | None = None
) -> SegmentFits[M]:
    """Fit a purchase model to each segment, with shrinkage towards the base.

    Arguments: `model`, any of the purchase models; `cells_by_segment`, times in one unit, every
    segment with at least one customer; `base`, a converged fit, by default made of all the cells.
    Parameters that the base could not measure (at a limit, or whole numbers) are the base's for
    every segment.

    Raises `NotIdentified` where the base cannot be fitted, or fewer than two segments can be fitted
    alone, so that nothing says how much segments differ; `InvalidParameter` for a base of another
    model.
    """
    if base is None:
        base = model.fit(pooled(cells_by_segment))
    if not isinstance(base, model):
        raise InvalidParameter(
            f"The base must be a {model.__name__}, found a {type(base).__name__}."
        )
    record = estimation_of(base)
    if not record.converged:
        raise NotIdentified(f"The base's fit failed, so segments have no anchor: {record.message}")
    measured = {name: error for name, error in record.standard_errors.items() if 0 < error < np.inf}
    family = _Family(base=base, names=tuple(measured))
    objectives = {
        name: segment_objective(base, cells, family.names)
        for name, cells in cells_by_segment.items()
    }
    alone = {name: family.alone(objective) for name, objective in objectives.items()}
    usable = {name: found for name, found in alone.items() if _identified(found)}
    if len(usable) < 2:
        raise NotIdentified(
            f"{len(usable)} of {len(alone)} segments can be fitted alone, expected at least 2 to "
            "learn how much segments differ. Use the base's fit, or larger segments."
        )
    between = _between(
        family.centre,
        [found.log_parameters for found in usable.values()],
        [usable[name].inverse_information / cells_by_segment[name].customers for name in usable],
    )
    fits = {
        name: family.shrunken(cells, objectives[name], usable.get(name), between)
        for name, cells in cells_by_segment.items()
    }
    spread = np.sqrt(np.diag(between)).tolist()
    return SegmentFits(
        base=base,
        segments=MappingProxyType(fits),
        spread=MappingProxyType(dict(zip(family.names, spread, strict=True))),
    )


def pooled(cells_by_segment: Mapping[str, Cells]) -> Cells:
    """The cells of all segments together. Raises `InconsistentHistory` without a segment."""
    columns = [
        (cells.frequency, cells.recency, cells.age, cells.weight)
        for cells in cells_by_segment.values()
    ]
    x, t_x, T, weight = (
        (np.concatenate([np.zeros(0), *column]) for column in zip(*columns, strict=True))
        if columns
        else (np.zeros(0),) * 4
    )
    return Cells.from_customers(frequency=x, recency=t_x, age=T, weights=weight)


def _identified(found: Optimum) -> bool:
    return found.converged and not found.at_limit


@dataclass(frozen=True, slots=True, kw_only=True)
class _Family(Generic[M]):
    """Models that differ from the base in the parameters that were estimated."""

    base: M
    names: tuple[str, ...]

    @property
    def centre(self) -> FloatArray:
        values = asdict(self.base.parameters)
        return np.log([values[name] for name in self.names])

    def at(self, point: FloatArray, estimation: Estimation | None = None) -> M:
        values = asdict(self.base.parameters)
        values.update(zip(self.names, np.exp(point).tolist(), strict=True))
        model: Any = type(self.base).from_parameters(**values)
        rebuilt: M = replace(model, estimation=estimation)
        return rebuilt

    def box(self, start: FloatArray) -> SearchBox:
        return SearchBox(
            names=self.names,
            start=start,
            lower=self.centre - _SEARCH_WIDTH,
            upper=self.centre + _SEARCH_WIDTH,
        )

    def alone(self, objective: Objective) -> Optimum:
        return maximise(objective, self.box(self.centre))

    def shrunken(
        self, cells: Cells, objective: Objective, own: Optimum | None, between: FloatArray
    ) -> SegmentFit[M]:
        customers, centre = cells.customers, self.centre
        precision = np.linalg.inv(between)

        def posterior(point: FloatArray) -> tuple[float, FloatArray]:
            value, gradient = objective(point)
            pull = precision @ (point - centre) / customers
            return value - 0.5 * float((point - centre) @ pull), gradient - pull

        found = maximise(posterior, self.box(centre))
        covariance = found.inverse_information / customers
        left = float(np.mean(np.diag(covariance) / np.diag(between)))
        return SegmentFit(
            model=self.at(found.log_parameters, self._record(found, objective, cells)),
            own=None
            if own is None
            else self.at(own.log_parameters, self._record(own, objective, cells)),
            own_weight=min(max(1.0 - left, 0.0), 1.0),
            customers=customers,
        )

    def _record(self, found: Optimum, objective: Objective, cells: Cells) -> Estimation:
        """Of the data alone: the likelihood without what the prior adds."""
        alone = replace(found, mean_log_likelihood=objective(found.log_parameters)[0])
        return estimated_of_cells(alone, cells, self.names)[1]


def _between(
    centre: FloatArray, estimates: list[FloatArray], covariances: list[FloatArray]
) -> FloatArray:
    """Covariance of log-parameters between segments, by expectation maximisation."""
    away = np.stack(estimates) - centre
    evidence = np.linalg.inv(np.stack(covariances))
    floor = np.eye(centre.size) * _LEAST_SPREAD**2
    between = _mean_square(away) + np.mean(covariances, axis=0) + floor
    for _ in range(_ROUNDS):
        known = np.linalg.inv(np.linalg.inv(between) + evidence)
        means = np.einsum("kij,kjl,kl->ki", known, evidence, away)
        new = known.mean(axis=0) + _mean_square(means)
        moved = float(np.abs(new - between).max())
        between = new
        if moved <= _SETTLED:
            break
    symmetric: FloatArray = (between + between.T) / 2.0 + floor
    return symmetric


def _mean_square(rows: FloatArray) -> FloatArray:
    square: FloatArray = rows.T @ rows / rows.shape[0]
    return square
