"""The tutorial is followed to the letter: the retailer's year, every command, every number."""

from __future__ import annotations

from pathlib import Path

from tests.docs.pages import blocks, read
from tests.docs.running import Reader, compare, free_port, serving

PAGE = "docs/tutorial/first-loop.md"


def test_the_tutorial_ends_in_the_numbers_it_states(tmp_path: Path) -> None:
    port = free_port()
    reader = Reader(
        folder=tmp_path,
        extra={"PATRONAGE_HOME": str(tmp_path / "var")},
        instead={"127.0.0.1:8000": f"127.0.0.1:{port}"},
    )
    first, *others = (b for b in blocks(read(PAGE)) if b.language != "console")
    compare(first.text, reader.run("patronage demo"), at=first.line)
    again = reader.run("patronage demo")
    assert "(done before)" in again
    with serving(reader, port):
        reader.follow(others)
