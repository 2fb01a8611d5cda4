"""Is each reason read in the reader's language, whatever the language of whoever caused it?"""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest
from django.utils import translation

from patronage.govern import errors, judging, limits
from patronage.govern.judging import judge
from patronage.govern.limits import LEVERS, UNITS, Bound, Held, Pull
from patronage.govern.reads import terms
from patronage.govern.said import Said


def kept(said: Said) -> Said:
    """As the database gives it back."""
    return Said.from_json(json.loads(json.dumps(said.to_json())))


@pytest.mark.parametrize("lever", LEVERS)
def test_a_stored_reason_is_read_in_each_language(lever: str) -> None:
    pull = Pull(lever=lever, amount=2_000, currency="EUR")
    law = Bound(id="bnd_1", name="loi 12", kind="law")
    right = Held(id="grt_1", limit=500, per="quarter", used=100)
    with translation.override("fr"):
        refused = judge(pull, [law], [right])
        waits = judge(pull, [], [right])
        french = [str(kept(each.said)) for each in (*refused.reasons, *waits.reasons)]
    with translation.override("en"):
        english = [str(kept(each.said)) for each in (*refused.reasons, *waits.reasons)]
    assert english[0] == f"'loi 12' forbids the lever '{lever}'."
    assert french[0] == f"« loi 12 » interdit le levier « {lever} »."
    assert "goes beyond" in english[1]
    assert "dépasse" in french[1]
    assert "par trimestre" in french[1]
    if UNITS[lever] == "times":
        assert "2000 fois" in french[1]


def asked_for(path: str) -> set[str]:
    """Every text that a module asks for by itself."""
    tree = ast.parse(Path(path).read_text(encoding="utf-8"))
    return {
        call.args[0].value
        for call in ast.walk(tree)
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Name)
        and call.func.id in ("_", "_noop")
        and isinstance(call.args[0], ast.Constant)
        and isinstance(call.args[0].value, str)
    }


@pytest.mark.parametrize(
    "paths",
    [(limits.__file__, judging.__file__), (errors.__file__,), (terms.__code__.co_filename,)],
)
def test_every_reason_and_refusal_has_a_french_one(paths: tuple[str, ...]) -> None:
    texts = set().union(*(asked_for(path) for path in paths))
    assert len(texts) > 2
    with translation.override("fr"):
        assert {text for text in texts if translation.gettext(text) == text} == set()
