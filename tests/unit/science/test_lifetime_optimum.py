"""A rough likelihood shortens the way to the peak; it never moves the peak."""

import numpy as np
import pytest
from numpy.typing import NDArray

from patronage.science.lifetime import Cells, ParetoNBD, pareto_nbd
from patronage.science.lifetime.optimum import Objective, SearchBox, maximise

FloatArray = NDArray[np.float64]

BOX = SearchBox(names=("a", "b"), start=np.zeros(2), lower=np.full(2, -5.0), upper=np.full(2, 5.0))
PEAK = np.array([0.7, -1.2])


def hill(peak: FloatArray, asked: list[FloatArray]) -> Objective:
    """A peak that no quadratic describes exactly."""

    def objective(point: FloatArray) -> tuple[float, FloatArray]:
        asked.append(point)
        away = point - peak
        bend = np.array([[2.0, 0.9], [0.9, 1.0]])
        value = -0.5 * away @ bend @ away - 0.25 * float(away @ away) ** 2
        return value, -(bend @ away) - float(away @ away) * away

    return objective


@pytest.mark.parametrize("rough_peak", [PEAK + 0.02, PEAK + 1.5, np.full(2, 4.999)])
def test_a_rough_likelihood_leads_to_the_same_peak(rough_peak: FloatArray) -> None:
    found = maximise(hill(PEAK, []), BOX, rough=hill(rough_peak, []))
    assert found.converged
    np.testing.assert_allclose(found.log_parameters, PEAK, atol=1e-9)
    plain = maximise(hill(PEAK, []), BOX)
    np.testing.assert_allclose(found.inverse_information, plain.inverse_information, rtol=1e-6)


def test_a_near_rough_likelihood_saves_most_of_the_dear_one() -> None:
    dear: list[FloatArray] = []
    maximise(hill(PEAK, dear), BOX, rough=hill(PEAK + 0.02, []))
    with_rough = len(dear)
    dear.clear()
    maximise(hill(PEAK, dear), BOX)
    assert with_rough < 0.6 * len(dear)


def test_a_rough_likelihood_without_a_peak_is_passed_over() -> None:
    def slope(point: FloatArray) -> tuple[float, FloatArray]:
        return float(point.sum()), np.ones(2)

    found = maximise(hill(PEAK, []), BOX, rough=slope)
    assert found.converged
    np.testing.assert_allclose(found.log_parameters, PEAK, atol=1e-9)


def test_a_fit_by_way_of_a_sample_is_the_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    truth = ParetoNBD.from_parameters(r=0.8, alpha=40.0, s=1.5, beta=400.0)
    ages = np.random.default_rng(5).integers(100, 300, 6000).astype(np.float64)
    nobody = np.zeros_like(ages)
    future = truth.simulate(nobody, nobody, nobody, days=300, rng=np.random.default_rng(6))
    recency = np.where(future.recency <= ages, np.ceil(future.recency), 0.0)
    frequency = np.where(recency > 0, np.minimum(future.frequency, recency), 0.0)
    cells = Cells.from_customers(frequency=frequency, recency=recency, age=np.ceil(ages))
    plain = ParetoNBD.fit(cells)
    monkeypatch.setattr(pareto_nbd, "_ROUGH_CELLS", 400)
    assert cells.sample(400).size < cells.size / 2
    by_sample = ParetoNBD.fit(cells)
    assert by_sample.converged
    assert by_sample.gradient_norm <= 1e-6
    for name in ("r", "alpha", "s", "beta"):
        assert getattr(by_sample.parameters, name) == pytest.approx(
            getattr(plain.parameters, name), rel=1e-6
        )
        assert getattr(by_sample.standard_errors, name) == pytest.approx(
            getattr(plain.standard_errors, name), rel=1e-4
        )
