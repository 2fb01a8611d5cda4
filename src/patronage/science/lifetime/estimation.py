"""The record of how a model's parameters were estimated."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimation:
    """What a maximum-likelihood fit found out about itself."""

    #: sum of the log-likelihoods at the parameters
    log_likelihood: float
    #: parameter name -> asymptotic standard error from the observed information; NaN if not a peak
    #: or at a limit
    standard_errors: dict[str, float]
    #: whether the search ended in a proper interior maximum; never use a fit where it is False
    converged: bool
    #: parameters at their upper limit, where the likelihood still rises a little: the differences
    #: between customers that they describe are too small to be measured
    at_limit: tuple[str, ...]
    #: norm of the gradient of the mean log-likelihood per customer in the free log-parameters
    gradient_norm: float
    #: how the search ended, for people
    message: str
    #: customers (sum of weights) the likelihood was summed over
    customers: float
    #: events whose density carries the time or money unit, for a change of unit
    unit_events: float
