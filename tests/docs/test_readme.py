"""The README's library block runs, and what it names is there."""

from __future__ import annotations

import re
from pathlib import Path

from patronage.access.roles import Role
from tests.docs.pages import ROOT, blocks, read, rows, section
from tests.docs.running import Reader


def test_the_library_block_gives_a_probability(tmp_path: Path) -> None:
    program = next(block for block in blocks(read("README.md")) if block.language == "python")
    printed = Reader(folder=tmp_path).run_python(program.text + "print(model.converged)\n")
    answer, converged = printed.split("\n")[:2]
    assert 0 < float(answer.strip("[] ")) < 1
    assert converged == "True"


def test_every_role_that_a_person_has_is_in_the_readme() -> None:
    stated = [cells[0] for cells in rows(section(read("README.md"), "## Who works with it"))]
    spoken = {name.replace(" ", "_") for name in stated if name != "customer manager"}
    assert spoken | {"manager"} == set(Role) - {Role.SERVICE}


def test_the_make_targets_that_pages_name_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", read("Makefile"), re.MULTILINE))
    for path in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]:
        named = set(re.findall(r"(?:`|\$ )make ([a-z-]+)", path.read_text(encoding="utf-8")))
        assert named <= targets, path


def test_the_picture_is_there_and_small() -> None:
    picture = ROOT / "docs/images/equity.png"
    assert picture.stat().st_size <= 300_000
