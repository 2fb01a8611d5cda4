"""The same Pareto/NBD fit again and again, with other weights on the same cells."""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from patronage.science.lifetime.cells import Cells
from patronage.science.lifetime.errors import NotIdentified
from patronage.science.lifetime.histories import FloatArray
from patronage.science.lifetime.optimum import Objective, SearchBox, approach, curvature
from patronage.science.lifetime.pareto_nbd import ParetoNBD, objective_of_cells, search_box
from patronage.science.lifetime.pareto_nbd_day_tables import DayTables


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ParetoNBDRefits:
    """A fit, and what its refits share: the arranged cells and the curvature at the peak."""

    cells: Cells
    tables: DayTables | None
    box: SearchBox
    #: log-parameters of the fit, shape (4,)
    peak: FloatArray
    #: inverse of the negative Hessian of its mean log-likelihood, shape (4, 4); None if it has none
    inverse: FloatArray | None

    @classmethod
    def of(cls, fitted: ParetoNBD, cells: Cells) -> Self:
        """Prepare refits of a model that was fitted to these cells."""
        parameters = fitted.parameters
        peak = np.log([parameters.r, parameters.alpha, parameters.s, parameters.beta])
        tables = DayTables.of(cells)
        inverse = curvature(objective_of_cells(cells, tables), peak)
        return cls(cells=cells, tables=tables, box=search_box(cells), peak=peak, inverse=inverse)

    def refit(self, weight: FloatArray) -> ParetoNBD | None:
        """Maximum likelihood with these weights, shape (cells,), zeros allowed; None if it fails.

        A few quasi-Newton steps from the fit's own peak; the whole search where they do not do.
        """
        found = None
        if self.inverse is not None:
            found = approach(self._objective(weight), self.box, self.peak, self.inverse)
        if found is not None:
            r, alpha, s, beta = np.exp(found).tolist()
            return ParetoNBD.from_parameters(r=r, alpha=alpha, s=s, beta=beta)
        drawn = self.cells.reweighted(weight)
        try:
            again = ParetoNBD.fit(drawn)
        except NotIdentified:
            return None
        return again if again.converged else None

    def _objective(self, weight: FloatArray) -> Objective:
        tables = None if self.tables is None else self.tables.reweighted(weight)
        return objective_of_cells(replace(self.cells, weight=weight), tables)
