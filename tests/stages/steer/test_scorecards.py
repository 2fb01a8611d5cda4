"""The interval of a portfolio's value is that of a sum of independent customers."""

from __future__ import annotations

import polars as pl
import pytest

from patronage.steer.scorecards import figures

HELD = pl.DataFrame({"customer_id": ["a", "b", "c"], "portfolio_id": ["north", "north", "south"]})
LEVELS = pl.DataFrame(
    {
        "customer_id": ["a", "b"],
        "realised_revenue_minor": [700, 300],
        "realised_margin_minor": [70, 30],
        "expected_margin_minor": [60, 20],
        "closing_minor": [1000, 2000],
    }
)
#: standard deviations of 300 and 400: of the sum, 500
SPREAD = pl.DataFrame({"customer_id": ["a", "b"], "variance_minor": [90_000.0, 160_000.0]})


def card(portfolio: str, *, has_opening: bool = True) -> dict[str, object]:
    frame = figures(HELD, LEVELS, SPREAD, has_opening=has_opening)
    return frame.filter(portfolio_id=portfolio).row(0, named=True)


def test_variances_add_so_that_the_interval_is_narrower_than_the_sum_of_intervals() -> None:
    north = card("north")

    assert north["value_minor"] == 3000
    # 5 % and 95 % points of a normal distribution with mean 3000 and standard deviation 500
    assert (north["value_low_minor"], north["value_high_minor"]) == (2178, 3822)


def test_figures_are_those_of_the_customers_held() -> None:
    north = card("north")

    assert (north["customers"], north["revenue_minor"], north["margin_minor"]) == (2, 1000, 100)
    assert north["expected_margin_minor"] == 80


def test_a_customer_who_never_bought_counts_as_held_and_is_worth_nothing_yet() -> None:
    south = card("south")

    assert (south["customers"], south["revenue_minor"], south["value_minor"]) == (1, 0, 0)


@pytest.mark.parametrize("portfolio", ["north", "south"])
def test_without_an_opening_nothing_was_expected(portfolio: str) -> None:
    assert card(portfolio, has_opening=False)["expected_margin_minor"] is None
