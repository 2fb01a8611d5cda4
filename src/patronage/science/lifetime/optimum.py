"""Where is a log-likelihood highest, did the search get there, and how sharp is the peak?

All parameters are positive, so the search runs on their logarithms: L-BFGS-B inside a wide box,
then Newton steps whose Hessian is the central difference of the exact gradient.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.optimize import minimize

from patronage.science.lifetime.histories import FloatArray

#: log-parameters of shape (k,) -> mean log-likelihood per customer, its gradient of shape (k,)
Objective = Callable[[FloatArray], tuple[float, FloatArray]]

_GRADIENT_TOLERANCE: Final = 1e-6
_NEWTON_TOLERANCE: Final = 1e-11
_NEWTON_STEPS: Final = 25
_LONGEST_STEP: Final = 1.0
_DIFFERENCE: Final = 1e-4
_FLATTEST_PEAK: Final = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Optimum:
    """The best point found."""

    #: log-parameters, shape (k,)
    log_parameters: FloatArray
    #: mean log-likelihood per customer there
    mean_log_likelihood: float
    #: Euclidean norm of its gradient in the log-parameters
    gradient_norm: float
    #: inverse of the negative Hessian of the mean log-likelihood, shape (k, k); NaN if not a peak
    inverse_information: FloatArray
    #: True only for an interior point with a vanishing gradient and a peak in every direction
    converged: bool
    #: what the search ended with, for people
    message: str


def _hessian(objective: Objective, point: FloatArray) -> FloatArray:
    steps = np.eye(point.size) * _DIFFERENCE
    rows = [(objective(point + h)[1] - objective(point - h)[1]) / (2 * _DIFFERENCE) for h in steps]
    matrix = np.array(rows)
    symmetric: FloatArray = (matrix + matrix.T) / 2
    return symmetric


def _newton(objective: Objective, point: FloatArray) -> FloatArray:
    """Polish `point` while each Newton step shortens the gradient."""
    norm = float(np.linalg.norm(objective(point)[1]))
    for _ in range(_NEWTON_STEPS):
        if norm <= _NEWTON_TOLERANCE:
            break
        information = -_hessian(objective, point)
        if not np.all(np.isfinite(information)) or np.linalg.eigvalsh(information)[0] <= 0:
            break
        step = np.linalg.solve(information, objective(point)[1])
        step *= min(1.0, _LONGEST_STEP / max(float(np.linalg.norm(step)), 1e-300))
        shorter = float(np.linalg.norm(objective(point + step)[1]))
        if not shorter < norm:
            break
        point, norm = point + step, shorter
    return point


def _verdict(
    gradient_norm: float, flattest: float, at_edge: list[str], search: str
) -> tuple[bool, str]:
    if not np.isfinite(gradient_norm):
        return False, f"The log-likelihood is not finite ({search})."
    if at_edge:
        return False, f"No interior maximum: {', '.join(at_edge)} ran to the edge of the search."
    if gradient_norm > _GRADIENT_TOLERANCE:
        return False, f"Gradient norm {gradient_norm:.2g}, expected at most 1e-6 ({search})."
    if flattest <= _FLATTEST_PEAK:
        return False, "The likelihood is flat in some direction: parameters are not identified."
    return True, "Converged."


def maximise(
    objective: Objective,
    *,
    start: FloatArray,
    lower: FloatArray,
    upper: FloatArray,
    names: tuple[str, ...],
) -> Optimum:
    """Maximise a mean log-likelihood over log-parameters within [lower, upper].

    Arguments: `start`, `lower`, `upper` of shape (k,), on the log scale; `names` of the parameters,
    for the message. Never raises for a failed search: read `converged` and `message`.
    """

    def descend(point: FloatArray) -> tuple[float, FloatArray]:
        value, gradient = objective(point)
        return -value, -gradient

    found = minimize(
        descend,
        np.clip(start, lower, upper),
        jac=True,
        method="L-BFGS-B",
        bounds=list(zip(lower.tolist(), upper.tolist(), strict=True)),
        options={"maxiter": 500, "maxcor": 20, "ftol": 1e-15, "gtol": 1e-9},
    )
    point = np.clip(_newton(objective, np.asarray(found.x, dtype=np.float64)), lower, upper)
    value, gradient = objective(point)
    norm = float(np.linalg.norm(gradient))
    information = -_hessian(objective, point)
    finite = bool(np.all(np.isfinite(information)))
    flattest = float(np.linalg.eigvalsh(information)[0]) if finite else -np.inf
    near = np.minimum(point - lower, upper - point) < 1e-6
    at_edge = [name for name, close in zip(names, near.tolist(), strict=True) if close]
    converged, message = _verdict(norm, flattest, at_edge, str(found.message))
    inverse = np.full_like(information, np.nan)
    if flattest > _FLATTEST_PEAK:
        inverse[:] = np.linalg.inv(information)
    return Optimum(
        log_parameters=point,
        mean_log_likelihood=value,
        gradient_norm=norm,
        inverse_information=inverse,
        converged=converged,
        message=message,
    )
