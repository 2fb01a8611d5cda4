"""One curve over calendar time: windows add up, a day has one factor, the identity is nothing."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from patronage.science.lifetime import (
    Calibration,
    InvalidParameter,
    InvalidWindow,
    ParetoNBD,
    ProbabilityCalibration,
    calibrated_purchases,
)

MODEL = ParetoNBD.from_parameters(r=0.553, alpha=74.05, s=0.606, beta=81.68)
CURVE = Calibration(knots_days=(0.0, 90.0, 200.0), factors=(1.2, 0.9, 1.05))
HISTORY = ([0, 2, 9], [0, 150, 260], [273, 200, 280])


def purchases(
    start: float,
    horizon: float,
    *,
    rate: float = 0.0,
    offset: float = 0.0,
    curve: Calibration = CURVE,
) -> np.ndarray:
    return calibrated_purchases(
        MODEL,
        curve,
        *HISTORY,
        start_days=start,
        horizon_days=horizon,
        annual_discount_rate=rate,
        offset_days=offset,
    )


def test_the_pieces_cover_the_window_without_gap() -> None:
    assert CURVE.pieces(start_days=30, end_days=250) == [
        (30, 90, 1.2),
        (90, 200, 0.9),
        (200, 250, 1.05),
    ]
    assert CURVE.pieces(start_days=90, end_days=90) == []
    assert CURVE.pieces(start_days=-10, end_days=20) == [(-10, 20, 1.2)]
    assert CURVE.pieces(start_days=5000, end_days=6000) == [(5000, 6000, 1.05)]


def test_neighbours_with_one_factor_are_one_piece() -> None:
    flat = Calibration(knots_days=(0.0, 10.0, 20.0), factors=(1.1, 1.1, 1.0))

    assert flat.pieces(start_days=0, end_days=30) == [(0, 20, 1.1), (20, 30, 1.0)]


@pytest.mark.parametrize("rate", [0.0, 0.10])
def test_windows_of_the_calibrated_path_add_up(rate: float) -> None:
    whole = purchases(0, 1095, rate=rate)
    parts = sum(
        purchases(start, end, rate=rate) for start, end in ((0, 50), (50, 130), (130, 1095))
    )

    assert_allclose(parts, whole, rtol=1e-12)


def test_a_calendar_day_has_one_factor_from_wherever_it_is_looked_at() -> None:
    """Seen 90 days later the window (0, 110] lies wholly under the second factor."""
    raw = MODEL.expected_purchases(*HISTORY, horizon_days=110)

    assert_allclose(purchases(0, 110, offset=90), 0.9 * raw, rtol=1e-12)
    assert_allclose(purchases(0, 40, offset=50), 1.2 * purchases(0, 40, curve=same()), rtol=1e-12)


def test_a_factor_a_horizon_would_not_add_up() -> None:
    """The broken twin: factors that belong to horizons instead of days drift."""

    def drifting(start: float, horizon: float) -> np.ndarray:
        factor = 1.2 if horizon <= 90 else 0.9
        return factor * MODEL.expected_purchases(*HISTORY, start_days=start, horizon_days=horizon)

    parts = drifting(0, 90) + drifting(90, 400)

    with pytest.raises(AssertionError):
        assert_allclose(parts, drifting(0, 400), rtol=1e-3)


def same() -> Calibration:
    return Calibration.identity()


def test_the_identity_gives_the_models_own_figures_to_the_bit() -> None:
    raw = MODEL.discounted_expected_purchases(
        *HISTORY, start_days=20, horizon_days=1095, annual_discount_rate=0.1
    )

    assert_array_equal(purchases(20, 1095, rate=0.1, offset=33, curve=same()), raw)
    probability = np.array([0.0, 0.3, 1.0])
    assert ProbabilityCalibration.identity().apply(probability) is probability


def test_calibrated_probabilities_keep_their_order() -> None:
    probability = np.linspace(0, 1, 101)
    calibrated = ProbabilityCalibration(intercept=-0.4, slope=0.7).apply(probability)

    assert (np.diff(calibrated[1:-1]) > 0).all()
    assert (np.diff(calibrated) >= 0).all()
    assert calibrated.min() >= 0
    assert calibrated.max() <= 1


@pytest.mark.parametrize(
    ("knots", "factors"),
    [
        ((), ()),
        ((1.0,), (1.0,)),
        ((0.0, 5.0), (1.0,)),
        ((0.0, 5.0, 5.0), (1.0, 1.0, 1.0)),
        ((0.0,), (0.0,)),
        ((0.0,), (float("nan"),)),
    ],
)
def test_a_curve_that_is_none_is_refused(
    knots: tuple[float, ...], factors: tuple[float, ...]
) -> None:
    with pytest.raises(InvalidParameter):
        Calibration(knots_days=knots, factors=factors)


@pytest.mark.parametrize("slope", [0.0, -1.0, float("inf")])
def test_a_slope_that_turns_the_ranking_is_refused(slope: float) -> None:
    with pytest.raises(InvalidParameter):
        ProbabilityCalibration(intercept=0.0, slope=slope)


def test_a_window_that_runs_backwards_is_refused() -> None:
    with pytest.raises(InvalidWindow):
        CURVE.pieces(start_days=5, end_days=1)
