"""What nobody can have meant is refused in words that name it, by every part of the library.

Histories and windows of the purchase models are in `test_lifetime_purchase_models`, spend in
`test_lifetime_spend`.
"""

import math
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import date
from typing import Any

import numpy as np
import pytest

from patronage.science.lifetime import (
    BGNBD,
    MBGNBD,
    BetaDiscreteWeibull,
    BetaGeometricBetaBinomial,
    BGNBDParameters,
    Cells,
    CNBDk,
    CovariateCells,
    GGompertzNBD,
    InconsistentHistory,
    InvalidParameter,
    InvalidWindow,
    MBGNBDParameters,
    ParetoNBD,
    ParetoNBDWithCovariates,
    Seasons,
    ShiftedBetaGeometric,
    Tenures,
    expected_repeat_purchases,
    fit_segments,
)
from patronage.science.lifetime.early_value import EarlyValue
from patronage.science.lifetime.forecast_scores import brier_scores, log_scores, reliability
from patronage.science.lifetime.panel import Panel
from patronage.science.lifetime.steered import Steered, ageing_for_retention

PARETO = ParetoNBD.from_parameters(r=0.55, alpha=74.0, s=0.6, beta=80.0)
STEERED = Steered(model=PARETO, ageing=0.5)
DONORS = BetaGeometricBetaBinomial.from_parameters(alpha=1.2, beta=0.75, gamma=0.66, delta=2.8)
CONTRACTS = (
    ShiftedBetaGeometric.from_parameters(alpha=0.67, beta=3.8),
    BetaDiscreteWeibull.from_parameters(alpha=0.2, beta=1.4, c=1.7),
)
DECEMBER = Seasons.from_factors([0.9] * 10 + [1.2, 1.6])
BASE = Cells.from_customers(
    frequency=[0, 1, 2, 3, 4, 5, 1], recency=[0, 5, 6, 7, 8, 20, 30], age=[40] * 7
)
KNOWN = Cells.from_customers(
    frequency=[0, 0, 1, 2, 3, 4, 5, 1], recency=[0, 0, 5, 16, 7, 8, 20, 30], age=[40] * 8
)
RENEWALS = Tenures.from_survivors((1000, 869, 743, 653))
FOR_PAIR = ParetoNBDWithCovariates.from_parameters(
    purchase_effects={"z": 0.3}, dropout_effects={}, r=1.0, alpha=10.0, s=1.0, beta=10.0
).for_customers(2, purchase={"z": [1, 2]}, dropout={})


STARTED: list[tuple[Any, Any]] = [
    (BGNBD.from_parameters(r=1, alpha=10, a=1, b=3), BASE),
    (MBGNBD.from_parameters(r=1, alpha=10, a=1, b=3), BASE),
    (CNBDk.from_parameters(k=1, dropout_at_first=0, r=1, alpha=10, a=1, b=3), BASE),
    (GGompertzNBD.from_parameters(r=1, alpha=10, b=0.01, s=1, beta=1), BASE),
    (DONORS, BASE),
    *((model, RENEWALS) for model in CONTRACTS),
]


@pytest.mark.parametrize("wrong", [-1.0, 0.0, math.nan, math.inf])
@pytest.mark.parametrize(("model", "seen"), STARTED, ids=lambda each: type(each).__name__)
def test_no_search_starts_outside_the_domain(model: Any, seen: Any, wrong: float) -> None:
    last = list(asdict(model.parameters))[-1]
    with pytest.raises(InvalidParameter, match=f"{last} must be finite and above 0, found"):
        type(model).fit(seen, start=replace(model.parameters, **{last: wrong}))


def test_parameters_of_the_same_names_keep_their_order() -> None:
    """They are stored by name and told in this order."""
    for kind in (BGNBDParameters, MBGNBDParameters):
        assert list(asdict(kind(r=1, alpha=2, a=3, b=4)).items()) == [
            ("r", 1),
            ("alpha", 2),
            ("a", 3),
            ("b", 4),
        ]


