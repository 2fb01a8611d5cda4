"""What the page of the rule language says of rows, problems and the library is so."""

from __future__ import annotations

import contextlib
import io
import re

from patronage.vocabulary.fields import Field
from patronage.vocabulary.predicates.analysis import Problem, Relation
from patronage.vocabulary.predicates.builder import operators_of
from tests.docs.pages import blocks, code, named, read, rows, section

PAGE = "docs/reference/rules.md"


def test_the_library_block_prints_what_the_page_shows() -> None:
    program, shown = blocks(section(read(PAGE), "## As a library"))
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(program.text, PAGE, "exec"), {})
    assert printed.getvalue() == shown.text


def test_the_operators_of_a_row_are_those_on_the_page() -> None:
    types = {"integer": int, "number": float, "text": str, "boolean": bool}
    stated = {
        kind: tuple(re.findall("`([^`]+)`", cells[1]))
        for cells in rows(section(read(PAGE), "## Rows and groups"))
        for kind in cells[0].split(", ")
    }
    for kind, python_type in types.items():
        assert stated[kind] == operators_of(Field("a", python_type))


def test_every_problem_relation_and_attribute_of_a_field_is_on_the_page() -> None:
    page = read(PAGE)
    listed = rows(section(page, "## What may be wrong with a list of rules"))
    stated = {code(cells[0]) for cells in listed if cells[0].startswith("`")}
    assert stated == set(Problem) | set(Relation)
    attributes = named(section(page, "## Catalogue"))
    assert set(attributes) == set(Field.__slots__)
