"""Sample ratios, returns, sample sizes and hit rates say what they can prove, and no more."""

from typing import Any

import numpy as np
import pytest
from scipy import stats

from patronage.science.evidence import (
    Interval,
    UndeterminedError,
    compare_hit_rates,
    difference_in_means,
    hit_rate,
    required_sample_size,
    return_on_spend,
    sample_ratio_test,
)


def test_the_sample_ratio_test_is_pearson_s() -> None:
    ours = sample_ratio_test([821_588, 815_482], [0.5, 0.5])
    theirs = stats.chisquare([821_588, 815_482])
    assert ours.chi_square == pytest.approx(theirs.statistic)
    assert ours.p_value == pytest.approx(theirs.pvalue)
    assert not ours.sound, "half a percent too few among 1.6 million is no accident"


def test_sound_assignments_are_called_unsound_no_oftener_than_the_threshold_says() -> None:
    rng = np.random.default_rng(6)
    alarms = sum(
        not sample_ratio_test([9_000 - held, held], [0.9, 0.1], threshold=0.05).sound
        for held in rng.binomial(9_000, 0.1, 4_000).tolist()
    )
    assert 0.04 <= alarms / 4_000 <= 0.06


@pytest.mark.parametrize(
    ("counts", "shares"),
    [
        ([1, 2], [0.5]),
        ([1], [1.0]),
        ([1, 2], [0.5, 0.6]),
        ([1, -2], [0.5, 0.5]),
        ([0, 0], [0.5, 0.5]),
    ],
)
def test_counts_and_shares_that_cannot_be_meant_are_refused(
    counts: list[int], shares: list[float]
) -> None:
    with pytest.raises(ValueError, match=r"counts|shares|customers"):
        sample_ratio_test(counts, shares)


def test_a_return_is_what_came_back_on_top_of_what_was_spent() -> None:
    margin = Interval(estimate=300.0, low=100.0, high=500.0, level=0.95)
    assert return_on_spend(margin, 200.0) == Interval(estimate=0.5, low=-0.5, high=1.5, level=0.95)


def test_earning_nothing_loses_all_that_was_spent() -> None:
    margin = Interval(estimate=0.0, low=0.0, high=0.0, level=0.95)
    assert return_on_spend(margin, 10.0).estimate == -1.0


@pytest.mark.parametrize("cost", [0.0, -1.0, float("nan"), float("inf")])
def test_a_return_on_nothing_is_refused(cost: float) -> None:
    with pytest.raises(ValueError, match="cost"):
        return_on_spend(Interval(estimate=1.0, low=0.0, high=2.0, level=0.95), cost)


def test_a_negative_factor_turns_the_interval_round() -> None:
    turned = Interval(estimate=1.0, low=0.0, high=3.0, level=0.9).times(-2.0)
    assert (turned.low, turned.estimate, turned.high) == (-6.0, -2.0, 0.0)


def test_the_textbook_sample_for_one_half_of_a_deviation_at_80_percent_power() -> None:
    sample = required_sample_size(detectable_difference=0.5, standard_deviation=1.0)
    # (1.959964 + 0.841621)² · 2 / 0.25 = 62.79
    assert (sample.treated, sample.control) == (63, 63)


def test_a_sample_of_the_required_size_finds_the_effect_as_often_as_asked() -> None:
    sample = required_sample_size(
        detectable_difference=0.4,
        standard_deviation=2.0,
        control_standard_deviation=1.0,
        control_share=0.2,
        power=0.9,
    )
    assert sample.treated == pytest.approx(4 * sample.control, abs=4)
    rng = np.random.default_rng(12)
    found = 0
    for _ in range(2_000):
        treated = rng.normal(0.4, 2.0, sample.treated)
        found += difference_in_means(treated, rng.normal(0, 1.0, sample.control)).interval.low > 0
    assert 0.88 <= found / 2_000 <= 0.92


