"""Reads a mapping file and refuses what it cannot mean, naming the key and the mend."""

from __future__ import annotations

import hashlib
import tomllib
from datetime import date, datetime
from pathlib import Path
from typing import Any

from patronage.identify.errors import MappingError
from patronage.identify.mapping.check import check_encoding, check_mapping, check_zone
from patronage.identify.mapping.column import read_column
from patronage.identify.mapping.record import (
    Column,
    CsvOptions,
    CustomerColumn,
    Fact,
    Join,
    Mapping,
    PersonalColumn,
    Returns,
    Window,
)
from patronage.identify.mapping.targets import EVENT_FIELD
from patronage.identify.mapping.toml_table import TomlTable

NEGATIVE_RETURNS = "negative quantity and amount"
_TOP = (
    "dataset", "format", "file", "time_zone", "currency", "round", "decimal", "key", "returns",
    "window", "panel_entry_until", "ignore", "csv", "customer", "join", "columns", "constants",
    "facts",
)  # fmt: skip


def load_mapping(path: Path) -> Mapping:
    """Read and check a mapping file.

    Raises:
        MappingError: it is no TOML, or a key is unknown, missing or contradicts another.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise MappingError(
            mapping=path.name,
            key="file",
            found=f"it cannot be read as UTF-8 text ({error})",
            mend="Give the path of a readable TOML file.",
        ) from error
    return parse_mapping(text, name=path.stem)


def parse_mapping(text: str, *, name: str) -> Mapping:
    """Check the text of a mapping; like `load_mapping`."""
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise MappingError(
            mapping=name,
            key="text",
            found=f"it is not valid TOML: {error}",
            mend="A key or column may stand once only, and texts need quotes.",
        ) from error
    digest = hashlib.sha256(text.encode()).hexdigest()
    mapping = _mapping(TomlTable(raw, mapping=name), name=name, digest=digest)
    check_mapping(mapping)
    return mapping


def _mapping(top: TomlTable, *, name: str, digest: str) -> Mapping:
    dataset = top.need("dataset", str, f"Name one of {', '.join(EVENT_FIELD)}.")
    if dataset not in EVENT_FIELD:
        known = ", ".join(EVENT_FIELD)
        raise top.fail("dataset", f"{dataset!r} is not known", f"Name one of {known}.")
    zone = check_zone(top, "time_zone", top.take("time_zone", str) or "UTC")
    if "format" not in top.keys:
        raise top.fail("format", "it is missing", "Write csv or parquet.")
    defaults: dict[str, Any] = {
        "time_zone": zone,
        "currency": top.take("currency", str),
        "decimal": top.choice("decimal", (".", ","), "."),
        "round": bool(top.take("round", bool)),
    }
    columns, personal, currency_column = _columns(top, dataset, defaults)
    mapping = Mapping(
        name=name,
        digest=digest,
        dataset=dataset,
        format=top.choice("format", ("csv", "parquet"), "csv"),
        file=top.take("file", str),
        csv=_csv(top),
        customer=_customer(top, dataset),
        columns=columns,
        constants=top.scalars("constants"),
        currency=defaults["currency"],
        currency_column=currency_column,
        time_zone=zone,
        key=top.texts("key"),
        returns=_returns(top),
        window=_window(top),
        panel_entry_until=_day(top, "panel_entry_until"),
        facts=_facts(top),
        personal=personal,
        join=_join(top),
        ignore=top.texts("ignore"),
    )
    top.done(_TOP)
    return mapping


def _columns(
    top: TomlTable, dataset: str, defaults: dict[str, Any]
) -> tuple[tuple[Column, ...], tuple[PersonalColumn, ...], str | None]:
    columns: list[Column] = []
    personal: list[PersonalColumn] = []
    currency_column = None
    tables = dict(top.tables("columns"))
    if "currency" in tables:
        table = tables.pop("currency")
        currency_column = table.need("from", str, "Name the column of the file.")
        table.done(("from",))
        if defaults["currency"] is not None:
            raise top.fail("currency", "a column gives it as well", "Keep one of the two.")
    for field, table in tables.items():
        if table.take("personal", bool):
            personal.append(
                PersonalColumn(
                    name=field,
                    source=table.need("from", str, "Name the column of the file."),
                    searchable=bool(table.take("searchable", bool)),
                )
            )
            table.done(("from", "personal", "searchable"))
        else:
            by_column = currency_column is not None
            columns.append(read_column(table, field, dataset, defaults, by_column=by_column))
    return tuple(columns), tuple(personal), currency_column


def _csv(top: TomlTable) -> CsvOptions:
    table = top.table("csv")
    if table is None:
        return CsvOptions()
    delimiter = table.take("delimiter", str)
    quote = table.take("quote", str)
    for key, value in (("delimiter", delimiter), ("quote", quote)):
        empty_means_none = key == "quote" and value == ""
        if value is not None and not empty_means_none and (len(value) != 1 or not value.isascii()):
            raise table.fail(key, f"found {value!r}", "Write one ASCII character.")
    encoding = check_encoding(table, table.take("encoding", str) or "utf-8")
    table.done(("encoding", "delimiter", "quote"))
    return CsvOptions(
        encoding=encoding,
        delimiter="," if delimiter is None else delimiter,
        quote='"' if quote is None else quote,
    )


def _customer(top: TomlTable, dataset: str) -> CustomerColumn | None:
    table = top.table("customer")
    if table is None:
        return None
    create = table.take("create", bool)
    column = table.need("column", str, "Name the column that says who the customer is.")
    customer = CustomerColumn(
        column=column,
        kind=table.need("kind", str, "Name the kind of identifier, such as 'household_id'."),
        customer_kind=table.choice(
            "customer_kind", ("person", "household", "organisation"), "person"
        ),
        label=table.take("label", str) or "Customer",
        personal=bool(table.take("personal", bool)),
        create=dataset == "order_lines" if create is None else create,
    )
    table.done(("column", "kind", "customer_kind", "label", "personal", "create"))
    if customer.personal and "{}" in customer.label:
        raise table.fail("label", "it would show a personal identifier", "Leave out the {}.")
    return customer


def _returns(top: TomlTable) -> Returns | None:
    if top.holds_table("returns"):
        return _marked_returns(top)
    rule = top.take("returns", str)
    if rule is None:
        return None
    if rule != NEGATIVE_RETURNS:
        mend = f"Write {NEGATIVE_RETURNS!r}, or a table with column and values."
        raise top.fail("returns", f"{rule!r} is not known", mend)
    return Returns()


def _marked_returns(top: TomlTable) -> Returns | None:
    table = top.table("returns")
    if table is None:
        return None
    column = table.need("column", str, "Name the column that marks returns.")
    values = table.texts("values")
    if not values:
        raise table.fail("values", "it is missing", "List the values that mark a return.")
    table.done(("column", "values"))
    return Returns(column=column, values=values)


def _window(top: TomlTable) -> Window:
    table = top.table("window")
    if table is None:
        return Window()
    window = Window(earliest=_day(table, "earliest"), latest=_day(table, "latest"))
    table.done(("earliest", "latest"))
    return window


def _day(table: TomlTable, key: str) -> date | None:
    value = table.take(key, object)
    if value is None or (isinstance(value, date) and not isinstance(value, datetime)):
        return value
    try:
        return date.fromisoformat(str(value))
    except ValueError as error:
        raise table.fail(key, f"{value!r} is not a date", "Write it as 2017-01-31.") from error


def _facts(top: TomlTable) -> tuple[Fact, ...]:
    """Read `column = "fact"` and `column = { name = "fact", type = "number" }`."""
    facts: list[Fact] = []
    holder = top.table("facts")
    if holder is None:
        return ()
    for source in holder.keys:
        table = holder.table(source) if holder.holds_table(source) else None
        if table is not None:
            name = table.need("name", str, "Name the fact.")
            kind = table.choice("type", ("text", "number"), "text")
            table.done(("name", "type"))
        else:
            name, kind = holder.need(source, str, "Give the fact's name."), "text"
        facts.append(Fact(name=name, source=source, type=kind))
    return tuple(facts)


def _join(top: TomlTable) -> Join | None:
    table = top.table("join")
    if table is None:
        return None
    join = Join(
        file=table.need("file", str, "Name the second file."),
        on=table.need("on", str, "Name the column that both files have."),
    )
    table.done(("file", "on"))
    if Path(join.file).name != join.file:
        raise table.fail("file", f"{join.file!r} is a path", "Name a file in the same folder.")
    return join
