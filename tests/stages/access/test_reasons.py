"""A reason is a ready one, a person's own words, or both."""

from __future__ import annotations

import pytest

from patronage.access.reasons import reason_typed

READY = {"busy": "No room", "other": "Another reason"}


@pytest.mark.parametrize(
    ("code", "words", "kept"),
    [
        ("busy", "", "No room"),
        ("busy", " until May ", "No room: until May"),
        ("other", "", "Another reason"),
        ("other", "they moved", "they moved"),
        ("unknown", "they moved", "they moved"),
        ("", "  ", ""),
    ],
)
def test_the_ready_reason_stands_before_the_words_unless_it_says_nothing(
    code: str, words: str, kept: str
) -> None:
    assert reason_typed(READY, code, words) == kept
