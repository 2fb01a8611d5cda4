"""Effects of covariates are found with honest errors, and vanish where there is nothing to find."""

import math
from collections.abc import Callable
from dataclasses import asdict, astuple
from typing import Any

import numpy as np
import pytest

from patronage.science.lifetime import (
    Cells,
    CovariateCells,
    InconsistentHistory,
    InvalidParameter,
    NotEstimated,
    NotIdentified,
    ParetoNBD,
    ParetoNBDWithCovariates,
)
from patronage.science.lifetime.optimum import SearchBox, maximise
from patronage.science.lifetime.pareto_nbd_covariates import _objective, _Scale

TRUTH = ParetoNBDWithCovariates.from_parameters(
    r=0.9,
    alpha=9.0,
    s=0.8,
    beta=20.0,
    purchase_effects={"loyalty card": 0.5, "distance": -0.3},
    dropout_effects={"loyalty card": -0.6},
)
WEEKS = 40


def simulate(customers: int, seed: int) -> dict[str, Any]:
    """Customers over their first weeks, with covariates; times rounded up to quarter weeks."""
    rng = np.random.default_rng(seed)
    card = rng.integers(0, 2, customers).astype(float)
    distance = rng.integers(1, 4, customers).astype(float)
    x, t_x = np.zeros(customers), np.zeros(customers)
    for has in (0.0, 1.0):
        for far in (1.0, 2.0, 3.0):
            rows = (card == has) & (distance == far)
            model = TRUTH.for_pattern(
                purchase={"loyalty card": has, "distance": far}, dropout={"loyalty card": has}
            )
            new = np.zeros(rows.sum())
            seen = model.simulate(new, new, new, days=WEEKS, rng=rng)
            x[rows], t_x[rows] = seen.frequency, np.ceil(4 * seen.recency) / 4
    return {
        "frequency": x,
        "recency": t_x,
        "age": np.full(customers, float(WEEKS)),
        "purchase": {"loyalty card": card, "distance": distance},
        "dropout": {"loyalty card": card},
    }


@pytest.fixture(scope="module")
def base() -> dict[str, Any]:
    return simulate(16_000, seed=51)


@pytest.fixture(scope="module")
def fit(base: dict[str, Any]) -> ParetoNBDWithCovariates:
    return ParetoNBDWithCovariates.fit(CovariateCells.from_customers(**base))


def test_a_fit_recovers_the_effects_within_their_standard_errors(
    fit: ParetoNBDWithCovariates,
) -> None:
    assert fit.converged
    assert fit.gradient_norm < 1e-6
    for rate in ("purchase", "dropout"):
        effects: dict[str, float] = getattr(fit, f"{rate}_effects")
        for name, true in getattr(TRUTH, f"{rate}_effects").items():
            error = fit.standard_errors[f"{rate}: {name}"]
            assert abs(effects[name] - true) < 3.5 * error, (rate, name)
            assert abs(true) > 4 * error, "the test would not see an effect of 0"
    for name, true in asdict(TRUTH.parameters).items():
        found = getattr(fit.parameters, name)
        assert abs(found - true) < 3.5 * fit.standard_errors[name], name


def test_shuffled_covariates_have_no_effect_and_gain_nothing(
    base: dict[str, Any], fit: ParetoNBDWithCovariates
) -> None:
    """The broken twin: the same customers with each other's facts."""
    order = np.random.default_rng(52).permutation(base["age"].size)
    shuffled = base | {
        kind: {name: values[order] for name, values in base[kind].items()}
        for kind in ("purchase", "dropout")
    }
    none = ParetoNBDWithCovariates.fit(CovariateCells.from_customers(**shuffled))
    for name, effect in none.purchase_effects.items():
        assert abs(effect) < 3.5 * none.standard_errors[f"purchase: {name}"]
    cells = CovariateCells.from_customers(**base)
    plain = ParetoNBD.fit(cells.pooled)
    assert none.log_likelihood - plain.log_likelihood < 10
    assert fit.log_likelihood - plain.log_likelihood > 200
    assert fit.log_likelihood_of(cells) == pytest.approx(fit.log_likelihood, rel=1e-10)


