"""The record of a fit: how it is made of an optimum, and what a rebuilt model refuses to say."""

import math
from dataclasses import asdict
from typing import Any, Protocol

import numpy as np

from patronage.science.lifetime.errors import InvalidParameter, NotEstimated
from patronage.science.lifetime.estimation import Estimation
from patronage.science.lifetime.histories import FloatArray
from patronage.science.lifetime.optimum import Optimum


class MayBeEstimated(Protocol):
    """A model that is fitted, or rebuilt from stored parameters."""

    @property
    def estimation(self) -> Estimation | None:
        """How the parameters were estimated; None if rebuilt."""
        ...


def estimation_of(model: MayBeEstimated) -> Estimation:
    """The record of the estimation. Raises `NotEstimated` on a rebuilt model."""
    if model.estimation is None:
        name = type(model).__name__
        raise NotEstimated(
            "This model was rebuilt from parameters and has no estimation record; "
            f"read it from the stored model version, or call {name}.fit."
        )
    return model.estimation


class FitRecord:
    """Mix-in: the figures of a fit, each refused with `NotEstimated` on a rebuilt model."""

    __slots__ = ()

    @property
    def log_likelihood(self: MayBeEstimated) -> float:
        """Log-likelihood at the parameters."""
        return estimation_of(self).log_likelihood

    @property
    def converged(self: MayBeEstimated) -> bool:
        """Whether the search ended in a proper maximum; never use a fit where it did not."""
        return estimation_of(self).converged

    @property
    def gradient_norm(self: MayBeEstimated) -> float:
        """Norm of the mean log-likelihood's gradient on the search's scale, at most 1e-6."""
        return estimation_of(self).gradient_norm


def refuse_outside_domain(**parameters: float) -> None:
    """Raise `InvalidParameter` unless every parameter is finite and above 0."""
    for name, value in parameters.items():
        if not (math.isfinite(value) and value > 0):
            raise InvalidParameter(f"{name} must be finite and above 0, found {value}.")


def logs_of(parameters: Any) -> FloatArray:
    """Where a search starts: the logs of a dataclass of parameters, in the order of its fields.

    Raises `InvalidParameter` unless every one is finite and above 0.
    """
    values: dict[str, float] = asdict(parameters)
    refuse_outside_domain(**values)
    return np.log(list(values.values()))


def recorded(
    found: Optimum,
    standard_errors: dict[str, float],
    *,
    customers: float,
    unit_events: float,
) -> Estimation:
    """The record of an estimation whose errors are known; the last two as in `Estimation`."""
    return Estimation(
        log_likelihood=found.mean_log_likelihood * customers,
        standard_errors=standard_errors,
        converged=found.converged,
        at_limit=found.at_limit,
        gradient_norm=found.gradient_norm,
        message=found.message,
        customers=customers,
        unit_events=unit_events,
    )


def estimated(
    found: Optimum, names: tuple[str, ...], *, customers: float, unit_events: float
) -> tuple[dict[str, float], Estimation]:
    """Parameters by name, and the record, of a search over the logs of these parameters."""
    values: FloatArray = np.exp(found.log_parameters)
    errors = values * np.sqrt(np.diag(found.inverse_information) / customers)
    estimation = recorded(
        found,
        dict(zip(names, errors.tolist(), strict=True)),
        customers=customers,
        unit_events=unit_events,
    )
    return dict(zip(names, values.tolist(), strict=True)), estimation
