"""The likelihood of a segment's cells in those parameters that differ between segments."""

from dataclasses import asdict
from typing import Final

import numpy as np

from patronage.science.lifetime.beta_geometric_model import (
    NAMES as BETA_GEOMETRIC_NAMES,
)
from patronage.science.lifetime.beta_geometric_model import (
    BetaGeometricAnswers,
    objective_of_stages,
)
from patronage.science.lifetime.cells import Cells
from patronage.science.lifetime.histories import FloatArray
from patronage.science.lifetime.optimum import Objective
from patronage.science.lifetime.pareto_nbd import (
    NAMES as PARETO_NAMES,
)
from patronage.science.lifetime.pareto_nbd import (
    ParetoNBD,
    objective_of_cells,
)
from patronage.science.lifetime.purchase_model import PurchaseModel

_DIFFERENCE: Final = 1e-4


def segment_objective(base: PurchaseModel, cells: Cells, names: tuple[str, ...]) -> Objective:
    """Mean log-likelihood over the logs of the parameters named, all others being the base's.

    With the exact gradient where the model's fit offers one, else by central differences.
    """
    if isinstance(base, ParetoNBD):
        return _embedded(objective_of_cells(cells), PARETO_NAMES, base, names)
    if isinstance(base, BetaGeometricAnswers):
        law = base.law
        objective = objective_of_stages(cells, k=law.k, at_first=law.at_first)
        return _embedded(objective, BETA_GEOMETRIC_NAMES, base, names)
    return _by_differences(base, cells, names)


def _embedded(
    whole: Objective, order: tuple[str, ...], base: PurchaseModel, names: tuple[str, ...]
) -> Objective:
    values = asdict(base.parameters)
    fixed = np.log([values[name] for name in order])
    place = [order.index(name) for name in names]

    def objective(point: FloatArray) -> tuple[float, FloatArray]:
        everything = fixed.copy()
        everything[place] = point
        value, gradient = whole(everything)
        return value, gradient[place]

    return objective


def _by_differences(base: PurchaseModel, cells: Cells, names: tuple[str, ...]) -> Objective:
    values = asdict(base.parameters)

    def value(point: FloatArray) -> float:
        moved = values | dict(zip(names, np.exp(point).tolist(), strict=True))
        model = type(base).from_parameters(**moved)
        return model.log_likelihood_of(cells) / cells.customers

    def objective(point: FloatArray) -> tuple[float, FloatArray]:
        steps = np.eye(point.size) * _DIFFERENCE
        slopes = [(value(point + h) - value(point - h)) / (2 * _DIFFERENCE) for h in steps]
        return value(point), np.array(slopes)

    return objective
