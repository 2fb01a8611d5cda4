"""Differences between arms agree with published figures, with SciPy and with simulated truth."""

import csv
import math
import os
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from patronage.science.evidence import (
    UndeterminedError,
    difference_in_means,
    difference_in_proportions,
    sample_ratio_test,
    wilson_interval,
)

Arms = dict[str, dict[str, NDArray[np.float64]]]
PUBLISHED = {
    "visit": {"Mens E-Mail": 0.18276, "Womens E-Mail": 0.15140, "No E-Mail": 0.10617},
    "conversion": {"Mens E-Mail": 0.01253, "Womens E-Mail": 0.00884, "No E-Mail": 0.00573},
    "spend": {"Mens E-Mail": 1.42262, "Womens E-Mail": 1.07720, "No E-Mail": 0.65279},
}


@pytest.fixture(scope="module")
def hillstrom() -> Arms:
    """Hillstrom's randomised e-mail test: outcomes of 64,000 customers by arm."""
    folder = os.environ.get("PATRONAGE_TEST_DATA")
    if folder is None:
        pytest.skip("PATRONAGE_TEST_DATA is not set: it names the folder with hillstrom/")
    with (Path(folder) / "hillstrom" / "hillstrom.csv").open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    return {
        outcome: {
            arm: np.array([float(row[outcome]) for row in rows if row["segment"] == arm])
            for arm in arms
        }
        for outcome, arms in PUBLISHED.items()
    }


@pytest.mark.parametrize("mail", ["Mens E-Mail", "Womens E-Mail"])
@pytest.mark.parametrize("outcome", ["visit", "conversion", "spend"])
def test_hillstrom_s_averages_are_the_published_ones_and_the_interval_is_scipy_s(
    hillstrom: Arms, outcome: str, mail: str
) -> None:
    treated, control = hillstrom[outcome][mail], hillstrom[outcome]["No E-Mail"]
    ours = difference_in_means(treated, control, level=0.9)
    assert ours.treated == pytest.approx(PUBLISHED[outcome][mail], abs=5e-6)
    assert ours.control == pytest.approx(PUBLISHED[outcome]["No E-Mail"], abs=5e-6)
    theirs = stats.ttest_ind(treated, control, equal_var=False).confidence_interval(0.9)
    assert ours.interval.low == pytest.approx(theirs.low, rel=1e-9)
    assert ours.interval.high == pytest.approx(theirs.high, rel=1e-9)
    assert (ours.n_treated, ours.n_control) == (len(treated), len(control))


@pytest.mark.parametrize("outcome", ["visit", "conversion"])
def test_hillstrom_s_responders_differ_alike_as_proportions_and_as_means(
    hillstrom: Arms, outcome: str
) -> None:
    treated, control = hillstrom[outcome]["Mens E-Mail"], hillstrom[outcome]["No E-Mail"]
    means = difference_in_means(treated, control)
    shares = difference_in_proportions(
        treated_successes=int(treated.sum()),
        n_treated=len(treated),
        control_successes=int(control.sum()),
        n_control=len(control),
    )
    assert shares.estimate == pytest.approx(means.estimate)
    assert shares.standard_error == pytest.approx(means.standard_error, rel=0.01)
    assert shares.interval.low == pytest.approx(means.interval.low, rel=0.02)
    assert shares.interval.low > 0.0, "the mail worked"


def test_hillstrom_s_customers_were_split_in_three_equal_arms(hillstrom: Arms) -> None:
    counts = [len(arm) for arm in hillstrom["visit"].values()]
    assert sum(counts) == 64_000
    assert sample_ratio_test(counts, [1 / 3, 1 / 3, 1 / 3]).sound
    lost = [counts[0] - 800, *counts[1:]]
    assert not sample_ratio_test(lost, [1 / 3, 1 / 3, 1 / 3]).sound


