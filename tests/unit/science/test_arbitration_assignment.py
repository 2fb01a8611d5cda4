"""Arms and tie-breaks are fair draws that every process repeats."""

import hashlib
import subprocess
import sys

import numpy as np
import pytest
from scipy import stats

from patronage.science.arbitration import hash_ids, holdout_arm, tie_break_hash

IDS = [f"cus_{number:07d}" for number in range(100_000)]


@pytest.mark.parametrize("salt", ["2017-Q3", "2017-Q4", "always on"])
def test_the_share_held_out_is_the_share_asked_for(salt: str) -> None:
    held = int(holdout_arm(IDS, salt, 0.1).sum())
    assert stats.chisquare([held, 100_000 - held], [10_000, 90_000]).pvalue > 0.001


def test_a_draw_that_takes_every_ninth_customer_fails_the_same_check() -> None:
    held = len(IDS[::9])
    assert stats.chisquare([held, 100_000 - held], [10_000, 90_000]).pvalue < 0.001


def test_arms_of_two_salts_are_independent() -> None:
    first, second = holdout_arm(IDS, "a", 0.3), holdout_arm(IDS, "b", 0.3)
    table = [[int((x & y).sum()) for y in (second, ~second)] for x in (first, ~first)]
    assert stats.chi2_contingency(table).pvalue > 0.001
    same = [[int((x & y).sum()) for y in (first, ~first)] for x in (first, ~first)]
    assert stats.chi2_contingency(same).pvalue < 0.001


def test_an_arm_never_flips_when_customers_come_in_another_order_or_company() -> None:
    arm = dict(zip(IDS, holdout_arm(IDS, "s", 0.1), strict=True))
    order = np.random.default_rng(3).permutation(len(IDS))[:5_000]
    some = [IDS[i] for i in order]
    assert [arm[name] for name in some] == holdout_arm(np.array(some), "s", 0.1).tolist()


def test_a_larger_share_keeps_those_already_held_out() -> None:
    small, large = holdout_arm(IDS, "s", 0.05), holdout_arm(IDS, "s", 0.2)
    assert (large | ~small).all()
    assert not holdout_arm(IDS, "s", 0.0).any()
    assert holdout_arm(IDS, "s", 1.0).all()


def test_ids_hashed_beforehand_give_the_same_answers() -> None:
    some = IDS[:1_000]
    once = hash_ids(some)
    assert (holdout_arm(once, "s", 0.4) == holdout_arm(some, "s", 0.4)).all()
    assert (tie_break_hash(once, ["x"], "s") == tie_break_hash(some, ["x"], "s")).all()


def test_an_id_hashes_to_the_first_bytes_of_blake2b() -> None:
    digest = hashlib.blake2b("Zoë".encode(), digest_size=8).digest()
    assert hash_ids(["Zoë"]).tolist() == [int.from_bytes(digest, "little")]


def test_another_process_draws_the_same() -> None:
    program = (
        "from patronage.science.arbitration import tie_break_hash as t;"
        "print(t(['cus_1', 'cus_2'], ['a', 'b'], 'run').tolist())"
    )
    printed = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout
    here = tie_break_hash(["cus_1", "cus_2"], ["a", "b"], "run").tolist()
    assert printed.strip() == str(here)


def test_every_action_wins_its_fair_share_of_ties() -> None:
    ties = tie_break_hash(IDS, [f"trt_{j}" for j in range(20)], "run")
    wins = np.bincount(ties.argmax(axis=1), minlength=20)
    assert stats.chisquare(wins).pvalue > 0.001
    assert len(np.unique(ties)) == ties.size


def test_ties_of_two_salts_and_of_two_customers_are_unrelated() -> None:
    actions = [f"trt_{j}" for j in range(5)]
    first = tie_break_hash(IDS, actions, "a").argmax(axis=1)
    second = tie_break_hash(IDS, actions, "b").argmax(axis=1)
    for other in (second, np.roll(first, 1)):
        table = np.bincount(first * 5 + other, minlength=25).reshape(5, 5)
        assert stats.chi2_contingency(table).pvalue > 0.001


def test_a_holdout_says_nothing_about_who_wins_ties_under_the_same_salt() -> None:
    ties = tie_break_hash(IDS, ["x"], "s")[:, 0].astype(np.float64) / 2.0**64
    held = holdout_arm(IDS, "s", 0.5)
    assert stats.ks_2samp(ties[held], ties[~held]).pvalue > 0.001


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
def test_a_share_outside_nought_to_one_is_refused(share: float) -> None:
    with pytest.raises(ValueError, match="share"):
        holdout_arm(IDS[:1], "s", share)


def test_a_missing_id_has_no_arm() -> None:
    with pytest.raises(TypeError, match="missing"):
        hash_ids(np.array(["cus_1", None], dtype=object))
    with pytest.raises(TypeError, match="sequence"):
        hash_ids("cus_1")
