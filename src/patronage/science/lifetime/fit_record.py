"""What a fitted model says of its own estimation, and what a rebuilt one refuses to say."""

from typing import Protocol

from patronage.science.lifetime.errors import NotEstimated
from patronage.science.lifetime.estimation import Estimation


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