def test_a_clock_that_runs_sevenfold_is_found_exactly(cdnow: Any) -> None:
    """Half of CDNOW told in days, half in weeks: both rates differ by the factor 7, no more."""
    scale = np.repeat([1.0, 7.0], cdnow.frequency.size)
    weeks = np.repeat([0.0, 1.0], cdnow.frequency.size)
    fit = ParetoNBDWithCovariates.fit(
        CovariateCells.from_customers(
            frequency=np.tile(cdnow.frequency, 2),
            recency=np.tile(cdnow.recency, 2) / scale,
            age=np.tile(cdnow.age, 2) / scale,
            purchase={"in weeks": weeks},
            dropout={"in weeks": weeks},
        )
    )
    assert fit.purchase_effects["in weeks"] == pytest.approx(math.log(7), abs=1e-5)
    assert fit.dropout_effects["in weeks"] == pytest.approx(math.log(7), abs=1e-4)
    r, alpha, s, beta = astuple(fit.parameters)
    assert [round(v, 3) for v in (r, alpha / 7, s, beta / 7)] == [0.553, 10.578, 0.606, 11.669]
    assert fit.standard_errors["r"] == pytest.approx(0.04763 / math.sqrt(2), rel=1e-3)


def test_the_gradient_is_the_slope(base: dict[str, Any]) -> None:
    few: dict[str, Any] = {
        key: {name: values[:300] for name, values in part.items()}
        if isinstance(part, dict)
        else part[:300]
        for key, part in base.items()
    }
    cells = CovariateCells.from_customers(**few)
    objective = _objective(cells, _Scale.of(cells))
    point = np.array([0.1, 2.0, -0.2, 3.0, 0.3, -0.2, 0.4])
    for axis in range(7):
        step = np.eye(7)[axis] * 1e-5
        slope = (objective(point + step)[0] - objective(point - step)[0]) / 2e-5
        assert objective(point)[1][axis] == pytest.approx(slope, rel=1e-4, abs=1e-8)


def test_every_start_leads_to_the_same_maximum() -> None:
    cells = CovariateCells.from_customers(**simulate(700, seed=56))
    fit = ParetoNBDWithCovariates.fit(cells)
    objective = _objective(cells, _Scale.of(cells))
    rng = np.random.default_rng(57)
    for _ in range(4):
        start = np.concatenate([np.log([1, 9, 1, 20]) + rng.normal(0, 1, 4), rng.normal(0, 1, 3)])
        box = SearchBox(names=tuple("abcdefg"), start=start, lower=start - 15, upper=start + 15)
        found = maximise(objective, box)
        assert found.converged
        assert found.gradient_norm < 1e-6
        again = found.mean_log_likelihood * cells.customers
        assert again == pytest.approx(fit.log_likelihood, rel=1e-10)


def test_customers_are_answered_by_the_model_of_their_own_pattern(base: dict[str, Any]) -> None:
    rows = slice(0, 50)
    x, t_x, T = (base[key][rows] for key in ("frequency", "recency", "age"))
    covariates: dict[str, Any] = {
        kind: {name: values[rows] for name, values in base[kind].items()}
        for kind in ("purchase", "dropout")
    }
    asked = TRUTH.for_customers(50, **covariates)
    moments = asked.purchase_moments(x, t_x, T, horizon_days=13)
    found = (
        asked.probability_alive(x, t_x, T),
        asked.probability_of_purchase(x, t_x, T, horizon_days=13),
        asked.expected_purchases(x, t_x, T, horizon_days=13, start_days=4),
        moments.mean,
        moments.variance,
    )
    for at in range(50):
        model = TRUTH.for_pattern(
            purchase={name: values[at] for name, values in covariates["purchase"].items()},
            dropout={name: values[at] for name, values in covariates["dropout"].items()},
        )
        past = x[at], t_x[at], T[at]
        own_moments = model.purchase_moments(*past, horizon_days=13)
        own = (
            model.probability_alive(*past),
            model.probability_of_purchase(*past, horizon_days=13),
            model.expected_purchases(*past, horizon_days=13, start_days=4),
            own_moments.mean,
            own_moments.variance,
        )
        for ours, theirs in zip(found, own, strict=True):
            assert ours[at] == pytest.approx(theirs[0], rel=1e-8)


def test_without_effects_it_is_the_plain_model(base: dict[str, Any]) -> None:
    plain = ParetoNBD.from_parameters(**asdict(TRUTH.parameters))
    none = ParetoNBDWithCovariates.from_parameters(
        **asdict(TRUTH.parameters), purchase_effects={"card": 0.0}, dropout_effects={}
    )
    assert none.for_pattern(purchase={"card": 1.0}, dropout={}).parameters == plain.parameters


