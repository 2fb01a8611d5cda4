"""Does a mapping contradict itself, or leave out what its dataset needs?"""

from __future__ import annotations

import codecs
from collections import Counter
from typing import overload
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from patronage.identify.errors import MappingError
from patronage.identify.mapping.record import Mapping
from patronage.identify.mapping.targets import targets
from patronage.identify.mapping.toml_table import TomlTable
from patronage.vocabulary.money import MoneyError, currency_decimals
from patronage.warehouse import DATASETS


@overload
def check_zone(table: TomlTable, key: str, zone: str) -> str: ...
@overload
def check_zone(table: TomlTable, key: str, zone: None) -> None: ...
@overload
def check_zone(table: TomlTable, key: str, zone: str | None) -> str | None: ...
def check_zone(table: TomlTable, key: str, zone: str | None) -> str | None:
    """Return the zone if there is one of that name."""
    if zone is not None:
        try:
            ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            mend = "Write an IANA name such as 'America/New_York'."
            raise table.fail(key, f"{zone!r} is not a time zone", mend) from error
    return zone


def check_currency(table: TomlTable, currency: str) -> str:
    """Return the currency if there is one of that code."""
    try:
        currency_decimals(currency)
    except MoneyError as error:
        mend = "Write the ISO 4217 code, such as 'USD'."
        raise table.fail("currency", f"{currency!r} is not a currency", mend) from error
    return currency


def check_encoding(table: TomlTable, encoding: str) -> str:
    """Return Python's name of the character set."""
    try:
        return codecs.lookup(encoding).name
    except LookupError as error:
        mend = "Write a name such as 'utf-8', 'cp1252' or 'utf-16'."
        raise table.fail("encoding", f"{encoding!r} is not a character set", mend) from error


def check_mapping(mapping: Mapping) -> None:
    """Refuse a mapping whose parts do not fit together.

    Raises:
        MappingError: naming the key and the mend.
    """
    _columns_once(mapping)
    _customer_where_needed(mapping)
    _fields_filled(mapping)
    _currencies_alike(mapping)
    _key_is_mapped(mapping)
    _parts_belong_to_dataset(mapping)


def _fail(mapping: Mapping, key: str, found: str, mend: str) -> MappingError:
    return MappingError(mapping=mapping.name, key=key, found=found, mend=mend)


def _columns_once(mapping: Mapping) -> None:
    named = [column.source for column in mapping.columns]
    named += [fact.source for fact in mapping.facts] + [p.source for p in mapping.personal]
    if mapping.customer is not None and not mapping.customer.personal:
        named.append(mapping.customer.column)
    named += list(mapping.ignore)
    twice = [name for name, count in Counter(named).items() if count > 1]
    if twice:
        raise _fail(
            mapping, "columns", f"column {twice[0]!r} is named twice", "Use each column once."
        )


def _customer_where_needed(mapping: Mapping) -> None:
    about_customers = DATASETS[mapping.dataset].subject is not None
    if about_customers and mapping.customer is None:
        mend = "Name the column that says who the customer is."
        raise _fail(mapping, "customer", "it is missing", mend)
    if not about_customers and mapping.customer is not None:
        raise _fail(
            mapping, "customer", f"{mapping.dataset} is not about customers", "Leave it out."
        )
    if not about_customers and mapping.personal:
        mend = "Leave the personal columns out, or list them under ignore."
        raise _fail(mapping, "columns", f"{mapping.dataset} is not about customers", mend)


def _fields_filled(mapping: Mapping) -> None:
    known = targets(mapping.dataset)
    constants = [field for field, _ in mapping.constants]
    for field in constants:
        if field not in known:
            mend = f"Fields: {', '.join(known)}."
            raise _fail(mapping, f"constants.{field}", f"{mapping.dataset} has no such field", mend)
        if known[field].kind == "money" and mapping.currency is None:
            mend = "Write currency at the top of the mapping."
            raise _fail(mapping, f"constants.{field}", "money without a currency", mend)
    filled = [column.field for column in mapping.columns]
    both = sorted(set(filled) & set(constants))
    if both:
        raise _fail(
            mapping, f"constants.{both[0]}", "a column fills it as well", "Keep one of the two."
        )
    for field, target in known.items():
        if target.required and field not in {*filled, *constants}:
            mend = f"Add [columns.{field}] or a constant."
            raise _fail(mapping, f"columns.{field}", "the dataset needs this field", mend)


def _currencies_alike(mapping: Mapping) -> None:
    found = sorted({column.currency for column in mapping.columns if column.currency})
    if len(found) > 1:
        mend = "A row has one currency; import the file with one."
        raise _fail(mapping, "currency", f"found {' and '.join(found)}", mend)


def _key_is_mapped(mapping: Mapping) -> None:
    if mapping.dataset == "customer_facts":
        if mapping.key:
            mend = "Leave it out: a fact is known by customer, name, source and date."
            raise _fail(mapping, "key", "facts have their own", mend)
        return
    if not mapping.key:
        mend = "Name the fields that together occur once, such as key = ['order_id', 'product_id']."
        raise _fail(mapping, "key", "it is missing", mend)
    filled = {column.field for column in mapping.columns} | {f for f, _ in mapping.constants}
    filled |= {"customer_id"} if mapping.customer is not None else set()
    for field in mapping.key:
        if field not in filled:
            raise _fail(mapping, "key", f"no column fills {field!r}", "Name mapped fields only.")


def _parts_belong_to_dataset(mapping: Mapping) -> None:
    if mapping.facts and mapping.dataset != "customer_facts":
        mend = "Set dataset = 'customer_facts', or leave the facts out."
        raise _fail(mapping, "facts", f"{mapping.dataset} holds no facts", mend)
    if mapping.dataset == "customer_facts" and not (mapping.facts or mapping.personal):
        mend = "Name columns under [facts], or personal ones under [columns]."
        raise _fail(mapping, "facts", "it is missing", mend)
    if mapping.returns is not None and mapping.dataset != "order_lines":
        raise _fail(mapping, "returns", f"{mapping.dataset} has no returns", "Leave it out.")
    if mapping.csv.delimiter == mapping.csv.quote:
        raise _fail(mapping, "csv.quote", "it is the delimiter", "Choose another character.")
