"""Every purchase model keeps the same promises, whatever it assumes about buying and dropping out.

The histories are drawn event by event from the assumptions as the papers state them, by code that
shares nothing with the models.
"""

import math
from collections.abc import Callable
from dataclasses import asdict, astuple, dataclass
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from patronage.science.lifetime import (
    BGNBD,
    MBGNBD,
    PURCHASE_MODELS,
    Cells,
    CNBDk,
    GGompertzNBD,
    InconsistentHistory,
    InvalidParameter,
    InvalidWindow,
    NotEstimated,
    NotIdentified,
    ParetoNBD,
)

FloatArray = NDArray[np.float64]

MODELS: dict[str, Any] = {
    "Pareto/NBD": ParetoNBD.from_parameters(r=0.9, alpha=40.0, s=1.3, beta=300.0),
    "BG/NBD": BGNBD.from_parameters(r=0.9, alpha=40.0, a=0.8, b=2.4),
    "MBG/NBD": MBGNBD.from_parameters(r=0.9, alpha=40.0, a=0.8, b=2.4),
    "MBG/CNBD-3": CNBDk.from_parameters(
        k=3, dropout_at_first=1, r=0.85, alpha=12.0, a=0.79, b=2.42
    ),
    "BG/CNBD-2": CNBDk.from_parameters(k=2, dropout_at_first=0, r=0.85, alpha=18.0, a=0.79, b=2.42),
    "GGompertz/NBD": GGompertzNBD.from_parameters(r=0.9, alpha=40.0, b=0.02, s=0.8, beta=30.0),
}
SEEN, NEXT = 300.0, 200.0

