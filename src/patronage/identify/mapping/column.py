"""Reads how one field is filled from one column."""

from __future__ import annotations

from typing import Any, Final

from patronage.identify.mapping.check import check_currency, check_zone
from patronage.identify.mapping.record import Column
from patronage.identify.mapping.targets import TYPES_OF_KIND, Target, targets
from patronage.identify.mapping.toml_table import TomlTable

_UNITS: Final[dict[str, tuple[str, ...]]] = {
    "money": ("major", "minor"),
    "instant": ("text", "seconds", "milliseconds"),
}
_KNOWN: Final = (
    "from", "type", "unit", "time_zone", "currency", "decimal", "format", "at", "round", "default",
    "personal", "searchable",
)  # fmt: skip


def read_column(
    table: TomlTable, field: str, dataset: str, defaults: dict[str, Any], *, by_column: bool
) -> Column:
    """Read `[columns.<field>]`; `by_column` where a column of the file gives the currency."""
    fields = targets(dataset)
    if field not in fields:
        raise table.fail(
            "from",
            f"{dataset} has no field {field!r}",
            f"Fields: {', '.join(fields)}; or mark the column `personal = true`.",
        )
    target = fields[field]
    source = table.need("from", str, "Name the column of the file.")
    type_ = _type(table, target)
    units = _UNITS.get(type_, ())
    unit = table.choice("unit", units, units[0]) if units else _no_unit(table, type_)
    column = Column(
        field=field,
        source=source,
        type=type_,
        unit=unit,
        time_zone=check_zone(table, "time_zone", table.take("time_zone", str))
        or defaults["time_zone"],
        currency=_currency(table, type_, defaults, by_column=by_column),
        decimal=table.choice("decimal", (".", ","), defaults["decimal"]),
        format=table.take("format", str),
        at=table.choice("at", ("start", "end"), "start"),
        round=_either(table.take("round", bool), defaults["round"]),
        default=table.take("default", str),
        nullable=not target.required,
    )
    table.done(_KNOWN)
    return column


def _type(table: TomlTable, target: Target) -> str:
    allowed = TYPES_OF_KIND[target.kind]
    stated = table.take("type", str)
    if stated is not None and stated not in allowed:
        mend = f"Write one of {', '.join(allowed)} for {target.field}."
        raise table.fail("type", f"{stated!r} is not known here", mend)
    return stated or allowed[0]


def _no_unit(table: TomlTable, type_: str) -> str:
    unit = table.take("unit", str)
    if unit is not None:
        raise table.fail("unit", f"{unit!r} means nothing for type {type_}", "Leave it out.")
    return ""


def _currency(
    table: TomlTable, type_: str, defaults: dict[str, Any], *, by_column: bool
) -> str | None:
    stated = table.take("currency", str)
    if type_ != "money":
        if stated is not None:
            raise table.fail("currency", f"type {type_} has none", "Leave it out.")
        return None
    if by_column:
        if stated is not None:
            raise table.fail("currency", "a column gives it as well", "Keep one of the two.")
        return None
    currency = stated or defaults["currency"]
    if currency is None:
        raise table.fail(
            "currency",
            "money without a currency",
            "Write currency = 'USD' here or at the top, or name its column in [columns.currency].",
        )
    return check_currency(table, currency)


def _either(stated: bool | None, default: Any) -> bool:
    return bool(default) if stated is None else stated
