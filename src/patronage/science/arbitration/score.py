"""What is acting on this customer now worth, in money, against leaving the customer alone?"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


def incremental_value(
    *,
    response_with: ArrayLike,
    response_without: ArrayLike,
    margin: ArrayLike,
    redemption_cost: ArrayLike,
    future: ArrayLike,
    contact_cost: ArrayLike,
    fatigue: ArrayLike,
    capacity_cost: ArrayLike,
    redemption_share: ArrayLike = 1.0,
) -> Floats:
    """Expected incremental long-term value of each action for each customer.

    ``p₁·(margin − share·redemption cost) − p₀·margin + future − contact cost − fatigue −
    capacity cost``: the discount is paid on every response that redeems, also on those that
    would have come without it.

    Args: every argument is a number or an array that broadcasts to ``(n_customers, n_actions)``;
        money in minor units of one currency; NaN and infinity are refused, never read as zero.

        response_with: p₁, probability of the response when treated, 0 to 1.
        response_without: p₀, probability of the same response when left alone, 0 to 1.
        margin: contribution of one response, before the discount, net of pull-forward and
            cannibalisation.
        redemption_cost: what one redemption costs, at least 0.
        future: change in expected margin after the outcome window that the action *causes*; zero,
            or a declared share, until an experiment measures it.
        contact_cost: cost of one contact, at least 0.
        fatigue: expected loss by one more contact, at least 0; declared or estimated.
        capacity_cost: Σ price × use over the scarce capacities, at least 0.
        redemption_share: share of responders who redeem, 0 to 1.

    Returns:
        Floats ``(n_customers, n_actions)``, minor units; scalars give shape ``(1, 1)``.

    Raises:
        ValueError: a value is NaN or infinite, a probability is outside 0 to 1, a cost is negative,
            or the shapes do not broadcast to two dimensions.

    Source: expected incremental profit as in Hansotia and Rukstales, "Incremental value modeling",
    Journal of Interactive Marketing 16 (2002). Assumes that p₁ and p₀ are causal (randomised, or
    all common causes of treatment and response conditioned on), that one customer's treatment does
    not change another's response, and that costs arise once per contact.
    """
    p1 = _probability("response_with", response_with)
    p0 = _probability("response_without", response_without)
    share = _probability("redemption_share", redemption_share)
    earned = _finite("margin", margin)
    discount = share * _cost("redemption_cost", redemption_cost)
    costs = (
        _cost("contact_cost", contact_cost)
        + _cost("fatigue", fatigue)
        + _cost("capacity_cost", capacity_cost)
    )
    value = p1 * (earned - discount) - p0 * earned + _finite("future", future) - costs
    return _by_customer_and_action(value)


def _by_customer_and_action(value: Floats) -> Floats:
    if value.ndim > 2:
        raise ValueError(
            f"incremental_value: arguments broadcast to shape {value.shape}; expected "
            "(n_customers, n_actions): sum capacity costs over capacities before passing them"
        )
    return np.atleast_2d(value)


def uplift_from_response(
    response: ArrayLike,
    incrementality_prior: ArrayLike,
    *,
    prior_sd: ArrayLike | None = None,
    measured_share: ArrayLike | None = None,
    measured_se: ArrayLike | None = None,
) -> Floats:
    """How much of a response is caused by the treatment, where only the response was modelled?

    ``response × share``, with the incremental share a prior that randomised evidence shrinks: the
    average of prior and measurement weighted by their precisions ``1/prior_sd²`` and
    ``1/measured_se²``. Then ``p₀ = response − uplift``.

    Args:
        response: probability of response when treated, 0 to 1, any shape; no NaN.
        incrementality_prior: share of responders who would not have responded untreated, 0 to 1,
            broadcasting to ``response`` (often ``(n_actions,)``).
        prior_sd: standard deviation of the prior, above 0; needed with evidence only.
        measured_share: the share that an experiment measured, same broadcasting; any finite number.
        measured_se: its standard error, above 0; infinite where an action was not measured.

    Returns:
        Uplift p₁ − p₀, same shape as the broadcast, never so negative that p₀ exceeds 1.

    Raises:
        ValueError: a value out of its range, or evidence given in part.

    Source: normal-normal conjugacy (Gelman et al., Bayesian Data Analysis, section 2.5). Assumes
    that evidence and prior are independent and that the share is the same for all customers of an
    action. A prior is an assumption: show it wherever the uplift is shown.
    """
    rate = _probability("response", response)
    share = _probability("incrementality_prior", incrementality_prior)
    evidence = (prior_sd, measured_share, measured_se)
    if any(part is not None for part in evidence):
        if prior_sd is None or measured_share is None or measured_se is None:
            raise ValueError(
                "uplift_from_response: prior_sd, measured_share and measured_se are given together "
                "or not at all; pass an infinite measured_se for an action that was not measured"
            )
        prior_precision = _precision("prior_sd", prior_sd)
        precision = _precision("measured_se", measured_se)
        measured = _finite("measured_share", measured_share)
        share = (prior_precision * share + precision * measured) / (prior_precision + precision)
    return np.asarray(np.maximum(rate * share, rate - 1.0), dtype=np.float64)


def _finite(name: str, values: ArrayLike) -> Floats:
    array = np.asarray(values, dtype=np.float64)
    if not np.isfinite(array).all():
        raise ValueError(
            f"{name}: found NaN or infinity; expected finite numbers. "
            "Leave out what is unknown: it is not zero"
        )
    return array


def _probability(name: str, values: ArrayLike) -> Floats:
    array = _finite(name, values)
    if array.size and (array.min() < 0.0 or array.max() > 1.0):
        raise ValueError(
            f"{name}: found values from {array.min()} to {array.max()}; expected 0 to 1"
        )
    return array


def _cost(name: str, values: ArrayLike) -> Floats:
    array = _finite(name, values)
    if array.size and array.min() < 0.0:
        raise ValueError(f"{name}: found {array.min()}; expected a cost of at least 0")
    return array


def _precision(name: str, deviation: ArrayLike) -> Floats:
    array = np.asarray(deviation, dtype=np.float64)
    if np.isnan(array).any() or (array <= 0.0).any():
        raise ValueError(f"{name}: found NaN, zero or less; expected a deviation above 0")
    return np.asarray(1.0 / np.square(array), dtype=np.float64)
