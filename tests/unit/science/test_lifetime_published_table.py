"""The table of published figures agrees, and says so where it does not."""

from pathlib import Path

import pytest
from benchmarks.published import Row, main


def test_every_published_figure_is_ours(
    published_data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATRONAGE_TEST_DATA", str(published_data))
    assert main() == 0
    printed = capsys.readouterr().out
    assert "DIFFERS" not in printed
    assert len(printed.splitlines()) == 18


def test_a_figure_that_differs_in_its_last_digit_is_seen() -> None:
    assert Row(what="r", published=("0.553", "-9595.0"), ours=(0.55348, -9594.98)).agrees
    assert not Row(what="r", published=("0.553",), ours=(0.5536,)).agrees


def test_without_data_the_table_asks_for_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("PATRONAGE_TEST_DATA", raising=False)
    assert main() == 2
    assert "PATRONAGE_TEST_DATA" in capsys.readouterr().err
