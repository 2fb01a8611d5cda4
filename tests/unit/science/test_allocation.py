"""A plan keeps every limit, is never worth more than its bound, and comes close to it."""

import itertools
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, milp

from patronage.science.allocation import Limit, Plan, Problem, allocate
from patronage.science.arbitration import choose


def random_problem(
    rng: np.random.Generator, n: int, k: int, limits: int, per_customer: int = 1
) -> Problem:
    """Values and uses of every kind: whole or not, tied or not, per action or per customer."""
    values = rng.normal(2.0, 3.0, (n, k)) if rng.random() < 0.5 else rng.integers(-2, 6, (n, k))
    made = []
    for number in range(limits):
        shape = (k,) if rng.random() < 0.5 else (n, k)
        use = rng.random(shape) if rng.random() < 0.5 else rng.integers(0, 4, shape)
        capacity = float(use.mean() * n * rng.random())
        made.append(Limit(f"limit {number}", capacity=round(capacity, 2), use=use))
    eligible = rng.random((n, k)) < 0.8
    return Problem(values, eligible, limits=made, per_customer=per_customer)


def taken(problem: Problem, choice: NDArray[np.int64]) -> NDArray[np.bool_]:
    """The plan as a table of yes and no."""
    shape = np.shape(problem.values)
    table = np.zeros(shape, dtype=bool)
    places = choice.reshape(shape[0], -1)
    rows, slots = (places >= 0).nonzero()
    table[rows, places[rows, slots]] = True
    assert table.sum() == len(rows), "no action twice for one customer"
    return table


def is_feasible(problem: Problem, table: NDArray[np.bool_]) -> bool:
    within = [
        np.where(table, limit.use, 0.0).sum() <= limit.capacity * (1 + 1e-12)
        for limit in problem.limits
    ]
    places = table.sum(axis=1) <= problem.per_customer
    return bool(all(within) and places.all() and not (table & ~problem.eligible).any())


def optimum_by_enumeration(problem: Problem) -> float:
    n, k = np.shape(problem.values)
    own = [
        pattern
        for pattern in itertools.product([False, True], repeat=k)
        if sum(pattern) <= problem.per_customer
    ]
    plans = np.array(list(itertools.product(own, repeat=n)), dtype=bool).reshape(-1, n, k)
    good = ~(plans & ~problem.eligible).any(axis=(1, 2))
    for limit in problem.limits:
        use = np.broadcast_to(limit.use, (n, k))
        good &= (plans * use).sum(axis=(1, 2)) <= limit.capacity
    return float((plans[good] * np.asarray(problem.values)).sum(axis=(1, 2)).max())


def by_highs(problem: Problem, *, whole: bool) -> float:
    """The optimum by an independent solver, with whole treatments or with fractions allowed."""
    n, k = np.shape(problem.values)
    places = np.kron(np.identity(n), np.ones((1, k)))
    uses = [np.broadcast_to(limit.use, (n, k)).reshape(1, -1) for limit in problem.limits]
    most = [problem.per_customer] * n + [limit.capacity for limit in problem.limits]
    solved = milp(
        -np.asarray(problem.values, dtype=np.float64).ravel(),
        constraints=LinearConstraint(np.vstack([places, *uses]), -np.inf, np.array(most)),
        bounds=Bounds(0.0, problem.eligible.astype(np.float64).ravel()),
        integrality=np.full(n * k, int(whole)),
    )
    assert solved.fun is not None, solved.message
    return -float(solved.fun)


def check(problem: Problem, plan: Plan) -> None:
    """What must hold of every plan."""
    table = taken(problem, plan.choice)
    certificate = plan.certificate
    assert is_feasible(problem, table)
    assert certificate.achieved == pytest.approx(float((table * np.asarray(problem.values)).sum()))
    assert certificate.achieved <= certificate.upper_bound
    for limit in problem.limits:
        assert certificate.use[limit.name] <= limit.capacity
        assert certificate.use[limit.name] == pytest.approx(np.where(table, limit.use, 0.0).sum())
    assert all(price >= 0.0 for price in plan.prices.values())


def test_300_small_problems_stay_between_nothing_and_the_optimum_found_by_enumeration() -> None:
    rng = np.random.default_rng(20)
    reached = 0
    for seed in range(300):
        several = seed % 3 == 0
        problem = random_problem(
            rng,
            n=int(rng.integers(1, 4 if several else 6)),
            k=int(rng.integers(1, 4)),
            limits=int(rng.integers(0, 4)),
            per_customer=2 if several else 1,
        )
        plan = allocate(problem, seed=seed)
        check(problem, plan)
        optimum = optimum_by_enumeration(problem)
        assert optimum <= plan.certificate.upper_bound
        assert plan.certificate.achieved <= optimum + 1e-9
        reached += plan.certificate.achieved >= optimum - 1e-9
    assert reached >= 280, "nearly all of these tiny problems are solved exactly"


