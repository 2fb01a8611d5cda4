"""Every candidate falls out at the first stage that stops it, and the best of the rest wins."""

from typing import Any

import numpy as np
import pytest

from patronage.science.arbitration import (
    OUTCOME_WORDS,
    REASON_WORDS,
    STAGES,
    Choice,
    Outcome,
    Reason,
    choose,
)


def open_case(scores: Any, **changes: Any) -> dict[str, Any]:
    """Arguments under which only the score decides."""
    table = np.asarray(scores, dtype=np.float64)
    shape = table.shape
    case: dict[str, Any] = {
        "eligible": np.ones(shape, dtype=np.int8),
        "consented": np.ones(shape, dtype=bool),
        "unfenced": np.ones(shape, dtype=bool),
        "permitted": np.ones(shape, dtype=bool),
        "within_boundary": np.ones(shape, dtype=bool),
        "available": np.ones(shape, dtype=bool),
        "capped": np.zeros(shape, dtype=bool),
        "affordable": np.ones(shape, dtype=bool),
        "scores": table,
        "held_out": np.zeros(shape[0], dtype=bool),
        "tie_break": np.arange(table.size, dtype=np.uint64).reshape(shape),
    }
    return case | changes


def random_case(rng: np.random.Generator, n: int, k: int) -> dict[str, Any]:
    return {
        "eligible": rng.integers(-1, 2, (n, k)).astype(np.int8),
        "consented": rng.random((n, k)) < 0.8,
        "unfenced": rng.random((n, k)) < 0.9,
        "permitted": rng.random((n, k)) < 0.8,
        "within_boundary": rng.random((n, k)) < 0.9,
        "available": rng.random((n, k)) < 0.9,
        "capped": rng.random((n, k)) < 0.2,
        "affordable": rng.random((n, k)) < 0.9,
        "scores": rng.integers(-2, 4, (n, k)).astype(np.float64),
        "held_out": rng.random(n) < 0.2,
        "tie_break": rng.integers(0, 4, (n, k)).astype(np.uint64),
    }


def by_hand(case: dict[str, Any], limit: int) -> tuple[list[list[int]], list[list[Reason]]]:
    """The definition, one candidate at a time, written without arrays."""
    all_chosen, all_reasons = [], []
    n, k = case["scores"].shape
    for i in range(n):
        reasons = []
        for j in range(k):
            stages = [
                (case["eligible"][i, j] == 0, Reason.INELIGIBLE),
                (case["eligible"][i, j] == -1, Reason.UNKNOWN),
                (not case["consented"][i, j], Reason.NO_CONSENT),
                (not case["unfenced"][i, j], Reason.FENCED),
                (not case["permitted"][i, j], Reason.BLOCKED),
                (not case["within_boundary"][i, j], Reason.BOUNDARY),
                (not case["available"][i, j], Reason.NOT_AVAILABLE),
                (case["capped"][i, j], Reason.CAPPED),
                (not case["affordable"][i, j], Reason.NO_BUDGET),
                (case["scores"][i, j] <= 0, Reason.NOT_WORTH_IT),
            ]
            reasons.append(next((why for failed, why in stages if failed), Reason.OUTSCORED))
        standing = [j for j in range(k) if reasons[j] is Reason.OUTSCORED]
        standing.sort(key=lambda j: (-case["scores"][i, j], -int(case["tie_break"][i, j]), j))
        winners = standing[:limit]
        for j in winners:
            reasons[j] = Reason.WITHHELD if case["held_out"][i] else Reason.CHOSEN
        all_chosen.append(winners + [-1] * (limit - len(winners)))
        all_reasons.append(reasons)
    return all_chosen, all_reasons


@pytest.mark.parametrize("limit", [1, 2, 5])
def test_arrays_decide_what_the_definition_decides_by_hand(limit: int) -> None:
    case = random_case(np.random.default_rng(11), n=6_000, k=4)
    choice = choose(**case, limit=limit)
    chosen, reasons = by_hand(case, limit)
    assert choice.chosen.tolist() == chosen
    assert choice.reasons.tolist() == reasons
    never = {Reason.OUTSCORED} if limit >= 4 else set()
    assert set(np.unique(choice.reasons)) == set(Reason) - never, "every stage occurs here"


def test_one_customer_at_a_time_gets_what_all_customers_at_once_get() -> None:
    case = random_case(np.random.default_rng(5), n=300, k=6)
    together = choose(**case, limit=2)
    for i in range(300):
        alone = choose(**{name: values[i : i + 1] for name, values in case.items()}, limit=2)
        assert (alone.chosen[0] == together.chosen[i]).all()
        assert (alone.reasons[0] == together.reasons[i]).all()
        assert alone.outcome[0] == together.outcome[i]


