"""Ids are random, prefixed and never sequential."""

from __future__ import annotations

import itertools
import math
from collections import Counter

import pytest

from patronage.vocabulary.ids import IdPrefix, is_id, new_id, new_ids


def test_an_id_says_what_it_names_and_is_safe_in_any_file_name_or_address() -> None:
    made = new_id("cus")
    assert made.startswith("cus_")
    assert len(made) == 26
    assert made.removeprefix("cus_").isalnum()
    assert made == made.lower()


def test_every_kind_has_a_prefix_of_its_own_of_three_letters() -> None:
    assert all(len(prefix) == 3 and prefix.isalpha() for prefix in IdPrefix)
    assert {"cus", "prt", "ofr", "trt", "dec", "con"} <= set(IdPrefix)


def test_100_000_ids_are_all_different_and_not_in_order() -> None:
    made = new_ids(IdPrefix.DECISION, 100_000)
    assert len(set(made)) == 100_000
    ascending = sum(a < b for a, b in itertools.pairwise(made))
    # Fair order: 50,000 of 99,999 with a standard deviation of 91 (n/12 for neighbours).
    assert abs(ascending - 50_000) < 6 * math.sqrt(100_000 / 12)


def test_characters_are_drawn_evenly() -> None:
    counts = Counter("".join(each[4:] for each in new_ids("cus", 20_000)))
    drawn = 20_000 * 22
    assert len(counts) == 32
    chi_squared = sum((count - drawn / 32) ** 2 / (drawn / 32) for count in counts.values())
    # 31 degrees of freedom: the 1 - 1e-9 point is 106.
    assert chi_squared < 106


def test_an_unknown_prefix_is_refused_with_the_list_and_a_place_to_add_it() -> None:
    with pytest.raises(ValueError, match=r"'cus_' is not an id prefix.*IdPrefix"):
        new_id("cus_")


def test_a_negative_count_is_refused() -> None:
    assert new_ids("cus", 0) == []
    with pytest.raises(ValueError, match="-1 ids"):
        new_ids("cus", -1)


@pytest.mark.parametrize(
    "text",
    ["", "cus_", "prt_" + "0" * 22, "cus_" + "0" * 21, "cus_" + "0" * 23, "cus_" + "0" * 21 + "i",
     "CUS_" + "0" * 22, "cus_" + "0" * 22 + "\n", "cus_" + "\u0660" * 22, None, 3],
)  # fmt: skip
def test_what_only_looks_like_an_id_is_none(text: object) -> None:
    assert is_id(new_id("cus"), "cus")
    assert not is_id(text, "cus")
