"""The luck band is as wide as chance: figures of a true model stay within in 19 of 20 cases."""

import numpy as np
import pytest

from patronage.science.equity import InvalidFigures
from patronage.science.equity.luck import luck_band, variance_of_draws


def test_chance_leaves_the_band_once_in_twenty() -> None:
    rng = np.random.default_rng(1)
    spreads = rng.uniform(10, 500, 400)
    variance = float(variance_of_draws(rng.normal(0, spreads, (3, 400))).sum())
    quarters = rng.normal(0, spreads, (2_000, 400)).sum(axis=1)
    outside = [luck_band(round(figure), variance).is_signal for figure in quarters]
    assert 0.03 < np.mean(outside) < 0.075


def test_a_band_that_adds_spreads_instead_of_variances_would_call_everything_noise() -> None:
    spreads = np.full(400, 100.0)
    honest = luck_band(9_000, float((spreads**2).sum()))
    broken = luck_band(9_000, float(spreads.sum() ** 2))
    assert honest.is_signal
    assert not broken.is_signal


def test_where_nothing_can_vary_any_figure_is_a_signal_and_none_is_none() -> None:
    assert luck_band(1, 0.0).is_signal
    assert not luck_band(0, 0.0).is_signal


@pytest.mark.parametrize("wrong", [[], [[np.nan]], [1.0, 2.0]])
def test_draws_that_are_none_are_refused(wrong: list[object]) -> None:
    with pytest.raises(InvalidFigures, match="draws must"):
        variance_of_draws(np.asarray(wrong, dtype=np.float64))


def test_a_variance_below_zero_is_refused() -> None:
    with pytest.raises(InvalidFigures, match="variance"):
        luck_band(1, -1.0)