@pytest.mark.parametrize(
    ("stage", "stopped", "reason"),
    [
        ("eligible", 0, Reason.INELIGIBLE),
        ("eligible", -1, Reason.UNKNOWN),
        ("consented", False, Reason.NO_CONSENT),
        ("permitted", False, Reason.BLOCKED),
        ("within_boundary", False, Reason.BOUNDARY),
        ("available", False, Reason.NOT_AVAILABLE),
        ("capped", True, Reason.CAPPED),
        ("affordable", False, Reason.NO_BUDGET),
        ("scores", 0.0, Reason.NOT_WORTH_IT),
    ],
)
def test_a_candidate_stopped_at_one_stage_never_wins_however_high_it_scores(
    stage: str, stopped: float, reason: Reason
) -> None:
    case = open_case([[1e9, 1.0]])
    assert choose(**case).chosen.tolist() == [[0]], "without the stop it would have won"
    case[stage] = case[stage].copy()
    case[stage][0, 0] = stopped
    choice = choose(**case)
    assert choice.chosen.tolist() == [[1]]
    assert choice.reasons.tolist() == [[reason, Reason.CHOSEN]]


def test_the_first_stage_names_the_reason_when_several_stop_a_candidate() -> None:
    case = open_case([[-1.0]], consented=np.array([[False]]), capped=np.array([True]))
    assert choose(**case).reasons.tolist() == [[Reason.NO_CONSENT]]


def test_a_held_out_customer_is_decided_in_full_and_the_choice_withheld() -> None:
    scores = [[3.0, 5.0, -1.0], [3.0, 5.0, -1.0], [-3.0, -5.0, -1.0]]
    choice = choose(**open_case(scores, held_out=np.array([False, True, True])))
    assert choice.chosen.tolist() == [[1], [1], [-1]]
    assert choice.outcome.tolist() == [Outcome.OFFERED, Outcome.WITHHELD, Outcome.NOTHING]
    assert choice.reasons[1].tolist() == [Reason.OUTSCORED, Reason.WITHHELD, Reason.NOT_WORTH_IT]


def test_a_contact_cap_on_the_customer_stops_every_action() -> None:
    choice = choose(**open_case([[3.0, 5.0], [3.0, 5.0]], capped=np.array([True, False])))
    assert choice.reasons[0].tolist() == [Reason.CAPPED, Reason.CAPPED]
    assert choice.chosen.tolist() == [[-1], [1]]


def test_equal_scores_break_by_the_larger_hash_and_never_by_an_excluded_one() -> None:
    tie = np.array([[0, 2**64 - 1, 0]], dtype=np.uint64)
    case = open_case([[7.0, 7.0, 7.0]], tie_break=tie)
    assert choose(**case).chosen.tolist() == [[1]]
    case["permitted"] = np.array([[True, False, True]])
    assert choose(**case).chosen.tolist() == [[0]]


def test_no_actions_and_no_customers_are_answers_not_errors() -> None:
    assert choose(**open_case(np.zeros((2, 0)))).outcome.tolist() == [Outcome.NOTHING] * 2
    assert choose(**open_case(np.zeros((0, 3)))).chosen.shape == (0, 1)


@pytest.mark.parametrize("score", [np.nan, np.inf, -np.inf])
def test_a_score_that_is_not_a_number_is_refused(score: float) -> None:
    with pytest.raises(ValueError, match="NaN or infinite"):
        choose(**open_case([[1.0, score]]))


@pytest.mark.parametrize(
    "change",
    [
        {"eligible": np.array([[2, 1]], dtype=np.int8)},
        {"held_out": np.array([True, False])},
        {"consented": np.ones((2, 2), dtype=bool)},
        {"consented": np.ones((1, 1), dtype=bool)},
        {"permitted": np.ones((1, 2), dtype=np.int8)},
        {"capped": np.zeros((1, 2), dtype=np.int8)},
        {"held_out": np.zeros(1, dtype=np.int8)},
        {"tie_break": np.zeros((1, 1), dtype=np.uint64)},
        {"limit": 0},
    ],
)
def test_arguments_that_do_not_fit_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="choose:"):
        choose(**open_case([[1.0, 2.0]], **change))


def test_every_reason_and_outcome_has_words_and_the_agreed_order() -> None:
    order = (
        "INELIGIBLE UNKNOWN NO_CONSENT FENCED BLOCKED BOUNDARY NOT_AVAILABLE CAPPED NO_BUDGET"
        " NOT_WORTH_IT OUTSCORED CHOSEN WITHHELD"
    )
    assert [reason.name for reason in STAGES] == order.split()
    assert set(STAGES) == set(Reason)
    assert set(REASON_WORDS) == set(Reason)
    assert set(OUTCOME_WORDS) == set(Outcome)
    assert isinstance(choose(**open_case([[1.0]])), Choice)
