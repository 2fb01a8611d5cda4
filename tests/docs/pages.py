"""What does a page of the documentation hold: headings, tables, fenced blocks?"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
DOCS = ROOT / "docs"

_FENCE = re.compile(r"^```(\S*)(?: title=\"([^\"]+)\")?\s*$")
_CODE = re.compile(r"`([^`]+)`")


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One fenced block."""

    #: sh and python are run, text is what the block before prints, console is only shown
    language: str
    #: file that the block is the content of; empty for none
    title: str
    text: str
    #: line of the page on which it begins, from 1
    line: int


def read(place: str) -> str:
    """Give the text of a page, by its path from the root of the repository."""
    return (ROOT / place).read_text(encoding="utf-8")


def blocks(text: str) -> list[Block]:
    """Give the fenced blocks of a page in order."""
    found: list[Block] = []
    opened: tuple[str, str, int] | None = None
    held: list[str] = []
    for number, line in enumerate(text.splitlines(), start=1):
        fence = _FENCE.match(line)
        if fence is None:
            held.append(line)
        elif opened is None:
            opened, held = (fence[1], fence[2] or "", number), []
        else:
            language, title, begins = opened
            body = "\n".join(held) + "\n"
            found.append(Block(language=language, title=title, text=body, line=begins))
            opened = None
    assert opened is None, f"the block of line {opened and opened[2]} is never closed"
    return found


def section(text: str, heading: str) -> str:
    """Give what stands under a heading, up to the next one of its level or above.

    Headings inside fenced blocks do not count.
    """
    lines = text.splitlines()
    level = len(heading) - len(heading.lstrip("#"))
    start = lines.index(heading) + 1
    fenced = False
    for at in range(start, len(lines)):
        fenced ^= lines[at].startswith("```")
        marks = len(lines[at]) - len(lines[at].lstrip("#"))
        if not fenced and 0 < marks <= level and lines[at][marks : marks + 1] == " ":
            return "\n".join(lines[start:at])
    return "\n".join(lines[start:])


def rows(text: str) -> list[list[str]]:
    """Give the cells of all table rows, heads left out."""
    lines = text.splitlines()
    found = []
    for at, line in enumerate(lines):
        is_rule = re.fullmatch(r"\|[-:| ]+\|", line) is not None
        is_head = at + 1 < len(lines) and re.fullmatch(r"\|[-:| ]+\|", lines[at + 1]) is not None
        if line.startswith("|") and not is_rule and not is_head:
            cells = re.split(r"(?<!\\)\|", line.strip().strip("|"))
            found.append([cell.strip().replace(r"\|", "|") for cell in cells])
    return found


def code(cell: str) -> str:
    """Give the first thing that a cell writes as code."""
    found = _CODE.search(cell)
    assert found is not None, f"a first cell names something `in backquotes`: {cell!r}"
    return found[1]


def named(text: str) -> list[str]:
    """Give what the first cells of all tables name, in order."""
    return [code(cells[0]) for cells in rows(text)]
