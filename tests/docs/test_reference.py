"""A setting, key, field, table, error, command or address that no page names fails here.

And one that a page names and the code does not have fails too.
"""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
from collections.abc import Iterator
from dataclasses import MISSING, fields
from typing import Any

import pytest
from django.apps import apps

import patronage
from patronage.access.asking import LIVE, NIGHTLY, OF_PROFITABILITY
from patronage.access.errors import PatronageError
from patronage.access.roles import POLICY, Right, Role
from patronage.cli.verbs import build
from patronage.customize.fields import FIELDS
from patronage.differentiate.fields import FIELDS as VALUED
from patronage.govern.fields import TREATMENT_FIELDS
from patronage.govern.models.policies import EFFECTS
from patronage.identify.errors import MappingError
from patronage.identify.mapping import parse_mapping
from patronage.identify.mapping.targets import EVENT_FIELD, TYPES_OF_KIND, targets
from patronage.site.api import api
from patronage.site.words import ROLE_WORK
from patronage.vocabulary import company
from patronage.vocabulary.fields import Field
from patronage.vocabulary.predicates import Predicate, PredicateError, limits
from patronage.warehouse import DATASETS
from tests.docs.pages import ROOT, code, named, read, rows, section

REFERENCE = "docs/reference"


def page(name: str) -> str:
    return read(f"{REFERENCE}/{name}.md")


# --- settings -------------------------------------------------------------------------------------


def variables_in(*places: str) -> set[str]:
    text = "".join(
        path.read_text(encoding="utf-8")
        for place in places
        for path in (ROOT / place).rglob("*.py")
        if "docs" not in path.parts
    )
    return set(re.findall(r"[\"'](PATRONAGE_[A-Z_]+)[\"']", text))


def test_every_setting_is_on_its_page() -> None:
    settings = page("settings")
    inside = variables_in("src")
    of_tests = {name for name in inside if name.startswith("PATRONAGE_TEST_")}
    stated = named(section(settings, "## The application"))
    assert sorted(stated) == sorted(inside - of_tests)
    tested = variables_in("tests") - inside | of_tests
    assert sorted(named(section(settings, "## The tests"))) == sorted(tested)


# --- company.toml ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("heading", "kind"),
    [
        ("## Top level", company.Company),
        ("## Tiers", company.Tier),
        ("## Needs", company.NeedRule),
        ("## Objectives", company.ObjectiveRule),
        ("## Serving", company.ServingCosts),
        ("## Service models", company.ServiceModel),
        ("## Service tiers", company.ServiceTier),
        ("## Look-alikes", company.LookAlikes),
        ("## Identifiers", company.IdentifierKind),
        ("## Provenance", company.Provenance),
        ("## Portfolios", company.PortfolioRule),
        ("## Channels", company.Channel),
        ("## Steering", company.Steering),
    ],
)
def test_every_key_of_the_company_is_on_its_page_with_its_default(heading: str, kind: Any) -> None:
    stated = {code(cells[0]): cells[1] for cells in rows(section(page("company-toml"), heading))}
    assert sorted(stated) == sorted(each.name for each in fields(kind))
    for each in fields(kind):
        assert stated[each.name] == _default(each), each.name


def _default(each: Any) -> str:
    if each.default is MISSING:
        return "required" if each.default_factory is MISSING else "none"
    if each.default == "":
        return "empty"
    return "none" if each.default in ((), None) else f"`{each.default}`"


# --- mapping files --------------------------------------------------------------------------------

_START = 'dataset = "order_lines"\nformat = "csv"\ncurrency = "USD"\n'
_UNKNOWN = "no_such_key = 1\n"


