"""How well are the parameters known? Refits to bases that might as well have been observed.

A customer counts as often in a refit as a Poisson variable of mean 1 says, which a bootstrap's
multinomial draw of so many customers comes to; the customers of one cell count together as one
Poisson variable of mean their number. So a refit costs no more for a million customers than for
their cells. Weights that are not whole are drawn as gamma variables of that mean and variance, the
weighted likelihood bootstrap of Newton and Raftery (1994), Journal of the Royal Statistical Society
B 56(1). Bootstrap: Efron (1979), "Bootstrap methods", Annals of Statistics 7(1).
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.random import Generator

from patronage.science.lifetime.cells import Cells
from patronage.science.lifetime.errors import LifetimeError, NotIdentified
from patronage.science.lifetime.histories import FloatArray
from patronage.science.lifetime.pareto_nbd import ParetoNBD
from patronage.science.lifetime.pareto_nbd_refits import ParetoNBDRefits
from patronage.science.lifetime.purchase_model import PurchaseModel

_FEWEST_SHARE: Final = 0.9


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Bootstrap:
    """Models that the data could have led to as well."""

    #: the model fitted to the data themselves
    fitted: PurchaseModel
    #: one model a refit that found its peak
    models: tuple[PurchaseModel, ...]
    #: refits without a peak, left out
    failed: int

    @property
    def parameters(self) -> tuple[Any, ...]:
        """The parameters of each refit, in days."""
        return tuple(model.parameters for model in self.models)

    def interval(self, parameter: str, *, level: float = 0.9) -> tuple[float, float]:
        """The quantiles of a parameter between which this share of the refits lies."""
        values = [getattr(parameters, parameter) for parameters in self.parameters]
        low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2]).tolist()
        return low, high


def bootstrap(
    cells: Cells,
    model_class: type[PurchaseModel],
    *,
    refits: int = 200,
    rng: Generator,
    threads: int = 1,
) -> Bootstrap:
    """Fit the model to the cells, then to `refits` bases drawn from them.

    Arguments: `rng` is split into one generator a refit, so that the answer does not depend on
    `threads`, on which the refits run side by side (NumPy computes without the interpreter's lock).

    Raises `NotIdentified` where the fit itself finds no peak or fewer than nine in ten refits do:
    what the data say of the parameters is then no spread around one peak. Raises as
    `model_class.fit` otherwise.
    """
    fitted = model_class.fit(cells)
    if not fitted.converged:
        raise NotIdentified("The fit to the data found no peak, so that there is none to refit.")
    refit = _refitting(fitted, cells)

    def drawn(generator: Generator) -> PurchaseModel | None:
        return refit(_weights(cells, generator))

    generators = rng.spawn(refits)
    with ThreadPoolExecutor(max_workers=max(threads, 1)) as pool:
        found = list(pool.map(drawn, generators))
    models = tuple(model for model in found if model is not None)
    if len(models) < _FEWEST_SHARE * refits:
        raise NotIdentified(
            f"Only {len(models)} of {refits} refits found a peak: the data hardly tell the "
            "parameters apart. Pool customers, or observe longer."
        )
    return Bootstrap(fitted=fitted, models=models, failed=refits - len(models))


def _weights(cells: Cells, rng: Generator) -> FloatArray:
    if np.array_equal(cells.weight, np.floor(cells.weight)):
        return rng.poisson(cells.weight).astype(np.float64)
    return rng.standard_gamma(cells.weight)


def _refitting(fitted: PurchaseModel, cells: Cells) -> Callable[[FloatArray], PurchaseModel | None]:
    if isinstance(fitted, ParetoNBD):
        return ParetoNBDRefits.of(fitted, cells).refit

    def refit(weight: FloatArray) -> PurchaseModel | None:
        try:
            again = type(fitted).fit(cells.reweighted(weight), start=fitted.parameters)
        except LifetimeError:
            return None
        return again if again.converged else None

    return refit
