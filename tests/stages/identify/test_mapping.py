"""Mappings that cannot be meant are refused when they are loaded, with the key and the mend."""

from __future__ import annotations

import pytest

from patronage.identify.errors import MappingError, NoSuchImport
from patronage.identify.mapping import packaged, packaged_names, parse_mapping

from .files import SALES


@pytest.mark.parametrize(
    ("old", "new", "key", "reason"),
    [
        ('dataset = "order_lines"', "", "dataset", "it is missing"),
        ('"order_lines"', '"orders"', "dataset", "'orders' is not known"),
        ('"order_lines"', '"valuations"', "dataset", "'valuations' is not known"),
        ('format = "csv"', "", "format", "it is missing"),
        ('"csv"', '"xls"', "format", "'xls' is not known"),
        ('currency = "USD"', "", "columns.amount.currency", "money without a currency"),
        ('"USD"', '"DOLLAR"', "columns.amount.currency", "'DOLLAR' is not a currency"),
        ('"USD"', "840", "currency", "expected text"),
        ('key = ["order_id", "product_id"]', "", "key", "it is missing"),
        ('"product_id"]', '"store_id"]', "key", "no column fills 'store_id'"),
        ('amount.from = "paid"', "", "columns.amount", "the dataset needs this field"),
        ('amount.from = "paid"', 'amount.from = "pieces"', "columns", "'pieces' is named twice"),
        ("amount.from", "price.from", "columns.price.from", "has no field 'price'"),
        (
            'amount.from = "paid"',
            'amount = { from = "paid", typ = "x" }',
            "columns.amount.typ",
            "no such key",
        ),
        (
            'amount.from = "paid"',
            'amount = { from = "paid", type = "date" }',
            "columns.amount.type",
            "'date' is not known here",
        ),
        (
            'amount.from = "paid"',
            'amount = { from = "paid", unit = "dozen" }',
            "columns.amount.unit",
            "'dozen' is not known",
        ),
        (
            'quantity.from = "pieces"',
            'quantity = { from = "pieces", unit = "kg" }',
            "columns.quantity.unit",
            "means nothing",
        ),
        (
            'ordered_at.from = "at"',
            'ordered_at = { from = "at", time_zone = "Mars" }',
            "columns.ordered_at.time_zone",
            "is not a time zone",
        ),
        (
            'returns = "negative quantity and amount"',
            'returns = "always"',
            "returns",
            "'always' is not known",
        ),
        (
            'returns = "negative quantity and amount"',
            "ignore = ['paid']",
            "columns",
            "'paid' is named twice",
        ),
        ('returns = "negative quantity and amount"', "colour = 'red'", "colour", "no such key"),
        (
            'returns = "negative quantity and amount"',
            "constants = { amount = 3 }",
            "constants.amount",
            "a column fills it",
        ),
        (
            'returns = "negative quantity and amount"',
            "csv = { encoding = 'klingon' }",
            "csv.encoding",
            "not a character set",
        ),
        (
            'returns = "negative quantity and amount"',
            "csv = { delimiter = ';;' }",
            "csv.delimiter",
            "found ';;'",
        ),
        (
            'returns = "negative quantity and amount"',
            "join = { file = '../x', on = 'a' }",
            "join.file",
            "is a path",
        ),
        (
            'returns = "negative quantity and amount"',
            "panel_entry_until = 'soon'",
            "panel_entry_until",
            "not a date",
        ),
        (
            'label = "Card {}"',
            "label = 'Card {}'\npersonal = true",
            "customer.label",
            "personal identifier",
        ),
        ("[customer]", "[custommer]", "custommer", "no such key"),
    ],
)
def test_a_contradiction_is_refused_with_its_key(old: str, new: str, key: str, reason: str) -> None:
    assert old in SALES
    with pytest.raises(MappingError) as caught:
        parse_mapping(SALES.replace(old, new, 1), name="shop")
    assert caught.value.key == key
    assert reason in str(caught.value)
    assert str(caught.value).startswith(f"Mapping shop, {key}: ")


def test_a_key_written_twice_is_refused() -> None:
    with pytest.raises(MappingError, match="not valid TOML"):
        parse_mapping(SALES + 'amount.from = "other"\n', name="shop")


def test_products_have_no_customer_and_no_personal_columns() -> None:
    mapping = SALES.replace("order_lines", "products").split("[columns]")[0]
    columns = "[columns]\nproduct_id.from='a'\ndepartment.from='b'\ncategory.from='c'\n"
    with pytest.raises(MappingError, match="not about customers"):
        parse_mapping(mapping.replace('"order_id", ', "") + columns, name="shop")


def test_the_packaged_mappings_all_load_in_the_order_of_their_names() -> None:
    names = packaged_names()
    assert [mapping.name for mapping in packaged("complete_journey")] == names
    assert [mapping.dataset for mapping in packaged("complete_journey")] == [
        "products",
        "order_lines",
        "customer_facts",
        "past_contacts",
        "redemptions",
        "coupon_products",
    ]


def test_an_unknown_packaged_name_is_refused_with_the_known_ones() -> None:
    with pytest.raises(NoSuchImport, match="complete_journey"):
        packaged("complete_jorney")