def test_the_check_notices_a_plan_that_ignores_the_limits() -> None:
    rng = np.random.default_rng(20)
    caught = 0
    for _ in range(50):
        problem = random_problem(rng, n=5, k=3, limits=2)
        greedy = np.where(problem.eligible & (np.asarray(problem.values) > 0), problem.values, -1.0)
        choice = np.where(greedy.max(axis=1) > 0, greedy.argmax(axis=1), -1)
        caught += not is_feasible(problem, taken(problem, choice))
    assert caught >= 25


@pytest.mark.parametrize("limits", [1, 2, 4])
def test_the_bound_is_the_linear_programme_s_and_the_plan_is_near_the_exact_optimum(
    limits: int,
) -> None:
    rng = np.random.default_rng(limits)
    for seed in range(10):
        problem = random_problem(rng, n=60, k=5, limits=limits, per_customer=1 + seed % 2)
        plan = allocate(problem, seed=seed)
        check(problem, plan)
        exact = by_highs(problem, whole=True)
        assert plan.certificate.upper_bound == pytest.approx(by_highs(problem, whole=False), 2e-6)
        assert plan.certificate.achieved <= exact * (1 + 1e-9)
        assert plan.certificate.achieved >= exact * 0.95


@pytest.mark.parametrize("per_customer", [1, 3])
def test_ten_thousand_customers_and_three_limits_leave_a_gap_below_one_in_a_thousand(
    per_customer: int,
) -> None:
    rng = np.random.default_rng(1)
    values = rng.lognormal(0.0, 1.0, (10_000, 20))
    limits = [
        Limit("calls", capacity=1_200, use=np.repeat([1.0, 0.0], 10)),
        Limit("mail budget", capacity=900.0, use=rng.random(20)),
        Limit("minutes", capacity=2_500.0, use=rng.random((10_000, 20)) * 2),
    ]
    problem = Problem(
        values, rng.random((10_000, 20)) < 0.6, limits=limits, per_customer=per_customer
    )
    plan = allocate(problem, seed=7)
    check(problem, plan)
    assert plan.certificate.gap <= 1e-3
    assert plan.choice.shape == ((10_000,) if per_customer == 1 else (10_000, 3))
    assert sum(price > 0 for price in plan.prices.values()) >= 2


def test_one_customer_decided_at_the_plan_s_prices_gets_what_the_plan_gives() -> None:
    rng = np.random.default_rng(6)
    values = rng.lognormal(0.0, 1.0, (10_000, 8))
    eligible = rng.random(values.shape) < 0.7
    uses = [rng.random(8), np.repeat([1.0, 0.0], 4)]
    limits = [
        Limit("mail budget", capacity=1_500.0, use=uses[0]),
        Limit("calls", capacity=2_000.0, use=uses[1]),
    ]
    plan = allocate(Problem(values, eligible, limits=limits), seed=2)
    yes = np.ones(values.shape, dtype=bool)

    def at(prices: list[float]) -> NDArray[np.int64]:
        return choose(
            eligible=eligible.astype(np.int8),
            consented=yes,
            permitted=yes,
            capped=~yes,
            affordable=yes,
            scores=values - sum(price * use for price, use in zip(prices, uses, strict=True)),
            held_out=np.zeros(10_000, dtype=bool),
            tie_break=np.zeros(values.shape, dtype=np.uint64),
        ).chosen[:, 0]

    assert min(plan.prices.values()) > 0.0
    assert np.mean(at(list(plan.prices.values())) == plan.choice) >= 0.998
    assert np.mean(at([0.0, 0.0]) == plan.choice) <= 0.6, "without prices most choices differ"


@pytest.mark.parametrize("limits", [1, 3])
def test_segment_level_scores_with_massive_ties_still_use_up_what_there_is(limits: int) -> None:
    rng = np.random.default_rng(4)
    segment = rng.integers(0, 20, 20_000)
    values = rng.integers(1, 9, (20, 6)).astype(float)[segment]
    made = [
        Limit(f"l{j}", capacity=2_000.0, use=rng.integers(0, 3, 6).astype(float))
        for j in range(limits)
    ]
    problem = Problem(values, np.ones(values.shape, dtype=bool), limits=made)
    plan = allocate(problem, seed=1)
    check(problem, plan)
    assert plan.certificate.gap <= 1e-3


