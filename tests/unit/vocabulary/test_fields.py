"""A catalogue declares each field once."""

from __future__ import annotations

from datetime import datetime

import pytest

from patronage.vocabulary.fields import RESERVED_WORDS, Field, FieldCatalog, FieldCatalogError


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
