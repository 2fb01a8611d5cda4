"""Many customers at once get exactly the answers that each would get alone."""

import numpy as np
import pytest

from patronage.science.lifetime import ParetoNBD, pareto_nbd_scoring
from patronage.science.lifetime.pareto_nbd_scoring import WholeDays

N = 4_000
NAMES = ("r", "alpha", "s", "beta")
MODELS = [
    (0.8, 40.0, 1.5, 400.0),
    (0.553, 74.0, 0.606, 81.7),
    (2.0, 4.0, 0.3, 20.0),
    (0.1, 500.0, 300.0, 1e6),
    (30.0, 900.0, 0.02, 3.0),
    (0.01, 0.01, 0.01, 0.01),
    (900.0, 1e4, 900.0, 1e7),
    (0.5, 1e-3, 30.0, 1e6),
    (0.5, 1e6, 30.0, 1e-3),
]


def customers(longest: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Every kind of history, likely or not, and a few very frequent buyers."""
    rng = np.random.default_rng(8)
    T = rng.integers(0, longest + 1, N).astype(np.float64)
    t_x = np.floor(T * rng.random(N) ** 0.5)
    x = np.minimum(rng.negative_binomial(0.7, 0.05, N), t_x)
    x[:3], t_x[:3], T[:3] = [longest, longest, 0], [longest, longest - 1, 0], [longest, longest, 0]
    return x, np.where(x > 0, t_x, 0.0), T


def answers(
    model: ParetoNBD, x: np.ndarray, t_x: np.ndarray, T: np.ndarray
) -> dict[str, np.ndarray]:
    moments = model.purchase_moments(x, t_x, T, horizon_days=1095, annual_discount_rate=0.1)
    return {
        "alive": model.probability_alive(x, t_x, T),
        "buys": model.probability_of_purchase(x, t_x, T, horizon_days=91),
        "buys soon": model.probability_of_purchase(x, t_x, T, horizon_days=0.5),
        "expected": model.expected_purchases(x, t_x, T, horizon_days=364, start_days=30),
        "discounted": model.discounted_expected_purchases(
            x, t_x, T, horizon_days=1095, annual_discount_rate=0.1
        ),
        "mean": moments.mean,
        "variance": moments.variance,
        "squares": moments.mean_squared_discount,
        "buys ever": moments.probability_of_purchase,
    }


def by_integration(
    monkeypatch: pytest.MonkeyPatch, model: ParetoNBD, *histories: np.ndarray
) -> dict[str, np.ndarray]:
    with monkeypatch.context() as patched:
        patched.setattr(WholeDays, "of", lambda *_: None)
        return answers(model, *histories)


@pytest.mark.parametrize("longest", [60, 900])
@pytest.mark.parametrize("parameters", MODELS)
def test_tables_change_no_answer(
    parameters: tuple[float, float, float, float], longest: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = ParetoNBD.from_parameters(**dict(zip(NAMES, parameters, strict=True)))
    histories = customers(longest)
    assert WholeDays.of(histories[0], histories[2]) is not None
    direct = by_integration(monkeypatch, model, *histories)
    for name, found in answers(model, *histories).items():
        np.testing.assert_allclose(found, direct[name], rtol=1e-9, atol=1e-290, err_msg=name)


def test_a_wrong_table_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Too few points between ages, unchecked, change answers by more than the test above allows."""
    monkeypatch.setattr(pareto_nbd_scoring, "_POINTS", (4,))
    monkeypatch.setattr(pareto_nbd_scoring, "_INTERPOLATION_ERROR", 1.0)
    model = ParetoNBD.from_parameters(r=0.8, alpha=40.0, s=1.5, beta=400.0)
    histories = customers(900)
    direct = by_integration(monkeypatch, model, *histories)["buys"]
    assert np.max(np.abs(answers(model, *histories)["buys"] / direct - 1)) > 1e-6


def test_fractions_of_days_are_integrated() -> None:
    x, t_x, T = customers(60)
    assert WholeDays.of(x, T / 7) is None
    model = ParetoNBD.from_parameters(r=0.8, alpha=40.0, s=1.5, beta=400.0)
    later = np.minimum(t_x + np.where(x > 0, 1e-9, 0.0), T)
    np.testing.assert_allclose(
        model.probability_alive(x, later, T), model.probability_alive(x, t_x, T), rtol=1e-6
    )


def test_one_customer_is_answered_as_among_many() -> None:
    x, t_x, T = customers(60)
    model = ParetoNBD.from_parameters(r=0.8, alpha=40.0, s=1.5, beta=400.0)
    together = answers(model, x, t_x, T)
    for customer in (0, 1, 2, 77, 3210):
        alone = answers(model, x[[customer]], t_x[[customer]], T[[customer]])
        for name, found in alone.items():
            assert found[0] == pytest.approx(together[name][customer], rel=1e-9), name