def test_without_limits_everybody_gets_their_best_action_and_nothing_has_a_gap() -> None:
    values = np.array([[1.0, 3.0], [-1.0, -2.0], [0.0, 0.0], [5.0, 9.0]])
    eligible = np.array([[True, True], [True, True], [True, True], [True, False]])
    plan = allocate(Problem(values, eligible), seed=0)
    assert plan.choice.tolist() == [1, -1, -1, 0]
    assert plan.certificate.achieved == 8.0
    assert plan.certificate.gap == pytest.approx(0.0, abs=1e-11)
    assert dict(plan.prices) == {}


def test_the_price_is_what_one_more_slot_would_earn() -> None:
    values = np.arange(1.0, 101.0)[:, np.newaxis]
    everyone = np.ones((100, 1), dtype=bool)

    def plan(slots: int) -> Plan:
        limit = Limit("calls", capacity=slots, use=np.ones(1))
        return allocate(Problem(values, everyone, limits=[limit]), seed=3)

    ten, eleven = plan(10).certificate.achieved, plan(11).certificate.achieved
    assert ten == sum(range(91, 101))
    assert eleven - ten == 90.0
    assert 90.0 - 1e-4 <= plan(10).prices["calls"] <= 91.0 + 1e-4


def test_a_limit_that_does_not_bind_has_no_price_and_an_empty_one_lets_nobody_through() -> None:
    values = np.random.default_rng(2).random((50, 2)) + 0.5
    limits = [
        Limit("plenty", capacity=np.inf, use=np.array([1.0, 1.0])),
        Limit("closed", capacity=0.0, use=np.array([0.0, 1.0])),
    ]
    plan = allocate(Problem(values, np.ones((50, 2), dtype=bool), limits=limits), seed=5)
    assert plan.choice.tolist() == [0] * 50
    assert plan.prices["plenty"] == 0.0
    assert plan.prices["closed"] > 0.0
    assert plan.certificate.gap <= 1e-6


def test_the_same_seed_gives_the_same_plan_and_another_seed_the_same_value_among_ties() -> None:
    problem = Problem(
        np.ones((1_000, 2)),
        np.ones((1_000, 2), dtype=bool),
        limits=[Limit("calls", capacity=100, use=np.ones(2))],
    )
    first, again, other = (allocate(problem, seed=seed) for seed in (1, 1, 2))
    assert (first.choice == again.choice).all()
    assert (first.choice != other.choice).any()
    assert first.certificate.achieved == other.certificate.achieved == 100.0


@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (0, 0)])
def test_nobody_or_nothing_to_allocate_is_an_empty_plan(shape: tuple[int, int]) -> None:
    limit = Limit("calls", capacity=1, use=np.ones(shape[1]))
    problem = Problem(np.ones(shape), np.ones(shape, dtype=bool), limits=[limit])
    plan = allocate(problem, seed=0)
    assert plan.choice.tolist() == [-1] * shape[0]
    assert plan.certificate.upper_bound == plan.certificate.achieved == 0.0


def test_more_places_than_actions_leaves_the_rest_empty() -> None:
    plan = allocate(Problem(np.array([[1.0, 4.0]]), np.ones((1, 2), dtype=bool), per_customer=4), 0)
    assert plan.choice.tolist() == [[1, 0, -1, -1]]


@pytest.mark.parametrize(
    "change",
    [
        {"capacity": -1.0},
        {"capacity": np.nan},
        {"use": np.array([-1.0])},
        {"use": np.array([np.nan])},
        {"use": np.array(1.0)},
        {"minimum": 5.0},
    ],
)
def test_a_limit_that_cannot_be_meant_is_refused_by_name(change: dict[str, Any]) -> None:
    case: dict[str, Any] = {"capacity": 1.0, "use": np.ones(1)}
    with pytest.raises(ValueError, match="limit 'calls'"):
        Limit("calls", **(case | change))


@pytest.mark.parametrize(
    "change",
    [
        {"values": np.array([[np.nan, 1.0]])},
        {"values": np.ones(2)},
        {"eligible": np.ones((2, 2), dtype=bool)},
        {"eligible": np.ones((1, 2))},
        {"per_customer": 0},
        {"limits": [Limit("a", capacity=1, use=np.ones(3))]},
        {"limits": [Limit("a", capacity=1, use=np.ones(2))] * 2},
    ],
)
def test_a_problem_that_does_not_fit_together_is_refused(change: dict[str, Any]) -> None:
    case: dict[str, Any] = {"values": np.ones((1, 2)), "eligible": np.ones((1, 2), dtype=bool)}
    case |= change
    with pytest.raises(ValueError, match=r"problem:|limit 'a'"):
        Problem(case.pop("values"), case.pop("eligible"), **case)