def test_no_part_of_a_stage_and_no_third_kind_of_dropout_is_fitted() -> None:
    with pytest.raises(InvalidParameter, match=r"whole number from 1 to 12, found 2\.5"):
        CNBDk.fit(BASE, k=2.5)  # type: ignore[arg-type]
    with pytest.raises(InvalidParameter, match="dropout_at_first must be 0 or 1, found 5"):
        CNBDk.fit(BASE, k=1, dropout_at_first=5)  # type: ignore[arg-type]


IMPOSSIBLE: list[tuple[tuple[Any, Any, Any], str]] = [
    (([1, 2], [5, 30], [10, 20]), "recency must not exceed age.*row 1: "),
    (([1, 0], [5, 3], [10, 20]), "recency must be 0 without a repeat purchase.*row 1: "),
    (([1, 2], [5, 0], [10, 20]), "recency must be above 0 with a repeat purchase.*row 1: "),
    (([-1, 2], [5, 6], [10, 20]), "must not be negative.*row 0: "),
    (([1, 2], [5, math.nan], [10, 20]), "must be finite.*row 1: "),
    (([1, 2], [5, 6], [10, math.inf]), "must be finite.*row 1: "),
    (([], [], []), "No customers"),
    ((["one", 2], [5, 6], [10, 20]), "frequency must be numbers: could not convert"),
    (([1, 2], np.array([5, 6], "timedelta64[D]"), [10, 20]), r"recency must be numbers, found tim"),
]


@pytest.mark.parametrize(("history", "named"), IMPOSSIBLE)
def test_impossible_histories_are_named_wherever_histories_are_asked_for(
    history: tuple[Any, Any, Any], named: str
) -> None:
    x, t_x, T = history
    asked: list[Callable[[], object]] = [
        lambda: Cells.from_customers(frequency=x, recency=t_x, age=T),
        lambda: DONORS.probability_alive(*history),
        lambda: DONORS.probability_of_purchase(*history, opportunities=2),
        lambda: DONORS.expected_purchases(*history, opportunities=2),
        lambda: DONORS.discounted_expected_purchases(*history, discount_rate_per_opportunity=0.1),
        lambda: FOR_PAIR.probability_alive(*history),
        lambda: FOR_PAIR.purchase_moments(*history, horizon_days=3),
        lambda: STEERED.probability_alive(*history),
        lambda: STEERED.discounted_expected_purchases(
            *history, horizon_days=3, annual_discount_rate=0.1
        ),
        lambda: ageing_for_retention(PARETO, *history, points=0.01),
    ]
    for ask in asked:
        with pytest.raises(InconsistentHistory, match=named):
            ask()


@pytest.mark.parametrize("rate", [-2.0, -1.0, 10.0, math.nan])
def test_a_discount_rate_outside_its_limits_is_refused_by_all(rate: float) -> None:
    past = (1, 2, 3)
    asked: list[Callable[[], object]] = [
        lambda: PARETO.discounted_expected_purchases(
            *past, horizon_days=9, annual_discount_rate=rate
        ),
        lambda: STEERED.discounted_expected_purchases(
            *past, horizon_days=9, annual_discount_rate=rate
        ),
        lambda: FOR_PAIR.discounted_expected_purchases(
            *past, horizon_days=9, annual_discount_rate=rate
        ),
        lambda: DONORS.discounted_expected_purchases(*past, discount_rate_per_opportunity=rate),
        *(
            lambda model=model: model.discounted_expected_renewals(1, discount_rate_per_period=rate)
            for model in CONTRACTS
        ),
        *(
            lambda model=model: model.contract_value(
                1, margin_per_period=3, discount_rate_per_period=rate
            )
            for model in CONTRACTS
        ),
    ]
    for ask in asked:
        with pytest.raises(InvalidWindow, match=f"between -1 and 10.*found {rate}"):
            ask()


