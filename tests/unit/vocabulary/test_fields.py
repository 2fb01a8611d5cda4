"""A catalogue declares each field once."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from patronage.vocabulary.fields import (
    FIELD_TYPES,
    RESERVED_WORDS,
    Field,
    FieldCatalog,
    FieldCatalogError,
)
from patronage.vocabulary.predicates import Predicate, PredicateError


def test_a_catalogue_keeps_the_order_and_merges_with_others() -> None:
    left = FieldCatalog([Field("orders", int, unit="orders"), Field("region", str)])
    right = FieldCatalog([Field("vip", bool, personal=True)])
    merged = FieldCatalog.merge(left, right)
    assert list(merged) == ["orders", "region", "vip"]
    assert merged["orders"].unit == "orders"
    assert merged.closest("Regoin") == "region"


def test_a_name_declared_twice_is_refused_and_both_sources_are_named() -> None:
    one, two = Field("orders", int, source="history"), Field("orders", float, source="web shop")
    with pytest.raises(FieldCatalogError, match=r"'history'.*'web shop'"):
        FieldCatalog([one, two])
    with pytest.raises(FieldCatalogError, match="declared twice"):
        FieldCatalog.merge(FieldCatalog([one]), FieldCatalog([two]))


@pytest.mark.parametrize("name", ["", "Orders", "1st", "a b", "a.b", "\u0430", "x" * 64, "a\n"])
def test_a_name_that_rules_cannot_write_is_refused(name: str) -> None:
    with pytest.raises(FieldCatalogError, match="lower-case ASCII"):
        Field(name, int)


@pytest.mark.parametrize("name", sorted(RESERVED_WORDS))
def test_words_of_the_language_name_no_field(name: str) -> None:
    with pytest.raises(FieldCatalogError, match="word of the rule language"):
        Field(name, int)


@pytest.mark.parametrize("kind", [list, datetime, object, "int"])
def test_other_types_are_refused(kind: type) -> None:
    with pytest.raises(FieldCatalogError, match="expected one of int"):
        Field("orders", kind)


EVERYTHING = FieldCatalog(
    [
        Field(
            "value_minor",
            int,
            unit="minor units",
            description="Größe",
            source="latest valuation",
            personal=False,
            freshness=timedelta(days=1),
            usable_by=frozenset({"executive", "analyst"}),
        ),
        Field("name_day", date, personal=True, freshness=timedelta(seconds=0.5)),
        *(Field(f"plain_{kind.__name__.lower()}", kind) for kind in FIELD_TYPES),
    ]
)


def test_a_stored_catalogue_reads_back_equal_with_the_same_digest() -> None:
    again = FieldCatalog.from_json(EVERYTHING.to_json())
    assert again == EVERYTHING
    assert list(again) == list(EVERYTHING)
    assert (again.digest, hash(again)) == (EVERYTHING.digest, hash(EVERYTHING))
    assert FieldCatalog.from_json(FieldCatalog().to_json()) == FieldCatalog()


def test_what_changes_in_a_catalogue_changes_its_digest() -> None:
    base = Field("cost", Decimal, unit="EUR")
    changes: list[dict[str, Any]] = [
        {"name": "costs"},
        {"type": float},
        {"unit": "USD"},
        {"description": "x"},
        {"source": "x"},
        {"personal": True},
        {"freshness": timedelta(hours=1)},
        {"usable_by": frozenset()},
    ]
    given: dict[str, Any] = {"name": "cost", "type": Decimal, "unit": "EUR"}
    digests = {FieldCatalog([Field(**given | change)]).digest for change in changes}
    assert len(digests | {FieldCatalog([base]).digest}) == len(changes) + 1


@pytest.mark.parametrize(
    "document",
    ["", "[", "3", "[3]", '[{"name":"a"}]', EVERYTHING.to_json().replace('"int"', '"object"')],
)
def test_a_damaged_catalogue_is_refused(document: str) -> None:
    with pytest.raises(FieldCatalogError, match="damaged"):
        FieldCatalog.from_json(document)


def test_a_rule_meets_a_field_that_its_author_may_not_use_as_one_that_does_not_exist() -> None:
    of_agents = EVERYTHING.usable_by(["agent"])
    assert "value_minor" not in of_agents
    assert "name_day" in of_agents
    with pytest.raises(PredicateError, match="no field 'value_minor'"):
        Predicate.parse("value_minor > 1", of_agents)
    assert "value_minor" in EVERYTHING.usable_by({"agent", "analyst"})
    nobody = FieldCatalog([Field("secret", int, usable_by=frozenset())])
    assert list(nobody.usable_by(["executive"])) == []


def test_a_freshness_of_nothing_and_a_role_that_is_no_set_are_refused() -> None:
    with pytest.raises(FieldCatalogError, match="more than nothing"):
        Field("orders", int, freshness=timedelta(0))
    with pytest.raises(FieldCatalogError, match=r"frozenset\(\{'agent'\}\)"):
        Field("orders", int, usable_by="agent")  # type: ignore[arg-type]  # what is refused
