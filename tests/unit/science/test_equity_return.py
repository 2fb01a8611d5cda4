"""What is booked is rounded to the even cent; a return is determined or says why it is not."""

import math

import numpy as np
import pytest

from patronage.science.equity import (
    InvalidFigures,
    lifetime_days,
    return_on_customer,
    round_half_even_minor,
)


def test_halves_go_to_the_even_cent() -> None:
    assert round_half_even_minor([0.125, 0.375, -0.125, 2.0]).tolist() == [12, 38, -12, 200]
    assert round_half_even_minor([2.5, 3.5], minor_per_major=1).tolist() == [2, 4]
    with pytest.raises(InvalidFigures, match="finite"):
        round_half_even_minor([np.nan])
    with pytest.raises(InvalidFigures, match=r"2\^53"):
        round_half_even_minor([1e15])


def test_return_on_customer_by_hand() -> None:
    found = return_on_customer(
        realised_margin=1_000,
        opening=10_000,
        closing=11_500,
        hand_overs=2_000,
        time_weighted_hand_overs=500,
        not_attributable=-550,
    )
    assert (found.gain, found.base) == (1_050, 10_500)
    assert found.rate == pytest.approx(0.10)
    assert found.reason is None


@pytest.mark.parametrize("opening", [0, -300])
def test_return_on_no_equity_is_undetermined_not_zero(opening: int) -> None:
    found = return_on_customer(realised_margin=50, opening=opening, closing=900)
    assert found.rate is None
    assert found.reason is not None
    assert str(opening) in found.reason


def test_beyond_a_lifetime_less_than_a_cent_is_left() -> None:
    """$2,000.00 a year for ever at 10 %: what comes after L years, discounted continuously."""
    years = lifetime_days(largest_annual_margin=200_000.0, annual_discount_rate=0.10) / 365
    left = [200_000 * 1.10**-each / math.log(1.10) for each in (years, years - 1)]
    assert left[0] < 1 < left[1]


def test_a_lifetime_is_never_taken_for_shorter_than_ten_years() -> None:
    assert lifetime_days(largest_annual_margin=0.0, annual_discount_rate=0.5) == 3_650


@pytest.mark.parametrize("rate", [0.0, -0.02, math.nan])
def test_without_discount_a_lifetime_has_no_end(rate: float) -> None:
    with pytest.raises(InvalidFigures, match="above 0"):
        lifetime_days(largest_annual_margin=1.0, annual_discount_rate=rate)
