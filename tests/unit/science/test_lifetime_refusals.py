"""Impossible histories, hopeless fits and undefined windows are refused with the rows or reason."""

import math
from collections.abc import Callable

import numpy as np
import pytest

from patronage.science.lifetime import (
    Cells,
    GammaGamma,
    InconsistentHistory,
    InvalidParameter,
    InvalidWindow,
    NotEstimated,
    NotIdentified,
    ParetoNBD,
)
from patronage.science.lifetime.optimum import SearchBox, maximise

MODEL = ParetoNBD.from_parameters(r=0.5, alpha=70.0, s=0.6, beta=80.0)


@pytest.mark.parametrize(
    ("x", "t_x", "T", "named"),
    [
        ([1, 2, 2], [5, 30, 40], [10, 20, 30], "2 of 3 rows .*row 1: .*row 2: "),
        ([1, 0], [5, 3], [10, 20], "recency must be 0 without a repeat purchase.*row 1: "),
        ([1, 2], [5, 0], [10, 20], "recency must be above 0 with a repeat purchase.*row 1: "),
        ([-1, 2], [5, 6], [10, 20], "must not be negative.*row 0: "),
        ([1, 2], [5, math.nan], [10, 20], "must be finite.*row 1: .*nan"),
        ([1, 2], [5, 6], [10, math.inf], "must be finite.*row 1: .*inf"),
        ([1.5, 2], [5, 6], [10, 20], "whole number.*row 0: "),
        ([], [], [], "No customers"),
        ([1, 2], [5], [10, 20], "equally long"),
        ([[1, 2]], [5], [10], "one value a customer"),
    ],
)
def test_impossible_histories_are_named_by_fitting_and_scoring_alike(
    x: list[float], t_x: list[float], T: list[float], named: str
) -> None:
    with pytest.raises(InconsistentHistory, match=named):
        Cells.from_customers(frequency=x, recency=t_x, age=T)
    with pytest.raises(InconsistentHistory, match=named):
        MODEL.probability_alive(x, t_x, T)


def test_weights_must_count_someone() -> None:
    with pytest.raises(InconsistentHistory, match=r"weights must not be negative.*row 1"):
        Cells.from_customers(frequency=[1, 1], recency=[2, 3], age=[4, 5], weights=[1, -1])
    with pytest.raises(InconsistentHistory, match="Some weight must be above 0"):
        Cells.from_customers(frequency=[1, 1], recency=[2, 3], age=[4, 5], weights=[0, 0])


def test_identical_customers_are_one_cell() -> None:
    cells = Cells.from_customers(
        frequency=[1, 2, 1, 0], recency=[5, 9, 5, 0], age=[20, 20, 20, 20], weights=[1, 1, 2, 1]
    )
    assert cells.size == 3
    assert cells.customers == 5
    assert cells.repeat_purchases == 5
    assert sorted(cells.weight.tolist()) == [1, 1, 3]


def test_one_time_buyers_alone_identify_nothing() -> None:
    ages = np.arange(1.0, 100.0)
    cells = Cells.from_customers(frequency=0, recency=0, age=ages)
    with pytest.raises(NotIdentified, match="None of the 99 customers bought again"):
        ParetoNBD.fit(cells)


def test_one_customer_identifies_nothing() -> None:
    with pytest.raises(NotIdentified, match="1 distinct histories"):
        ParetoNBD.fit(Cells.from_customers(frequency=[3], recency=[20], age=[40]))


def test_a_base_in_which_everyone_dies_at_once_is_fitted_at_the_limit_or_not_at_all() -> None:
    rng = np.random.default_rng(8)
    n = 3000
    lifetime = rng.exponential(200.0, n)
    seen = np.minimum(lifetime, 365.0)
    x = rng.poisson(rng.gamma(2.0, 0.05, n) * seen)
    t_x = np.where(x > 0, seen * rng.beta(np.maximum(x, 1), 1.0), 0.0)
    fit = ParetoNBD.fit(Cells.from_customers(frequency=x, recency=t_x, age=365.0))
    assert fit.estimation is not None
    assert fit.converged
    assert fit.parameters.beta / fit.parameters.s == pytest.approx(200.0, rel=0.1)
    if fit.estimation.at_limit:
        assert fit.estimation.at_limit == ("s",)
        assert math.isnan(fit.standard_errors.s)
        assert "upper limit" in fit.estimation.message


def test_a_search_without_a_maximum_says_that_it_did_not_converge() -> None:
    def rising(point: np.ndarray) -> tuple[float, np.ndarray]:
        return float(point.sum()), np.ones_like(point)

    def box(*may_rest: str) -> SearchBox:
        return SearchBox(
            names=("a", "b"),
            start=np.zeros(2),
            lower=np.full(2, -3.0),
            upper=np.full(2, 3.0),
            may_rest=may_rest,
        )

    found = maximise(rising, box())
    assert not found.converged
    assert "a, b ran to the edge" in found.message
    assert np.all(np.isnan(found.inverse_information))
    assert not maximise(rising, box("a")).converged


@pytest.mark.parametrize(
    "ask",
    [
        lambda: MODEL.expected_purchases(1, 2, 3, horizon_days=-1),
        lambda: MODEL.expected_purchases(1, 2, 3, horizon_days=math.nan),
        lambda: MODEL.expected_purchases(1, 2, 3, horizon_days=math.inf),
        lambda: MODEL.expected_purchases(1, 2, 3, horizon_days=10, start_days=11),
        lambda: MODEL.expected_purchases(1, 2, 3, horizon_days=10, start_days=-1),
        lambda: MODEL.probability_of_purchase(1, 2, 3, horizon_days=-1),
        lambda: MODEL.purchase_moments(1, 2, 3, horizon_days=10, annual_discount_rate=-1),
        lambda: MODEL.purchase_moments(1, 2, 3, horizon_days=10, annual_discount_rate=10),
        lambda: MODEL.purchase_moments(1, 2, 3, horizon_days=10, annual_discount_rate=math.nan),
    ],
)
def test_undefined_windows_are_refused(ask: Callable[[], object]) -> None:
    with pytest.raises(InvalidWindow, match="found"):
        ask()


def test_a_rebuilt_model_answers_but_has_no_estimation_record() -> None:
    assert MODEL.expected_purchases(1, 2, 3, horizon_days=10)[0] > 0
    for ask in (lambda: MODEL.log_likelihood, lambda: MODEL.converged):
        with pytest.raises(NotEstimated, match="rebuilt from parameters"):
            ask()
    with pytest.raises(InvalidParameter, match="alpha"):
        ParetoNBD.from_parameters(r=1, alpha=0, s=1, beta=1)
    with pytest.raises(InvalidParameter, match="time unit"):
        MODEL.parameters_per(days=0)


@pytest.mark.parametrize("spend", [0.0, -3.0, math.nan, math.inf])
def test_a_repeat_spend_that_is_no_amount_is_refused_with_its_row(spend: float) -> None:
    with pytest.raises(InconsistentHistory, match=r"average_spend.*row 2: "):
        GammaGamma.fit(frequency=[1, 2, 3, 4], average_spend=[5.0, 6.0, spend, 8.0])


def test_too_few_repeaters_identify_no_spend() -> None:
    with pytest.raises(NotIdentified, match="2 customers with a repeat purchase"):
        GammaGamma.fit(frequency=[0, 1, 3], average_spend=[math.nan, 5.0, 7.0])
    with pytest.raises(NotIdentified):
        GammaGamma.fit(frequency=[2, 2, 2, 2], average_spend=[5.0, 5.0, 5.0, 5.0])