every_model = pytest.mark.parametrize("name", MODELS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """Customers whose future is known; arrays of shape (customers,)."""

    x: FloatArray
    t_x: FloatArray
    T: FloatArray
    alive: NDArray[np.bool_]
    #: purchases in (T, T + NEXT / 2] and (T + NEXT / 2, T + NEXT]
    soon: FloatArray
    later: FloatArray


def lived(model: Any, n: int, rng: np.random.Generator) -> Truth:
    """Let customers live by the model's assumptions, one purchase after the other."""
    p = model.parameters
    stages = getattr(p, "k", 1.0)
    rate = rng.gamma(p.r, 1.0 / p.alpha, n)
    ends, leaves = np.full(n, np.inf), np.zeros(n)
    if isinstance(model, ParetoNBD):
        ends = rng.exponential(1.0, n) / rng.gamma(p.s, 1.0 / p.beta, n)
    elif isinstance(model, GGompertzNBD):
        ends = np.log1p(rng.exponential(1.0, n) / rng.gamma(p.s, 1.0 / p.beta, n)) / p.b
    else:
        leaves = rng.beta(p.a, p.b, n)
    at_first = isinstance(model, MBGNBD) or getattr(p, "dropout_at_first", 0.0) == 1.0
    ends = np.where(at_first & (rng.random(n) < leaves), 0.0, ends)
    T = np.ceil(rng.uniform(30.0, SEEN, n))
    x, t_x, soon, later = np.zeros((4, n))
    now = np.zeros(n)
    while True:
        now = now + rng.gamma(stages, 1.0, n) / rate
        buys = (now <= ends) & (now <= T + NEXT)
        if not buys.any():
            return Truth(x=x, t_x=t_x, T=T, alive=ends > T, soon=soon, later=later)
        x += buys & (now <= T)
        t_x = np.where(buys & (now <= T), now, t_x)
        soon += buys & (now > T) & (now <= T + NEXT / 2)
        later += buys & (now > T + NEXT / 2)
        ends = np.where(buys & (rng.random(n) < leaves), now, ends)


@pytest.fixture(scope="module")
def truths() -> dict[str, Truth]:
    return {name: lived(model, 15_000, np.random.default_rng(31)) for name, model in MODELS.items()}


def worst_z(expected: FloatArray, happened: FloatArray) -> float:
    """The largest standardised difference of means over tenths by expectation."""
    scores = []
    for part in np.array_split(np.argsort(expected, kind="stable"), 10):
        spread = max(float(happened[part].std()), 1e-3) / math.sqrt(part.size)
        scores.append(abs(float((happened[part] - expected[part]).mean())) / spread)
    return max(scores)


def test_every_registered_model_is_examined() -> None:
    assert {type(model) for model in MODELS.values()} == set(PURCHASE_MODELS.values())
    assert list(PURCHASE_MODELS) == ["Pareto/NBD", "BG/NBD", "MBG/NBD", "CNBD-k", "GGompertz/NBD"]


@every_model
def test_answers_equal_what_happens_to_customers_who_live_by_the_assumptions(
    name: str, truths: dict[str, Truth]
) -> None:
    model, true = MODELS[name], truths[name]
    history = (true.x, true.t_x, true.T)
    both, half = true.soon + true.later, NEXT / 2
    later = model.expected_purchases(*history, horizon_days=NEXT, start_days=half)
    assert worst_z(model.probability_alive(*history), true.alive.astype(float)) < 4
    assert worst_z(model.expected_purchases(*history, horizon_days=NEXT), both) < 4
    assert worst_z(later, true.later) < 4
    buys = model.probability_of_purchase(*history, horizon_days=NEXT)
    assert worst_z(buys, (both > 0).astype(float)) < 4
    moments = model.purchase_moments(*history, horizon_days=NEXT)
    assert worst_z(moments.variance + moments.mean**2, both**2) < 4
    assert moments.probability_of_purchase == pytest.approx(buys, rel=1e-12)


@every_model
def test_the_wrong_model_would_be_found_out(name: str, truths: dict[str, Truth]) -> None:
    """The broken twin: customers who buy less often than the model believes."""
    model, true = MODELS[name], truths[name]
    parameters = asdict(model.parameters) | {"alpha": model.parameters.alpha / 4}
    wrong = type(model).from_parameters(**parameters)
    expected = wrong.expected_purchases(true.x, true.t_x, true.T, horizon_days=NEXT)
    assert worst_z(expected, true.soon + true.later) > 4


@every_model
def test_futures_are_drawn_as_they_are_expected(name: str, truths: dict[str, Truth]) -> None:
    model, true = MODELS[name], truths[name]
    rng = np.random.default_rng(32)
    future = model.simulate(true.x, true.t_x, true.T, days=NEXT, rng=rng)
    moments = model.purchase_moments(true.x, true.t_x, true.T, horizon_days=NEXT)
    assert worst_z(moments.mean, future.purchases) < 4
    assert worst_z(moments.variance + moments.mean**2, future.purchases**2) < 4
    assert np.array_equal(future.frequency, true.x + future.purchases)
    assert np.array_equal(future.age, true.T + NEXT)
    stayed = future.purchases == 0
    assert np.array_equal(future.recency[stayed], true.t_x[stayed])
    assert np.all(future.recency[~stayed] > true.T[~stayed])
    assert np.all(future.recency <= future.age)
    again = model.probability_alive(future.frequency, future.recency, future.age)
    first = model.simulate(true.x, true.t_x, true.T, days=0.0, rng=rng)
    assert np.array_equal(first.purchases, np.zeros_like(true.x))
    assert again.mean() < model.probability_alive(true.x, true.t_x, true.T).mean()


@every_model
def test_futures_drawn_in_steps_are_discounted_as_expected(name: str) -> None:
    """Drawn sixty days at a time from what each history leaves open: the same joint law."""
    model, n, step, steps, annual = MODELS[name], 8_000, 60.0, 12, 0.25
    rng = np.random.default_rng(33)
    x, t_x, T = np.full(n, 3.0), np.full(n, 150.0), np.full(n, 180.0)
    moments = model.purchase_moments(
        3, 150, 180, horizon_days=step * steps, annual_discount_rate=annual
    )
    total = np.zeros(n)
    for turn in range(steps):
        future = model.simulate(x, t_x, T, days=step, rng=rng)
        x, t_x, T = future.frequency, future.recency, future.age
        total += future.purchases * (1 + annual) ** (-(turn + 0.5) * step / 365)
    assert abs(total.mean() - moments.mean[0]) < 4 * total.std() / math.sqrt(n)
    squares = (total - total.mean()) ** 2
    assert abs(squares.mean() - moments.variance[0]) < 4 * squares.std() / math.sqrt(n)


HISTORIES = (
    np.array([0.0, 0.0, 1.0, 3.0, 12.0, 40.0]),
    np.array([0.0, 0.0, 20.0, 150.0, 299.0, 100.0]),
    np.array([0.0, 200.0, 20.0, 180.0, 300.0, 300.0]),
)


@every_model
@pytest.mark.parametrize("annual", [0.0, 0.10, -0.2])
def test_windows_add_up(name: str, annual: float) -> None:
    ask: Callable[..., FloatArray] = MODELS[name].discounted_expected_purchases
    whole = ask(*HISTORIES, horizon_days=1095, annual_discount_rate=annual)
    first = ask(*HISTORIES, horizon_days=91, annual_discount_rate=annual)
    rest = ask(*HISTORIES, horizon_days=1095, start_days=91, annual_discount_rate=annual)
    assert first + rest == pytest.approx(whole, rel=1e-9 if annual == 0 else 1e-6)
    nothing = ask(*HISTORIES, horizon_days=91, start_days=91, annual_discount_rate=annual)
    assert nothing == pytest.approx(np.zeros(6), abs=1e-12)


@every_model
def test_no_discount_and_hardly_any_are_the_same(name: str) -> None:
    model = MODELS[name]
    plain = model.expected_purchases(*HISTORIES, horizon_days=1095)
    for annual, off in ((0.0, 1e-13), (1e-9, 1e-8)):
        moments = model.purchase_moments(*HISTORIES, horizon_days=1095, annual_discount_rate=annual)
        assert moments.mean == pytest.approx(plain, rel=off)
        assert moments.mean_squared_discount == pytest.approx(plain, rel=10 * off)


@every_model
def test_a_discounted_stream_is_the_sum_of_its_days(name: str) -> None:
    model, annual = MODELS[name], 0.10
    edges = np.linspace(0.0, 365.0, 37)
    total = np.zeros(6)
    for start, end in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        purchases = model.expected_purchases(*HISTORIES, start_days=start, horizon_days=end)
        total += purchases * (1 + annual) ** (-(start + end) / 2 / 365)
    found = model.discounted_expected_purchases(
        *HISTORIES, horizon_days=365, annual_discount_rate=annual
    )
    assert found == pytest.approx(total, rel=1e-4)


@every_model
def test_weeks_answer_like_days(name: str) -> None:
    x, t_x, T = HISTORIES
    days = MODELS[name]
    weeks = type(days)(parameters=days.parameters_per(days=7))
    for ask in ("expected_purchases", "probability_of_purchase"):
        found = getattr(weeks, ask)(x, t_x / 7, T / 7, horizon_days=52)
        assert found == pytest.approx(getattr(days, ask)(x, t_x, T, horizon_days=364), rel=1e-10)
    assert weeks.probability_alive(x, t_x / 7, T / 7) == pytest.approx(
        days.probability_alive(x, t_x, T), rel=1e-12
    )


EXTREMES: list[dict[str, float]] = [
    {"r": 0.55, "alpha": 74.0},
    {"r": 0.01, "alpha": 0.01, "s": 0.01, "beta": 0.01, "a": 0.01, "b": 0.01},
    {"r": 900.0, "alpha": 1e4, "s": 900.0, "beta": 1e7, "a": 900.0, "b": 1e6},
    {"r": 0.5, "alpha": 1e-3, "s": 30.0, "beta": 1e6, "a": 1e-3, "b": 30.0},
    {"r": 0.5, "alpha": 1e6, "s": 30.0, "beta": 1e-3, "a": 30.0, "b": 1e-3},
]


@every_model
@pytest.mark.parametrize("extreme", EXTREMES)
def test_nothing_overflows_at_two_thousand_purchases_in_ten_years(
    name: str, extreme: dict[str, float]
) -> None:
    model = MODELS[name]
    own = asdict(model.parameters)
    model = type(model).from_parameters(**own | {k: v for k, v in extreme.items() if k in own})
    x = np.array([0.0, 0.0, 1.0, 2000.0, 2000.0, 2000.0, 500.0])
    t_x = np.array([0.0, 0.0, 3650.0, 3650.0, 30.0, 3000.0, 1.0])
    T = np.array([0.0, 3650.0, 3650.0, 3650.0, 3650.0, 3650.0, 3650.0])
    alive = model.probability_alive(x, t_x, T)
    moments = model.purchase_moments(x, t_x, T, horizon_days=3650, annual_discount_rate=0.1)
    assert np.all((alive >= 0) & (alive <= 1))
    buys = moments.probability_of_purchase
    assert np.all((buys >= 0) & (buys <= alive + 1e-12))
    for column in (moments.mean, moments.variance, moments.mean_squared_discount):
        assert np.all(np.isfinite(column))
        assert np.all(column >= 0)
    cells = Cells.from_customers(frequency=x, recency=t_x, age=T)
    assert math.isfinite(model.log_likelihood_of(cells))
    future = model.simulate(x, t_x, T, days=3650, rng=np.random.default_rng(34))
    assert np.all(np.isfinite(future.recency))


@every_model
@pytest.mark.parametrize(
    ("history", "named"),
    [
        (([1, 2], [5, 30], [10, 20]), "recency must not exceed age.*row 1: "),
        (([1, 0], [5, 3], [10, 20]), "recency must be 0 without a repeat purchase.*row 1: "),
        (([1, 2], [5, 0], [10, 20]), "recency must be above 0 with a repeat purchase.*row 1: "),
        (([-1, 2], [5, 6], [10, 20]), "must not be negative.*row 0: "),
        (([1, 2], [5, math.nan], [10, 20]), "must be finite.*row 1: "),
        (([1, 2], [5, 6], [10, math.inf]), "must be finite.*row 1: "),
        (([1.5, 2], [5, 6], [10, 20]), "whole number.*row 0: "),
        (([], [], []), "No customers"),
    ],
)
def test_impossible_histories_are_named(name: str, history: Any, named: str) -> None:
    model = MODELS[name]
    asked: list[Callable[[], object]] = [
        lambda: model.probability_alive(*history),
        lambda: model.probability_of_purchase(*history, horizon_days=10),
        lambda: model.expected_purchases(*history, horizon_days=10),
        lambda: model.purchase_moments(*history, horizon_days=10),
        lambda: model.simulate(*history, days=10, rng=np.random.default_rng(1)),
    ]
    for ask in asked:
        with pytest.raises(InconsistentHistory, match=named):
            ask()


@every_model
def test_undefined_windows_are_refused_and_empty_ones_answered(name: str) -> None:
    model, history = MODELS[name], (1, 2, 3)
    for days in (-1.0, math.nan, math.inf):
        for ask in (model.expected_purchases, model.probability_of_purchase):
            with pytest.raises(InvalidWindow, match="found"):
                ask(*history, horizon_days=days)
        with pytest.raises(InvalidWindow, match="found"):
            model.simulate(*history, days=days, rng=np.random.default_rng(1))
    for rate in (-1.0, 10.0, math.nan):
        with pytest.raises(InvalidWindow, match="annual_discount_rate"):
            model.purchase_moments(*history, horizon_days=10, annual_discount_rate=rate)
    with pytest.raises(InvalidWindow, match="start_days"):
        model.expected_purchases(*history, horizon_days=10, start_days=11)
    moments = model.purchase_moments(*history, horizon_days=0, annual_discount_rate=0.1)
    for column in (moments.mean, moments.variance, moments.probability_of_purchase):
        assert column == pytest.approx([0.0], abs=1e-15)


@every_model
def test_a_rebuilt_model_answers_the_same_without_a_record(name: str) -> None:
    model = MODELS[name]
    rebuilt = type(model).from_parameters(**asdict(model.parameters))
    assert rebuilt == model
    for ask in ("log_likelihood", "converged", "gradient_norm", "standard_errors"):
        with pytest.raises(NotEstimated, match="rebuilt from parameters"):
            getattr(rebuilt, ask)
    for parameter in set(asdict(model.parameters)) - {"dropout_at_first"}:
        for wrong in (0.0, -1.0, math.nan, math.inf):
            with pytest.raises(InvalidParameter, match=parameter):
                type(model).from_parameters(**asdict(model.parameters) | {parameter: wrong})
    with pytest.raises(InvalidParameter, match="time unit"):
        model.parameters_per(days=0)


@pytest.mark.parametrize("name", PURCHASE_MODELS)
def test_a_base_that_identifies_nothing_is_refused(name: str) -> None:
    once = Cells.from_customers(frequency=0, recency=0, age=np.arange(1.0, 100.0))
    with pytest.raises(NotIdentified, match="None of the 99 customers bought again"):
        PURCHASE_MODELS[name].fit(once)
    with pytest.raises(NotIdentified, match="1 distinct histories"):
        PURCHASE_MODELS[name].fit(Cells.from_customers(frequency=[3], recency=[20], age=[40]))


@pytest.fixture(scope="module")
def base() -> tuple[FloatArray, FloatArray, FloatArray]:
    """A few hundred customers in whole days."""
    true = lived(MODELS["MBG/NBD"], 400, np.random.default_rng(35))
    return true.x, np.ceil(true.t_x), np.ceil(true.T)


@pytest.mark.parametrize("name", PURCHASE_MODELS)
def test_a_fit_to_weeks_or_to_weights_is_the_same_fit(
    name: str, base: tuple[FloatArray, FloatArray, FloatArray]
) -> None:
    x, t_x, T = base
    model: Any = PURCHASE_MODELS[name]
    times = np.random.default_rng(36).integers(0, 3, x.size)
    weighted = Cells.from_customers(frequency=x, recency=t_x, age=T, weights=times)
    x, t_x, T = (np.repeat(column, times) for column in base)
    fit = model.fit(weighted)
    assert fit.converged
    assert fit.gradient_norm < 1e-6
    assert fit.log_likelihood_of(weighted) == pytest.approx(fit.log_likelihood, rel=1e-10)
    weeks = model.fit(Cells.from_customers(frequency=x, recency=t_x / 7, age=T / 7))
    assert astuple(weeks.parameters) == pytest.approx(astuple(fit.parameters_per(days=7)), rel=1e-5)
    assert weeks.log_likelihood == pytest.approx(fit.log_likelihood_per(days=7), rel=1e-9)
    known = ~np.isnan(astuple(fit.standard_errors))
    errors = np.array(astuple(fit.standard_errors_per(days=7)))[known]
    assert np.array(astuple(weeks.standard_errors))[known] == pytest.approx(errors, rel=1e-3)