def test_weights_count_customers_and_units_of_covariates_do_not_matter() -> None:
    drawn = simulate(1500, seed=53)
    times = np.random.default_rng(54).integers(0, 3, 1500)
    repeated: dict[str, Any] = {
        key: {name: np.repeat(values, times) for name, values in part.items()}
        if isinstance(part, dict)
        else np.repeat(part, times)
        for key, part in drawn.items()
    }
    in_metres = drawn | {
        "purchase": drawn["purchase"] | {"distance": 1000 * drawn["purchase"]["distance"] + 5}
    }
    weighted = ParetoNBDWithCovariates.fit(CovariateCells.from_customers(**drawn, weights=times))
    again = ParetoNBDWithCovariates.fit(CovariateCells.from_customers(**repeated))
    metres = ParetoNBDWithCovariates.fit(CovariateCells.from_customers(**in_metres, weights=times))
    assert weighted.log_likelihood == pytest.approx(again.log_likelihood, rel=1e-10)
    for name, effect in weighted.purchase_effects.items():
        assert again.purchase_effects[name] == pytest.approx(effect, rel=1e-4, abs=1e-6)
    assert metres.purchase_effects["distance"] * 1000 == pytest.approx(
        weighted.purchase_effects["distance"], rel=1e-4
    )
    assert metres.standard_errors["purchase: distance"] * 1000 == pytest.approx(
        weighted.standard_errors["purchase: distance"], rel=1e-3
    )


HISTORY = {"frequency": [1, 0, 2], "recency": [3, 0, 5], "age": [9, 9, 9]}


@pytest.mark.parametrize(
    ("ask", "error", "named"),
    [
        (
            lambda: CovariateCells.from_customers(
                **HISTORY, purchase={"age": [1, math.nan, 2]}, dropout={}
            ),
            InconsistentHistory,
            "Covariate age must be finite.*row 1",
        ),
        (
            lambda: CovariateCells.from_customers(**HISTORY, purchase={"age": [1, 2]}, dropout={}),
            InconsistentHistory,
            "one value a customer",
        ),
        (
            lambda: CovariateCells.from_customers(
                frequency=0, recency=0, age=np.full(600, 9.0), dropout={},
                purchase={"age": np.arange(600)},
            ),
            InconsistentHistory,
            "600 distinct patterns.*Round",
        ),
        (
            lambda: CovariateCells.from_customers(
                frequency=[1], recency=[9], age=[5], purchase={}, dropout={}
            ),
            InconsistentHistory,
            "recency must not exceed age",
        ),
        (
            lambda: ParetoNBDWithCovariates.fit(
                CovariateCells.from_customers(**HISTORY, purchase={"card": 1}, dropout={})
            ),
            NotIdentified,
            "card is 1 for everybody",
        ),
        (
            lambda: ParetoNBDWithCovariates.fit(
                CovariateCells.from_customers(**HISTORY, purchase={"card": [0, 1, 1]}, dropout={})
            ),
            NotIdentified,
            "3 distinct histories",
        ),
        (
            lambda: TRUTH.for_pattern(purchase={"card": 1}, dropout={}),
            InvalidParameter,
            r"purchase rate must be \['distance', 'loyalty card'\]",
        ),
        (
            lambda: TRUTH.for_customers(
                2, purchase={"loyalty card": 1, "distance": [1, 2]}, dropout={"loyalty card": 0}
            ).probability_alive([1, 1, 1], [2, 2, 2], [3, 3, 3]),
            InconsistentHistory,
            "given for 2 customers, histories for 3",
        ),
        (
            lambda: ParetoNBDWithCovariates.from_parameters(
                r=1, alpha=1, s=1, beta=1, purchase_effects={"a": math.inf}, dropout_effects={}
            ),
            InvalidParameter,
            "effect of a",
        ),
        (lambda: TRUTH.standard_errors, NotEstimated, "ParetoNBDWithCovariates.fit"),
    ],
)  # fmt: skip
def test_what_has_no_answer_is_refused_with_the_reason(
    ask: Callable[[], object], error: type[Exception], named: str
) -> None:
    with pytest.raises(error, match=named):
        ask()


def test_covariates_that_determine_each_other_do_not_converge() -> None:
    drawn = simulate(800, seed=55)
    card = drawn["purchase"]["loyalty card"]
    twice = drawn | {"purchase": {"card": card, "no card": 1 - card}}
    fit = ParetoNBDWithCovariates.fit(CovariateCells.from_customers(**twice))
    assert not fit.converged
    assert fit.estimation is not None
    assert "not identified" in fit.estimation.message or "edge" in fit.estimation.message


def test_cells_of_one_pattern_are_plain_cells() -> None:
    cells = CovariateCells.from_customers(**HISTORY, purchase={}, dropout={})
    plain = Cells.from_customers(**HISTORY)
    assert len(cells.cells) == 1
    assert cells.pooled.size == plain.size
    assert cells.customers == 3