@pytest.mark.parametrize("days", [-1.0, math.nan, math.inf, 1e30])
def test_a_horizon_that_is_none_is_refused_and_an_empty_one_brings_nothing(days: float) -> None:
    past = (1, 2, 3)
    asked: list[Callable[[float], Any]] = [
        lambda h: PARETO.expected_purchases(*past, horizon_days=h),
        lambda h: STEERED.discounted_expected_purchases(
            *past, horizon_days=h, annual_discount_rate=0.1
        ),
        lambda h: FOR_PAIR.expected_purchases(*past, horizon_days=h),
        lambda h: DECEMBER.operational_window(date(2020, 1, 1), horizon_days=h)[1],
        lambda h: PARETO.simulate(*past, days=h, rng=np.random.default_rng(1)).purchases,
    ]
    for ask in asked:
        with pytest.raises(InvalidWindow, match="found"):
            ask(days)
        assert np.all(ask(0.0) == 0.0)


def test_the_distribution_of_thousands_of_opportunities_is_still_one() -> None:
    chances = DONORS.distribution_new_customer(opportunities=2000)
    assert chances.sum() == pytest.approx(1.0, rel=1e-9)
    expected = DONORS.expected_purchases_new_customer(opportunities=2000)
    assert chances @ np.arange(2001) == pytest.approx(expected, rel=1e-9)


def panel(**changed: Any) -> Panel:
    columns: dict[str, Any] = {"customer": [1, 0, 0], "day": [2, 1, 5], "spend": [3.0, 1.0, 2.0]}
    return Panel.of(**columns | changed)


REFUSED: list[tuple[Callable[[], object], type[Exception], str]] = [
    # rows are named as they were given, not as they are sorted
    (lambda: panel(spend=[math.nan, 1, 2]), InconsistentHistory, r"spend and margin.*row 0: "),
    (lambda: panel(margin=[1, 1, math.inf]), InconsistentHistory, r"spend and margin.*row 2: "),
    (lambda: panel(customer=[1, math.inf, 0]), InconsistentHistory, r"customer must.*row 1: "),
    (lambda: panel(customer=[1, 0, 1e17]), InconsistentHistory, r"to 100,000,000.*row 2: "),
    (lambda: panel(day=[2, math.nan, 5]), InconsistentHistory, r"day must be.*row 1: "),
    (lambda: panel(day=[2, 1, math.inf]), InconsistentHistory, r"day must be.*row 2: "),
    (lambda: panel(day=[2, 5, 5]), InconsistentHistory, r"one row a day.*row 2: "),
    (lambda: panel(bought=[1, 1, math.nan]), InconsistentHistory, r"bought must.*row 2: "),
    (lambda: panel().seen(0), InvalidWindow, "Nobody had bought by day 0"),
    (lambda: expected_repeat_purchases(PARETO, [1, 2], days=-1), InvalidWindow, "found -1"),
    (
        lambda: expected_repeat_purchases(PARETO, [1, 2], days=2.5),  # type: ignore[arg-type]
        InvalidWindow,
        "days must be a whole number from 0, found 2.5",
    ),
    (
        lambda: expected_repeat_purchases(PARETO, [1, -2]),
        InconsistentHistory,
        r"joined must be.*row 1: ",
    ),
    (lambda: Steered(model=PARETO, purchases=math.inf), InvalidParameter, "purchases must be"),
    *(
        (
            lambda points=points: ageing_for_retention(PARETO, 1, 2, 3, points=points),
            InvalidParameter,
            f"points must be finite and 0 or more, found {points}",
        )
        for points in (-0.01, math.nan, math.inf)
    ),
    (
        lambda: EarlyValue.fit([[1.0], [2.0], [3.0]], [1, 2, 3], penalty=math.inf),
        InvalidParameter,
        "penalty must be finite",
    ),
    (
        lambda: Tenures.from_customers(renewals=[3, 1e12], active=[1, 1]),
        InconsistentHistory,
        r"at most 100,000.*row 1: ",
    ),
    (
        lambda: Tenures.from_customers(renewals=[1], active=["yes"]),
        InconsistentHistory,
        "active must be numbers: could not convert",
    ),
    *(
        (
            lambda model=model: model.contract_value(
                [1, 2], margin_per_period=[3, math.nan], discount_rate_per_period=0.1
            ),
            InconsistentHistory,
            r"margin_per_period must be finite.*row 1: ",
        )
        for model in CONTRACTS
    ),
    *(
        (
            lambda model=model: model.contract_value(
                [1, 2], margin_per_period=[3, 4, 5], discount_rate_per_period=0.1
            ),
            InconsistentHistory,
            "equally long",
        )
        for model in CONTRACTS
    ),
    *(
        (
            lambda days=days: ParetoNBD.fit(KNOWN).log_likelihood_per(days=days),
            InvalidParameter,
            "time unit",
        )
        for days in (0.0, -7.0, math.nan, math.inf)
    ),
    (
        lambda: fit_segments(ParetoNBD, {"all": KNOWN}, base=BGNBD.fit(KNOWN)),
        InvalidParameter,
        "base must be a ParetoNBD, found a BGNBD",
    ),
    (
        lambda: DONORS.expected_purchases(1, 2, 3, opportunities=10**9),
        InvalidWindow,
        "from 0 to 10,000,000, found 1000000000",
    ),
    (
        lambda: Seasons.estimate(np.ones(800), first_day=None),  # type: ignore[arg-type]
        InconsistentHistory,
        "Days must not be missing",
    ),
    (
        lambda: DECEMBER.operational_window(None, horizon_days=9),  # type: ignore[arg-type]
        InconsistentHistory,
        "Days must not be missing",
    ),
    (
        lambda: DECEMBER.operational_window(
            ["2020-01-01", "2020-01-02"],  # type: ignore[arg-type]
            horizon_days=9,
        ),
        InconsistentHistory,
        r"Expected one date, found shape \(2,\)",
    ),
    (lambda: DECEMBER.factors_on(5), InconsistentHistory, "dates, found numbers"),
    (lambda: DECEMBER.factors_on("2020-13-01"), InconsistentHistory, "Days must be dates: Month"),
    (
        lambda: DECEMBER.operational_histories(
            first=["2020-01-01"] * 2, last=["2020-01-02"] * 3, end="2020-02-01"
        ),
        InconsistentHistory,
        "equally many, found shapes",
    ),
    *(
        (
            lambda number=number: CovariateCells.from_customers(
                frequency=[1, 2], recency=[2, 3], age=9, purchase={"z": number}, dropout={}
            ),
            InconsistentHistory,
            named,
        )
        for number, named in (
            (["a", "b"], "z must be numbers: could not convert"),
            ([1, 2, 3], r"Covariate z must have one value a customer \(2\), found 3"),
            ([1, math.nan], "Covariate z must be finite.*row 1: "),
        )
    ),
]


