"""What a change found is in its audit row, beside what it left: "from what to what"."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

import patronage

ROOT: Final = Path(next(iter(patronage.__path__)))
#: actions that begin something, add to a thread or only run: nothing that stood is changed
BEGIN: Final = frozenset(
    {
        "answer ruling",
        "backtest models",
        "check backup",
        "create customers",
        "create key",
        "decide customers",
        "declare consents",
        "deliver contacts",
        "draft statement",
        # what an erasure found must not be named again
        "erase customer",
        "export checkpoint",
        "fit model",
        "import file",
        "link log-in service",
        "price policy",
        "propose offers",
        "read out decisions",
        "rebuild profiles",
        "record interaction",
        "record need",
        "restore backup",
        "take backup",
        "tell list prices",
        "value customers",
        "verify audit log",
        "write tracking plan",
    }
)
#: each of its rows names every move, from where to where
NAMES_EACH_MOVE: Final = frozenset({"assign portfolios"})


def silent(source: str) -> Iterator[str]:
    """Actions of calls that record a change and say, whatever was, that nothing was before."""
    for call in ast.walk(ast.parse(source)):
        if not isinstance(call, ast.Call):
            continue
        given = {each.arg: each.value for each in call.keywords}
        if "subject_kind" not in given or "action" not in given:
            continue
        before, action = given.get("before"), given["action"]
        if before is None or (isinstance(before, ast.Dict) and not before.keys):
            yield str(action.value) if isinstance(action, ast.Constant) else ast.unparse(action)


def test_only_what_begins_something_says_that_nothing_was_before() -> None:
    found = {
        action for path in ROOT.rglob("*.py") for action in silent(path.read_text(encoding="utf-8"))
    }
    assert found - BEGIN - NAMES_EACH_MOVE == set()
    assert found & BEGIN == BEGIN, "an action on the list is gone, or says what was before"


@pytest.mark.parametrize("before", ["before={}, ", ""])
def test_a_change_that_keeps_silent_would_be_noticed(before: str) -> None:
    """The broken twin."""
    written = f'audit.record(action="appoint", subject_kind="portfolio", {before}change=made)'
    assert list(silent(written)) == ["appoint"]
    assert list(silent(written.replace("before={}", "before=stood"))) in ([], ["appoint"])