@pytest.mark.parametrize(
    ("heading", "text"),
    [
        ("## Top level", _UNKNOWN + _START),
        ("## csv", f"{_START}[csv]\n{_UNKNOWN}"),
        ("## customer", f'{_START}[customer]\ncolumn = "c"\nkind = "k"\n{_UNKNOWN}'),
        ("## returns", f'{_START}[returns]\ncolumn = "c"\nvalues = ["x"]\n{_UNKNOWN}'),
        ("## window", f"{_START}[window]\n{_UNKNOWN}"),
        ("## join", f'{_START}[join]\nfile = "f"\non = "o"\n{_UNKNOWN}'),
        ("## columns", f'{_START}[columns.amount]\nfrom = "a"\n{_UNKNOWN}'),
    ],
)
def test_every_key_of_a_mapping_is_on_its_page(heading: str, text: str) -> None:
    with pytest.raises(MappingError, match="there is no such key") as refused:
        parse_mapping(text, name="probe")
    known = re.search(r"Known here: ([a-z_, ]+)\.", str(refused.value))
    assert known is not None
    stated = section(page("mapping-files"), heading)
    assert sorted(named(stated)) == sorted(known[1].split(", "))


@pytest.mark.parametrize("dataset", EVENT_FIELD)
def test_every_field_of_a_dataset_is_on_its_page_with_its_type(dataset: str) -> None:
    stated = {
        code(cells[0]): (cells[1], cells[2].startswith("yes"))
        for cells in rows(section(page("mapping-files"), f"### {dataset}"))
    }
    declared = {name: (each.kind, each.required) for name, each in targets(dataset).items()}
    assert stated == declared


def test_every_type_is_on_its_page() -> None:
    known = {type_ for types in TYPES_OF_KIND.values() for type_ in types}
    assert set(named(section(page("mapping-files"), "## Types"))) == known


def texts_of_imports() -> str:
    """Every text that the import's code writes, one after another."""
    found = []
    for path in (ROOT / "src/patronage/identify/imports").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.append(node.value)
    return "\n".join(found)


def reasons_in_code() -> Iterator[str]:
    """The longest text of each reason that a check of the import gives."""
    for path in (ROOT / "src/patronage/identify/imports").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.keyword) and node.arg == "reason":
                parts = [
                    each.value
                    for each in ast.walk(node.value)
                    if isinstance(each, ast.Constant) and isinstance(each.value, str)
                ]
                if parts and (longest := max(parts, key=len).strip(" ,")):
                    yield longest


def test_every_reason_of_the_quarantine_is_on_its_page() -> None:
    stated = section(page("mapping-files"), "## Quarantine")
    text = texts_of_imports()
    for reason in named(stated):
        for fragment in filter(None, (part.strip(" ,'") for part in reason.split("…"))):
            assert fragment in text, f"no check gives the reason {reason!r}"
    missing = [
        reason
        for reason in reasons_in_code()
        if reason.split("expected ")[0] not in stated and len(reason) > 1
    ]
    assert missing == []


# --- rules ----------------------------------------------------------------------------------------

_TYPES = {"int": "integer", "float": "number", "str": "text", "bool": "boolean", "date": "date"}


def _stated(field: Field) -> tuple[str, ...]:
    ages = {LIVE: "now", NIGHTLY: "1 day", None: ""}
    roles = {None: "all", OF_PROFITABILITY: "profitability"}
    assert not field.personal
    unit, age = field.unit or "", ages[field.freshness]
    return _TYPES[field.type.__name__], unit, age, roles[field.usable_by]


def test_every_field_that_rules_may_ask_about_is_on_its_page() -> None:
    stated = {
        code(cells[0]): (*cells[1:3], *cells[4:])
        for cells in rows(section(page("rules"), "## Fields"))
    }
    assert stated == {name: _stated(each) for name, each in FIELDS.items()}


def test_every_field_of_offers_and_every_effect_is_on_the_page() -> None:
    text = page("rules")
    stated = {
        code(cells[0]): (*cells[1:3], *cells[4:])
        for cells in rows(section(text, "## Fields of offers"))
    }
    assert stated == {name: _stated(each) for name, each in TREATMENT_FIELDS.items()}
    assert named(section(text, "## Effects")) == list(EFFECTS)


def test_every_example_of_the_language_is_read_and_every_refused_one_is_refused() -> None:
    text = page("rules")
    examples = [
        example
        for cells in rows(section(text, "## Words"))
        for example in re.findall(r"`([^`]+)`", cells[1])
        if re.search("[a-z]", example)
    ]
    assert len(examples) >= 5
    for example in examples:
        Predicate.parse(example, FIELDS)
    refused = named(section(text, "## Refused"))
    for example in refused:
        with pytest.raises(PredicateError):
            Predicate.parse(example, FIELDS)