@pytest.mark.parametrize(
    "change",
    [
        {"detectable_difference": 0.0},
        {"standard_deviation": 0.0},
        {"control_standard_deviation": -1.0},
        {"control_share": 1.0},
        {"power": 0.0},
        {"level": 1.0},
    ],
)
def test_a_plan_that_no_sample_can_meet_is_refused(change: dict[str, float]) -> None:
    case: dict[str, Any] = {"detectable_difference": 1.0, "standard_deviation": 1.0}
    with pytest.raises(ValueError, match="found"):
        required_sample_size(**(case | change))


REDEEMED = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 0], [1, 1, 0], [0, 0, 1]], dtype=bool)


def test_a_hit_is_a_chosen_action_that_was_taken() -> None:
    rate = hit_rate(np.array([0, 0, 0, 1, -1]), REDEEMED)
    assert (rate.hits, rate.customers) == (2, 4), "no choice is neither hit nor miss"
    assert rate.interval.estimate == 0.5
    theirs = stats.binomtest(2, 4).proportion_ci(method="wilson")
    assert (rate.interval.low, rate.interval.high) == pytest.approx((theirs.low, theirs.high))


def test_with_several_places_one_hit_is_enough() -> None:
    chosen = np.array([[2, 0], [2, 0], [0, 1], [0, 1], [2, -1]])
    assert hit_rate(chosen, REDEEMED).hits == 3


def test_nothing_chosen_is_undetermined() -> None:
    with pytest.raises(UndeterminedError):
        hit_rate(np.full(5, -1), REDEEMED)
    with pytest.raises(UndeterminedError):
        compare_hit_rates(np.array([0, -1, -1, -1, -1]), np.array([-1, 0, 0, 0, 0]), REDEEMED)


@pytest.mark.parametrize("chosen", [np.array([0, 0]), np.full(5, 3), np.full(5, -2)])
def test_choices_that_do_not_fit_the_redemptions_are_refused(chosen: Any) -> None:
    with pytest.raises(ValueError, match="chosen: found"):
        hit_rate(chosen, REDEEMED)


@pytest.mark.parametrize(
    ("table", "low", "high"),
    # Newcombe's example (1998); Bentur et al. (2009) as analysed by Fagerland, Lydersen and Laake.
    [((36, 12, 2, 0), 0.0569, 0.3404), ((1, 1, 7, 12), -0.507, -0.026)],
)
def test_paired_choices_give_the_published_intervals(
    table: tuple[int, int, int, int], low: float, high: float
) -> None:
    both, first, second, neither = table
    hits = np.repeat([[1, 1], [1, 0], [0, 1], [0, 0]], [both, first, second, neither], axis=0)
    n = len(hits)
    comparison = compare_hit_rates(
        np.zeros(n, dtype=np.int64), np.ones(n, dtype=np.int64), hits.astype(bool)
    )
    assert comparison.interval.low == pytest.approx(low, abs=5e-4)
    assert comparison.interval.high == pytest.approx(high, abs=5e-4)
    assert (comparison.both, comparison.chosen_only, comparison.baseline_only) == table[:3]
    exact = stats.binomtest(first, first + second).pvalue
    assert comparison.p_value == pytest.approx(exact)


def test_a_choice_compared_with_itself_is_no_better_for_certain_of_nothing() -> None:
    chosen = np.array([0, 0, 0, 1, 2])
    comparison = compare_hit_rates(chosen, chosen, REDEEMED)
    assert comparison.p_value == 1.0
    assert comparison.interval.estimate == 0.0
    assert comparison.interval.low < 0.0 < comparison.interval.high


def test_paired_intervals_cover_the_true_difference_as_often_as_they_say() -> None:
    rng = np.random.default_rng(14)
    covered = 0
    for _ in range(3_000):
        ease = rng.random(200)
        hits = np.column_stack([rng.random(200) < 0.6 * ease, rng.random(200) < 0.4 * ease])
        comparison = compare_hit_rates(
            np.zeros(200, dtype=np.int64), np.ones(200, dtype=np.int64), hits
        )
        covered += comparison.interval.low <= 0.1 <= comparison.interval.high
    assert 0.935 <= covered / 3_000 <= 0.975
