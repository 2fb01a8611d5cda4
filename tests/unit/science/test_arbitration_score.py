"""The score is incremental money: what would have happened anyway earns nothing."""

from typing import Any

import numpy as np
import pytest

from patronage.science.arbitration import incremental_value, uplift_from_response


def coupon(**changes: Any) -> dict[str, Any]:
    """A coupon of 2 on a margin of 10, response .33 with it and .30 without."""
    case: dict[str, Any] = {
        "response_with": 0.33,
        "response_without": 0.30,
        "margin": 10.0,
        "redemption_cost": 2.0,
        "future": 0.0,
        "contact_cost": 0.0,
        "fatigue": 0.0,
        "capacity_cost": 0.0,
    }
    return case | changes


def test_a_coupon_that_mostly_pays_those_who_would_buy_anyway_loses_money() -> None:
    assert incremental_value(**coupon()) == pytest.approx(np.array([[-0.36]]))


def test_the_same_coupon_looks_profitable_to_a_response_only_score() -> None:
    blind = incremental_value(**coupon(response_without=0.0))
    assert blind == pytest.approx(np.array([[2.64]])), "the error that the p₀ term prevents"


def test_every_cost_lowers_and_the_future_raises_the_value_by_its_amount() -> None:
    value = incremental_value(
        **coupon(future=1.0, contact_cost=0.1, fatigue=0.02, capacity_cost=0.003)
    )
    assert value == pytest.approx(np.array([[-0.36 + 1.0 - 0.1 - 0.02 - 0.003]]))


def test_the_discount_is_paid_by_those_who_redeem_only() -> None:
    half = incremental_value(**coupon(redemption_share=0.5))
    assert half == pytest.approx(np.array([[0.33 * 9.0 - 3.0]]))


def test_customers_and_actions_broadcast_to_one_table() -> None:
    value = incremental_value(
        **coupon(margin=np.array([[10.0], [20.0]]), contact_cost=np.array([0.0, 0.1, 0.2]))
    )
    assert value.shape == (2, 3)
    assert value[1, 2] == pytest.approx(0.33 * 18 - 0.30 * 20 - 0.2)


@pytest.mark.parametrize(
    "change",
    [
        {"response_with": np.nan},
        {"margin": np.inf},
        {"response_without": 1.2},
        {"redemption_share": -0.1},
        {"contact_cost": -1.0},
        {"capacity_cost": np.zeros((2, 2, 2))},
    ],
)
def test_unknown_or_impossible_inputs_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="expected"):
        incremental_value(**coupon(**change))


def test_a_prior_alone_takes_its_share_of_the_response() -> None:
    uplift = uplift_from_response(np.array([[0.2, 0.4]]), np.array([0.1, 0.25]))
    assert uplift == pytest.approx(np.array([[0.02, 0.1]]))


def test_randomised_evidence_moves_the_prior_by_its_precision() -> None:
    uplift = uplift_from_response(
        1.0,
        0.2,
        prior_sd=0.1,
        measured_share=np.array([0.6, 0.6, 0.6]),
        measured_se=np.array([1e-6, 0.1, np.inf]),
    )
    assert uplift == pytest.approx(np.array([0.6, 0.4, 0.2]), abs=1e-9)


def test_a_harmful_treatment_never_implies_an_impossible_untreated_response() -> None:
    uplift = uplift_from_response(0.8, 0.0, prior_sd=1.0, measured_share=-5.0, measured_se=1e-3)
    assert 0.8 - uplift == pytest.approx(1.0)


def test_a_response_only_twin_does_not_outrank_the_offer_whose_uplift_was_measured() -> None:
    response, measured_uplift = 0.33, 0.03
    implied = float(uplift_from_response(response, measured_uplift / response))
    measured = incremental_value(**coupon(redemption_cost=0.1))
    twin = incremental_value(**coupon(redemption_cost=0.1, response_without=response - implied))
    naive = incremental_value(**coupon(redemption_cost=0.1, response_without=0.0))
    assert twin <= measured + 1e-12
    assert naive > measured, "reading response as uplift would have put the twin in front"


@pytest.mark.parametrize(
    "evidence",
    [
        {"measured_share": 0.5},
        {"prior_sd": 0.1, "measured_share": 0.5, "measured_se": 0.0},
        {"prior_sd": 0.1, "measured_share": np.nan, "measured_se": 0.1},
    ],
)
def test_evidence_in_part_or_without_error_is_refused(evidence: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"measured_s|prior_sd"):
        uplift_from_response(0.3, 0.2, **evidence)