@pytest.mark.parametrize(("ask", "error", "named"), REFUSED)
def test_what_nobody_can_have_meant_is_refused_in_words(
    ask: Callable[[], object], error: type[Exception], named: str
) -> None:
    with pytest.raises(error, match=named):
        ask()


def test_a_tenure_of_any_length_has_a_survival() -> None:
    for model in CONTRACTS:
        assert np.all(np.diff(model.survival([0, 10, 1e5, 1e250])) < 0)


def test_no_covariates_are_given_for_no_customers() -> None:
    effects = ParetoNBDWithCovariates.from_parameters(
        purchase_effects={"z": 0.3}, dropout_effects={}, r=1.0, alpha=10.0, s=1.0, beta=10.0
    )
    for number in (0, -1, 2.5):
        with pytest.raises(InconsistentHistory, match="customers must be a whole number above 0"):
            effects.for_customers(number, purchase={"z": 1}, dropout={})  # type: ignore[arg-type]


@pytest.mark.parametrize("score", [log_scores, brier_scores, reliability])
@pytest.mark.parametrize(
    ("said", "came", "named"),
    [
        ([0.5, math.nan], [1.0, 0.0], r"probability must lie between 0 and 1.*row 1: "),
        ([1.5, 0.5], [1.0, 0.0], r"probability must lie between 0 and 1.*row 0: "),
        ([0.5, 0.5], [1.0, math.nan], r"happened must not be missing.*row 1: "),
        ([0.5, 0.5], [1.0], "one outcome a probability"),
    ],
)
def test_what_is_not_known_is_no_score(score: Any, said: Any, came: Any, named: str) -> None:
    with pytest.raises(InconsistentHistory, match=named):
        score(np.array(said), np.array(came))