@pytest.mark.parametrize(
    ("treated", "control", "low", "high"),
    [
        ((56, 70), (48, 80), 0.0524, 0.3339),
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((6, 7), (2, 7), 0.0582, 0.8062),
        ((5, 56), (0, 29), -0.0381, 0.1926),
        ((0, 10), (0, 20), -0.1611, 0.2775),
        ((0, 10), (0, 10), -0.2775, 0.2775),
        ((10, 10), (0, 20), 0.6791, 1.0000),
        ((10, 10), (0, 10), 0.6075, 1.0000),
    ],
)
def test_proportions_give_the_intervals_of_newcombe_s_table(
    treated: tuple[int, int], control: tuple[int, int], low: float, high: float
) -> None:
    interval = difference_in_proportions(
        treated_successes=treated[0],
        n_treated=treated[1],
        control_successes=control[0],
        n_control=control[1],
    ).interval
    assert interval.low == pytest.approx(low, abs=5e-5)
    assert interval.high == pytest.approx(high, abs=5e-5)


@pytest.mark.parametrize(("successes", "trials"), [(0, 7), (3, 7), (7, 7), (81, 263), (1, 1)])
def test_wilson_s_interval_is_scipy_s(successes: int, trials: int) -> None:
    ours = wilson_interval(successes, trials, level=0.9)
    theirs = stats.binomtest(successes, trials).proportion_ci(0.9, method="wilson")
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=1e-12)


def test_means_cover_the_true_difference_as_often_as_they_say() -> None:
    rng = np.random.default_rng(8)
    covered, pooled_covered = [], []
    for _ in range(4_000):
        treated, control = rng.normal(1.5, 5.0, 12), rng.normal(1.0, 1.0, 60)
        ours = difference_in_means(treated, control)
        covered.append(ours.interval.low <= 0.5 <= ours.interval.high)
        pooled = stats.ttest_ind(treated, control).confidence_interval()
        pooled_covered.append(bool(pooled.low <= 0.5 <= pooled.high))
    assert 0.94 <= sum(covered) / 4_000 <= 0.96
    assert sum(pooled_covered) / 4_000 < 0.80, "pooling the variances would have claimed too much"


@pytest.mark.parametrize(("high", "low"), [(0.03, 0.02), (0.3, 0.2), (0.5, 0.5)])
def test_proportions_cover_the_true_difference_as_often_as_they_say(
    high: float, low: float
) -> None:
    rng = np.random.default_rng(9)
    covered = 0
    for _ in range(4_000):
        interval = difference_in_proportions(
            treated_successes=int(rng.binomial(300, high)),
            n_treated=300,
            control_successes=int(rng.binomial(150, low)),
            n_control=150,
        ).interval
        covered += interval.low <= high - low <= interval.high
    assert 0.94 <= covered / 4_000 <= 0.975


def test_a_total_is_the_difference_times_those_treated() -> None:
    rng = np.random.default_rng(1)
    difference = difference_in_means(rng.normal(2, 1, 50), rng.normal(1, 1, 40))
    assert difference.total().estimate == pytest.approx(50 * difference.estimate)
    assert difference.total().high == pytest.approx(50 * difference.interval.high)


@pytest.mark.parametrize("arm", [[], [4.0], [2.0, 2.0]])
def test_too_few_or_unvarying_customers_are_undetermined_and_never_without_error(
    arm: list[float],
) -> None:
    with pytest.raises(UndeterminedError):
        difference_in_means(arm, [2.0, 2.0, 2.0])


def test_nobody_responding_still_leaves_a_width() -> None:
    nothing = difference_in_proportions(
        treated_successes=0, n_treated=50, control_successes=0, n_control=50
    )
    assert nothing.interval.low < 0.0 < nothing.interval.high
    assert nothing.standard_error > 0.0


@pytest.mark.parametrize("outcomes", [[1.0, math.nan], [1.0, math.inf], [[1.0, 2.0]]])
def test_outcomes_that_are_not_one_number_per_customer_are_refused(outcomes: list[float]) -> None:
    with pytest.raises(ValueError, match="treated: found"):
        difference_in_means(outcomes, [1.0, 2.0])


@pytest.mark.parametrize(("successes", "trials"), [(-1, 5), (6, 5), (0, 0)])
def test_impossible_counts_are_refused(successes: int, trials: int) -> None:
    with pytest.raises(ValueError, match="trials"):
        wilson_interval(successes, trials)


@pytest.mark.parametrize("level", [0.0, 1.0, 95.0])
def test_a_level_given_in_percent_is_refused(level: float) -> None:
    with pytest.raises(ValueError, match="level"):
        difference_in_means([1.0, 2.0], [1.0, 3.0], level=level)