def test_a_customer_of_whom_something_is_unknown_is_answered_as_the_page_says() -> None:
    for cells in rows(section(page("rules"), "## Unknown")):
        answer = Predicate.parse(code(cells[0]), VALUED).evaluate({"need": None})
        assert {True: "true", False: "false", None: "unknown"}[answer] == cells[1]


def test_the_limits_on_the_page_are_those_in_force() -> None:
    for cells in rows(section(page("rules"), "## Limits")):
        assert f"{getattr(limits, code(cells[0])):,}" in cells[1]


# --- errors ---------------------------------------------------------------------------------------


def readable_errors() -> dict[str, set[str]]:
    """Names of the errors a person may read, by the room they are in."""
    for module in pkgutil.walk_packages(patronage.__path__, "patronage."):
        if ".migrations" not in module.name:
            importlib.import_module(module.name)
    found: dict[str, set[str]] = {}
    waiting = [PatronageError]
    while waiting:
        for each in waiting.pop().__subclasses__():
            if each.__module__.startswith("patronage."):
                found.setdefault(each.__module__.split(".")[1], set()).add(each.__name__)
            waiting.append(each)
    return found


def test_every_error_is_on_its_page_with_what_to_do() -> None:
    text = page("errors")
    found = readable_errors()
    headings = re.findall(r"^## (\w+)$", text, re.MULTILINE)
    assert sorted(headings) == sorted(found)
    for room, names in found.items():
        stated = section(text, f"## {room}")
        assert sorted(named(stated)) == sorted(names), room
        assert all(len(cells) == 3 and all(cells) for cells in rows(stated))


# --- tables ---------------------------------------------------------------------------------------


def test_every_table_and_dataset_is_on_its_page() -> None:
    text = page("tables")
    ours = [
        model._meta.db_table
        for model in apps.get_models(include_auto_created=True)
        if model.__module__.startswith("patronage.")
    ]
    assert sorted(named(section(text, "## Operational store"))) == sorted(ours)
    assert sorted(named(section(text, "## Warehouse"))) == sorted(DATASETS)


# --- command line and REST ------------------------------------------------------------------------


def verbs(app: Any, before: str = "") -> Iterator[str]:
    for name in app:
        if name.startswith("-"):
            continue
        inner = app[name]
        below = list(verbs(inner, f"{before}{name} "))
        if not below or inner.default_command is not None:
            yield f"{before}{name}"
        yield from below


def test_every_command_is_on_its_page() -> None:
    assert sorted(named(page("command-line"))) == sorted(verbs(build()))


def test_every_address_of_the_api_is_on_its_page_with_its_methods() -> None:
    stated = {
        code(cells[0]): sorted(cells[1].split(", "))
        for cells in rows(section(page("rest-api"), "## Addresses"))
    }
    described = api.get_openapi_schema()["paths"]
    assert stated == {address: sorted(methods) for address, methods in described.items()}


def test_a_page_that_leaves_something_out_is_found_out() -> None:
    text = page("tables").replace("| `govern_portfolio` |", "| `govern_portfolios` |")
    assert "govern_portfolio" not in named(section(text, "## Operational store"))


# --- roles and rights -----------------------------------------------------------------------------


def test_the_table_of_roles_and_rights_is_the_one_in_force() -> None:
    stated = {code(cells[0]): cells[1:] for cells in rows(page("roles"))}
    in_force = {
        role.value: [
            str(ROLE_WORK[role]).rstrip("."),
            may.customers.value,
            may.offers.value,
            ", ".join(right.value for right in Right if right in may.rights),
        ]
        for role, may in POLICY.items()
    }
    assert {role: list(cells) for role, cells in stated.items()} == in_force
    assert set(in_force) == {role.value for role in Role}


# --- links ----------------------------------------------------------------------------------------


def test_every_link_between_pages_leads_somewhere() -> None:
    pages = [*(ROOT / "docs").rglob("*.md"), ROOT / "README.md"]
    assert len(pages) > 10
    for path in pages:
        for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", path.read_text(encoding="utf-8")):
            assert (path.parent / link).exists(), f"{path.relative_to(ROOT)} links to {link}"
