"""What is to be allocated, under which limits, and what comes back."""

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Limit:
    """A budget, a channel's capacity or an offer's cap: what all customers share.

    Raises:
        ValueError: a capacity or use is negative or NaN, a use is infinite, or a minimum is set.
    """

    #: What people call it; unique within a problem.
    name: str
    _: KW_ONLY
    #: How much there is, at least 0, in the unit of ``use``; infinite where it never binds.
    capacity: float
    #: How much one treatment takes: ``(n_actions,)`` or ``(n_customers, n_actions)``, at least 0.
    use: NDArray[Any]
    #: A volume that must be reached. Only 0 is accepted.
    minimum: float = 0.0

    def __post_init__(self) -> None:
        if self.minimum != 0.0:
            raise ValueError(
                f"limit {self.name!r}: found a minimum of {self.minimum}; expected 0. Minimum "
                "volumes cannot be allocated: give the offer a higher value or leave it out"
            )
        if not self.capacity >= 0.0:
            raise ValueError(
                f"limit {self.name!r}: found a capacity of {self.capacity}; expected at least 0"
            )
        use = np.asarray(self.use)
        if use.ndim not in (1, 2):
            raise ValueError(
                f"limit {self.name!r}: use has shape {use.shape}; expected (n_actions,) or "
                "(n_customers, n_actions)"
            )
        if not np.isfinite(use).all() or (use < 0).any():
            raise ValueError(
                f"limit {self.name!r}: use holds a negative, NaN or infinite number; expected what "
                "one treatment takes of the capacity, at least 0"
            )


@dataclass(frozen=True, slots=True)
class Problem:
    """Maximise total value, each customer taking up to ``per_customer`` different actions.

    Raises:
        ValueError: shapes differ, a value is NaN or infinite, two limits share a name, or
            ``per_customer`` is below 1.
    """

    #: ``(n_customers, n_actions)`` float: incremental value in minor units, no NaN.
    values: NDArray[Any]
    #: ``(n_customers, n_actions)`` bool: may this customer get this action.
    eligible: NDArray[np.bool_]
    _: KW_ONLY
    #: What the customers share; may be empty.
    limits: Sequence[Limit] = ()
    #: Most actions one customer may get, at least 1.
    per_customer: int = 1

    def __post_init__(self) -> None:
        shape = np.shape(self.values)
        if len(shape) != 2 or np.shape(self.eligible) != shape:
            raise ValueError(
                f"problem: values have shape {shape} and eligible {np.shape(self.eligible)}; "
                "expected (n_customers, n_actions) for both"
            )
        if np.asarray(self.eligible).dtype != np.bool_:
            raise ValueError("problem: eligible is not boolean; decide what is unknown first")
        if not np.isfinite(self.values).all():
            raise ValueError(
                "problem: a value is NaN or infinite; mark what cannot be valued as not eligible "
                "and give it any finite value"
            )
        if self.per_customer < 1:
            raise ValueError(f"problem: per_customer is {self.per_customer}; expected at least 1")
        names = [limit.name for limit in self.limits]
        if len(set(names)) < len(names):
            raise ValueError(f"problem: two limits share a name; found {sorted(names)}")
        for limit in self.limits:
            if np.shape(limit.use) not in (shape[1:], shape):
                raise ValueError(
                    f"limit {limit.name!r}: use has shape {np.shape(limit.use)}; expected "
                    f"{shape[1:]} or {shape}"
                )


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """How good the plan is, provable by anyone from the prices."""

    #: No plan whatever can be worth more (Lagrangian bound at the prices), minor units.
    upper_bound: float
    #: What the plan is worth, minor units.
    achieved: float
    #: ``(upper_bound − achieved) / upper_bound``, 0 where the bound is 0.
    gap: float
    #: How much of each limit the plan uses, by limit name.
    use: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Who gets what, what one more of each capacity is worth, and the proof."""

    #: ``int64 (n_customers,)``, −1 for no action; ``(n_customers, per_customer)`` above 1, best
    #: value first.
    choice: NDArray[np.int64]
    #: Value of one more unit of each capacity, at least 0, by limit name.
    prices: Mapping[str, float]
    #: Bound, value, gap and use.
    certificate: Certificate
