"""A manager writes rules in a file, prices them, publishes them and takes them back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from patronage.access.roles import SYSTEM
from patronage.customize.jobs import decide
from patronage.govern.models import PolicyVersion

from ..customize.world import AS_OF, World
from ..customize.world import build as build_world
from ..differentiate.history import NOW
from .conftest import Verb

RULES = """
portfolio = "Everybody else"
note = "No apples for those who never bought any"

[[rules]]
name = "no apples"
effect = "block"
when = "orders_90d >= 1"
offers = "offer_category = 'APPLES'"

[[rules]]
name = "half"
effect = "adapt"
valid_until = 2027-01-01T00:00:00Z
[rules.adaptation]
face_value_percent = 50
"""


@pytest.fixture
def world(db: None) -> World:
    return build_world()


def test_rules_are_drafted_priced_published_and_rolled_back(
    world: World, verb: Verb, tmp_path: Path
) -> None:
    decide(actor=SYSTEM, now=NOW, as_of=AS_OF)
    (tmp_path / "rules.toml").write_text(RULES)
    ben = ("--as", "ben@example.com")
    drafted = verb(*ben, "policy", "draft", "rules.toml")
    assert (drafted.status, drafted.err) == (0, "")
    version = PolicyVersion.objects.get()
    assert version.id in drafted.out
    said = verb(*ben, "--json", "policy", "simulate", version.id).documents[0]
    assert (said["kind"], said["customers_affected"] > 0) == ("exact", True)
    assert verb(*ben, "policy", "publish", version.id, "--reason", "tests").status == 0
    shown = verb(*ben, "policy", "show", "Everybody else")
    assert "no apples" in shown.out
    assert "in force" in shown.out
    assert verb(*ben, "policy", "rollback", "Everybody else", "--reason", "no").status == 1
    (tmp_path / "empty.json").write_text(
        json.dumps({"portfolio": "Everybody else", "note": "none", "rules": []})
    )
    assert verb(*ben, "policy", "draft", "empty.json").status == 0
    empty = PolicyVersion.objects.get(published_at=None)
    assert verb(*ben, "policy", "publish", empty.id, "--reason", "tests").status == 0
    back = verb(*ben, "policy", "rollback", "Everybody else", "--reason", "back")
    assert "Version 3" in back.out


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("portfolio = ", "cannot be read"),
        ("rules = 3", "a list `rules`"),
        ("rules = [3]", "is a table"),
        ('note = "x"\nportfolio = "Top"\n[[rules]]\nname = "a"\neffect = "block"\nx = 1', "'x'"),
        ('note = "x"\nportfolio = "Top"\n[[rules]]\nname = "a"\neffect = "block"\nwhen = "x = 1"',
         "column 1"),
        (('note = "x"\nportfolio = "Top"\n[[rules]]\nname = "a"\neffect = "block"\n'
         "valid_until = 2027-01-01"), "valid_until"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_used_is_refused_in_a_sentence(
    world: World, verb: Verb, tmp_path: Path, text: str, said: str
) -> None:
    (tmp_path / "rules.toml").write_text(text)
    refused = verb("--as", "ana@example.com", "policy", "draft", "rules.toml")
    assert refused.status == 1
    assert said in refused.err.replace("\n", " ")
    assert not PolicyVersion.objects.exists()
