"""Early value: against scikit-learn, known truth, and the level it promises."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.linear_model import PoissonRegressor
from sklearn.preprocessing import StandardScaler

from patronage.science.lifetime import InconsistentHistory, NotIdentified
from patronage.science.lifetime.early_value import EarlyValue


def simulated(customers: int = 3000, seed: int = 5) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    x = random.normal(size=(customers, 3)) * [1.0, 5.0, 0.2] + [0.0, 10.0, 3.0]
    mean = np.exp(2.0 + 0.7 * x[:, 0] - 0.1 * x[:, 1])
    y = mean * random.gamma(0.5, 2.0, customers) * (random.random(customers) < 0.8) / 0.8
    return x, y, mean


@pytest.mark.parametrize("penalty", [1e-3, 0.1])
def test_it_is_the_regression_that_scikit_learn_fits(penalty: float) -> None:
    x, y, _ = simulated()
    scaled = StandardScaler().fit_transform(x)
    # in units of the average outcome, since a likelihood's penalty has a scale
    peer = PoissonRegressor(alpha=penalty, tol=1e-10, max_iter=1000).fit(scaled, y / y.mean())
    ours = EarlyValue.fit(x, y, penalty=penalty)
    assert_allclose(ours.coefficients, peer.coef_, rtol=1e-4, atol=1e-6)
    assert_allclose(ours.predict(x), peer.predict(scaled) * y.mean(), rtol=1e-4)


def test_it_finds_the_truth_and_its_level() -> None:
    x, y, mean = simulated(customers=40_000)
    ours = EarlyValue.fit(x, y)
    assert_allclose(ours.coefficients / ours.scale, [0.7, -0.1, 0.0], atol=0.1)
    assert ours.predict(x).sum() == pytest.approx(y.sum(), rel=1e-6)
    assert np.corrcoef(np.log(ours.predict(x)), np.log(mean))[0, 1] > 0.99


def test_a_regression_on_logs_would_miss_the_level() -> None:
    """The broken twin: least squares on log(1 + y) predicts a fraction of what is brought."""
    x, y, _ = simulated()
    design = np.column_stack([np.ones(len(x)), x])
    fitted = np.expm1(design @ np.linalg.lstsq(design, np.log1p(y), rcond=None)[0])
    assert fitted.sum() < 0.8 * y.sum()


def test_money_in_cents_or_dollars_gives_the_same_answer() -> None:
    x, y, _ = simulated()
    assert_allclose(EarlyValue.fit(x, 100 * y).predict(x), 100 * EarlyValue.fit(x, y).predict(x))


def test_somebody_unlike_all_before_counts_as_the_nearest_that_was_seen() -> None:
    x, y, _ = simulated()
    ours = EarlyValue.fit(x, y)
    far = np.array([[1e6, x[0, 1], x[0, 2]]])
    edge = np.array([[x[:, 0].max(), x[0, 1], x[0, 2]]])
    assert_allclose(ours.predict(far), ours.predict(edge))


def test_what_cannot_be_is_refused() -> None:
    x, y, _ = simulated(customers=50)
    with pytest.raises(InconsistentHistory, match="first ones \\[3\\]"):
        EarlyValue.fit(x, np.where(np.arange(50) == 3, -1.0, y))
    with pytest.raises(InconsistentHistory):
        EarlyValue.fit(x, y[:-1])
    with pytest.raises(NotIdentified):
        EarlyValue.fit(x, np.zeros(50))
    with pytest.raises(NotIdentified):
        EarlyValue.fit(x[:4], y[:4])
    with pytest.raises(InconsistentHistory):
        EarlyValue.fit(x, y).predict(np.full((1, 3), np.nan))
