"""Everyone at once: prices first, then a plan that keeps every limit, then the proof."""

from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from patronage.science.allocation.dual import Priced, solve_prices
from patronage.science.allocation.finish import drop_rounding, improve, repair
from patronage.science.allocation.problem import Certificate, Plan, Problem
from patronage.science.allocation.relaxation import Relaxation, chosen_of

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_SAMPLES = (2_000, 20_000)
_TOLERANCE = 1e-8
_JITTER = 1e-7
# Below this many customers single places matter, and trying several starts costs nothing.
_FEW = 5_000
# More than the rounding of a pairwise sum of a billion numbers, less than anyone can measure.
_ROUNDING = 1e-12


def allocate(problem: Problem, seed: int) -> Plan:
    """Choose each customer's actions so that total value is highest within all limits.

    Args:
        problem: values in minor units, eligibility and limits; see :class:`Problem`.
        seed: decides between equal customers; the same seed gives the same plan.

    Returns:
        A :class:`Plan`: integral and within every limit, always; prices in minor units per unit of
        use; a certificate whose ``upper_bound`` no plan can exceed. Prices near a kink are one of
        several that support the plan.

    Raises:
        RuntimeError: the solver underneath failed, which says so with its own message.

    Source: Lagrangian relaxation (Fisher, Management Science 27, 1981), prices by cutting planes on
    growing samples of customers, then repair and greedy improvement. Assumes that values add up
    over customers and actions, and that uses do.
    """
    true = _relax(problem)
    if not true.values.size:
        return _plan(problem, true, np.full((len(true.values), 1), -1), _free(true))
    rng = np.random.default_rng(seed)
    tilted = Relaxation(
        values=true.values * (1.0 + _JITTER * rng.random(true.values.shape)),
        uses=true.uses,
        capacity=true.capacity,
        places=true.places,
    )
    priced = _prices(tilted, rng)
    return _plan(problem, true, _finish(tilted, priced), priced.prices)


def _relax(problem: Problem) -> Relaxation:
    values = np.asarray(problem.values, dtype=np.float64)
    n, k = values.shape
    places = min(problem.per_customer, max(k, 1))
    uses = [np.asarray(limit.use, dtype=np.float64) for limit in problem.limits]
    # A capacity that everybody together cannot use up never binds, infinite ones included.
    most = [2.0 * n * places * float(use.max(initial=0.0)) + 1.0 for use in uses]
    stated = [float(limit.capacity) for limit in problem.limits]
    return Relaxation(
        values=np.where(problem.eligible & (values > 0.0), values, -np.inf),
        uses=uses,
        capacity=np.minimum(np.array(stated, dtype=np.float64), np.array(most)),
        places=places,
    )


def _prices(relaxation: Relaxation, rng: np.random.Generator) -> Priced:
    """Prices found on growing samples, each starting where the smaller one ended."""
    n = len(relaxation.values)
    scale = _scale(relaxation)
    prices, radius = _free(relaxation), 1.0
    for size in _SAMPLES:
        if size * 4 <= n and len(prices):
            rows = np.sort(rng.choice(n, size=size, replace=False))
            part = relaxation.sample(rows)
            prices = solve_prices(
                part, start=prices, scale=scale, radius=radius, tolerance=1e-5
            ).prices
            radius = 4.0 / np.sqrt(size)
    return solve_prices(relaxation, start=prices, scale=scale, radius=radius, tolerance=_TOLERANCE)


def _finish(relaxation: Relaxation, priced: Priced) -> Ints:
    """The best plan within the limits that is reached from the reply to the prices.

    With few customers, also from an empty plan and with value alone in mind.
    """
    reply = priced.response.choice
    orders = [priced.prices]
    starts = [repair(relaxation, reply, priced.prices)]
    if len(reply) <= _FEW and len(priced.prices):
        orders.append(_free(relaxation))
        starts += [repair(relaxation, reply, orders[1]), np.full_like(reply, -1)]
    plans = [
        drop_rounding(relaxation, improve(relaxation, start, order))
        for start in starts
        for order in orders
    ]
    return max(plans, key=lambda plan: float(chosen_of(relaxation.values, plan).sum()))


def _scale(relaxation: Relaxation) -> Floats:
    """``(n_limits,)``: typical value per unit of use, so that prices are numbers near 1."""
    worthwhile = np.isfinite(relaxation.values)
    value = float(relaxation.values[worthwhile].mean()) if worthwhile.any() else 1.0
    scales = []
    for use in relaxation.uses:
        positive = use[use > 0.0]
        scales.append(value / float(positive.mean()) if positive.size else value)
    return np.array(scales, dtype=np.float64)


def _free(relaxation: Relaxation) -> Floats:
    return np.zeros(len(relaxation.uses), dtype=np.float64)


def _plan(problem: Problem, true: Relaxation, choice: Ints, prices: Floats) -> Plan:
    worth = chosen_of(true.values, choice) if true.values.size else np.zeros(choice.shape)
    achieved = float(worth.sum())
    bound = true.respond(prices).bound if true.values.size else 0.0
    bound += _ROUNDING * abs(bound)
    used = true.used(choice)
    order = np.argsort(-worth, axis=1, kind="stable")
    names = [limit.name for limit in problem.limits]
    by_value = np.full((len(choice), problem.per_customer), -1, dtype=np.int64)
    by_value[:, : choice.shape[1]] = np.take_along_axis(choice, order, axis=1)
    return Plan(
        choice=by_value[:, 0] if problem.per_customer == 1 else by_value,
        prices=MappingProxyType(dict(zip(names, prices.tolist(), strict=True))),
        certificate=Certificate(
            upper_bound=bound,
            achieved=achieved,
            gap=(bound - achieved) / bound if bound > 0.0 else 0.0,
            use=MappingProxyType(dict(zip(names, used.tolist(), strict=True))),
        ),
    )
