"""Where is a log-likelihood highest, did the search get there, and how sharp is the peak?

All parameters are positive, so the search runs on their logarithms: L-BFGS-B inside a wide box,
then Newton steps whose Hessian is the central difference of the exact gradient. Where a cheaper
likelihood with nearly the same peak is known, it is climbed first, and the peak of the dear one is
reached from there in a few quasi-Newton steps (BFGS, as in Nocedal and Wright, "Numerical
optimization", 2nd edition, equation 6.17) that begin with the cheap one's curvature.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.optimize import minimize

from patronage.science.lifetime.histories import BoolArray, FloatArray

#: log-parameters of shape (k,) -> mean log-likelihood per customer, its gradient of shape (k,)
Objective = Callable[[FloatArray], tuple[float, FloatArray]]

#: limit of a shape: at 1000, rates differ by 3 % between customers
LARGEST_SHAPE: Final = 1e3
#: log half-width of a search over two shapes about 1, each with a scale wide enough for any shape
TWO_SHAPES_AND_SCALES: Final = np.log([LARGEST_SHAPE, 1e7, LARGEST_SHAPE, 1e7])

_GRADIENT_TOLERANCE: Final = 1e-6
_NEWTON_TOLERANCE: Final = 1e-11
_NEWTON_STEPS: Final = 25
_LONGEST_STEP: Final = 1.0
_DIFFERENCE: Final = 1e-4
_APPROACHES: Final = 30
_SEARCH_TOLERANCE: Final = 1e-9
_ROUGH_TOLERANCE: Final = 1e-5
_FLATTEST_PEAK: Final = 1e-9
_AT_EDGE: Final = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Optimum:
    """The best point found."""

    #: log-parameters, shape (k,)
    log_parameters: FloatArray
    #: mean log-likelihood per customer there
    mean_log_likelihood: float
    #: Euclidean norm of its gradient in the log-parameters that do not rest at a limit
    gradient_norm: float
    #: inverse of the negative Hessian of the mean log-likelihood, shape (k, k); NaN if not a peak,
    #: and in the rows and columns of parameters at their limit
    inverse_information: FloatArray
    #: parameters allowed to rest at their upper limit that do: the likelihood still rises there
    at_limit: tuple[str, ...]
    #: True only where the gradient vanishes and every direction is a peak, both apart from
    #: parameters resting at a limit they are allowed to rest at
    converged: bool
    #: what the search ended with, for people
    message: str


def _hessian(objective: Objective, point: FloatArray) -> FloatArray:
    steps = np.eye(point.size) * _DIFFERENCE
    rows = [(objective(point + h)[1] - objective(point - h)[1]) / (2 * _DIFFERENCE) for h in steps]
    matrix = np.array(rows)
    symmetric: FloatArray = (matrix + matrix.T) / 2
    return symmetric


def _newton(objective: Objective, point: FloatArray, free: BoolArray) -> FloatArray:
    """Polish the free parameters while each Newton step shortens their gradient."""
    norm = float(np.linalg.norm(objective(point)[1][free]))
    for _ in range(_NEWTON_STEPS):
        if norm <= _NEWTON_TOLERANCE:
            break
        information = -_hessian(objective, point)[np.ix_(free, free)]
        if not np.all(np.isfinite(information)) or np.linalg.eigvalsh(information)[0] <= 0:
            break
        step = np.zeros_like(point)
        step[free] = np.linalg.solve(information, objective(point)[1][free])
        step *= min(1.0, _LONGEST_STEP / max(float(np.linalg.norm(step)), 1e-300))
        shorter = float(np.linalg.norm(objective(point + step)[1][free]))
        if not shorter < norm:
            break
        point, norm = point + step, shorter
    return point


def _verdict(
    gradient_norm: float, flattest: float, at_edge: list[str], at_limit: tuple[str, ...]
) -> tuple[bool, str]:
    if not np.isfinite(gradient_norm):
        return False, "The log-likelihood is not finite."
    if at_edge:
        return False, f"No interior maximum: {', '.join(at_edge)} ran to the edge of the search."
    if gradient_norm > _GRADIENT_TOLERANCE:
        return False, f"Gradient norm {gradient_norm:.2g}, expected at most 1e-6."
    if flattest <= _FLATTEST_PEAK:
        return False, "The likelihood is flat in some direction: parameters are not identified."
    if at_limit:
        return True, f"Converged with {', '.join(at_limit)} at the upper limit."
    return True, "Converged."


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SearchBox:
    """Where to search; arrays of shape (k,), on the log scale."""

    names: tuple[str, ...]
    start: FloatArray
    lower: FloatArray
    upper: FloatArray
    #: parameters for which resting at the upper limit is an answer: a nested, simpler model
    may_rest: tuple[str, ...] = ()

    @classmethod
    def around(
        cls,
        centre: FloatArray,
        width: FloatArray | float,
        *,
        names: tuple[str, ...],
        start: FloatArray | None = None,
        may_rest: tuple[str, ...] = (),
    ) -> "SearchBox":
        """As far as `width` on both sides of a centre, from there or from another start."""
        return cls(
            names=names,
            start=centre if start is None else start,
            lower=centre - width,
            upper=centre + width,
            may_rest=may_rest,
        )


def _search(objective: Objective, box: SearchBox, tolerance: float) -> FloatArray:
    def descend(point: FloatArray) -> tuple[float, FloatArray]:
        value, gradient = objective(point)
        return -value, -gradient

    found = minimize(
        descend,
        np.clip(box.start, box.lower, box.upper),
        jac=True,
        method="L-BFGS-B",
        bounds=list(zip(box.lower.tolist(), box.upper.tolist(), strict=True)),
        options={"maxiter": 1000, "maxcor": 20, "ftol": 1e-15, "gtol": tolerance},
    )
    return np.asarray(found.x, dtype=np.float64)


def approach(
    objective: Objective, box: SearchBox, point: FloatArray, inverse: FloatArray
) -> FloatArray | None:
    """The peak near a point, by quasi-Newton steps; None where they do not get there.

    Arguments: `inverse`, shape (k, k), about the inverse of the negative Hessian at the peak.
    """
    value, gradient = objective(point)
    for _ in range(_APPROACHES):
        norm = float(np.linalg.norm(gradient))
        if norm <= _NEWTON_TOLERANCE:
            return point
        step = inverse @ gradient
        step *= min(1.0, _LONGEST_STEP / max(float(np.linalg.norm(step)), 1e-300))
        new = point + step
        if not np.all((new > box.lower) & (new < box.upper)):
            return None
        new_value, new_gradient = objective(new)
        closer = float(np.linalg.norm(new_gradient)) < norm
        if not (closer or new_value > value):
            # at the end of what rounding lets the gradient show
            return point if norm <= _GRADIENT_TOLERANCE else None
        inverse = _updated(inverse, step, gradient - new_gradient)
        point, value, gradient = new, new_value, new_gradient
    return None


def _updated(inverse: FloatArray, step: FloatArray, fall: FloatArray) -> FloatArray:
    """BFGS: the inverse that also explains by how much the gradient fell over the step."""
    curvature = float(step @ fall)
    if curvature <= 0:
        return inverse
    keep = np.eye(step.size) - np.outer(step, fall) / curvature
    updated: FloatArray = keep @ inverse @ keep.T + np.outer(step, step) / curvature
    return updated


def _remembering(objective: Objective) -> Objective:
    """The same objective, which does not work out twice in a row what it was just asked."""
    last: list[tuple[bytes, tuple[float, FloatArray]]] = []

    def remembered(point: FloatArray) -> tuple[float, FloatArray]:
        asked = point.tobytes()
        if not last or last[0][0] != asked:
            last[:] = [(asked, objective(point))]
        return last[0][1]

    return remembered


def curvature(objective: Objective, point: FloatArray) -> FloatArray | None:
    """Inverse of the negative Hessian at a point, shape (k, k); None where it is no peak."""
    information = -_hessian(objective, point)
    if not np.all(np.isfinite(information)) or (
        np.linalg.eigvalsh(information)[0] <= _FLATTEST_PEAK
    ):
        return None
    inverse: FloatArray = np.linalg.inv(information).astype(np.float64, copy=False)
    return inverse


def _first_peak(objective: Objective, box: SearchBox, rough: Objective | None) -> FloatArray:
    if rough is not None:
        near = _search(rough, box, _ROUGH_TOLERANCE)
        inverse = curvature(rough, near)
        found = None if inverse is None else approach(objective, box, near, inverse)
        if found is not None:
            return found
    return _search(objective, box, _SEARCH_TOLERANCE)


def maximise(objective: Objective, box: SearchBox, *, rough: Objective | None = None) -> Optimum:
    """Maximise a mean log-likelihood over log-parameters within the box.

    Arguments: `rough`, if given, a cheaper likelihood that peaks nearby, of a sample say. It
    changes how the peak is found, not which one: the answer meets the same conditions.

    Never raises for a failed search: read `converged` and `message`.
    """
    objective = _remembering(objective)
    point = _first_peak(objective, box, rough)
    rising = objective(point)[1] >= 0
    allowed = np.isin(box.names, box.may_rest)
    resting = allowed & rising & (box.upper - point < _AT_EDGE)
    free = ~resting
    point = np.where(free, _newton(objective, point, free), box.upper)
    point = np.clip(point, box.lower, box.upper)
    value, gradient = objective(point)
    norm = float(np.linalg.norm(gradient[free]))
    information = -_hessian(objective, point)[np.ix_(free, free)]
    finite = bool(np.all(np.isfinite(information)))
    flattest = float(np.linalg.eigvalsh(information)[0]) if finite else -np.inf
    inverse = np.full((point.size, point.size), np.nan)
    if flattest > _FLATTEST_PEAK:
        inverse[np.ix_(free, free)] = np.linalg.inv(information)
    near = free & (np.minimum(point - box.lower, box.upper - point) < _AT_EDGE)
    at_limit = tuple(np.array(box.names)[resting].tolist())
    converged, message = _verdict(norm, flattest, np.array(box.names)[near].tolist(), at_limit)
    return Optimum(
        log_parameters=point,
        mean_log_likelihood=value,
        gradient_norm=norm,
        inverse_information=inverse,
        at_limit=at_limit,
        converged=converged,
        message=message,
    )
