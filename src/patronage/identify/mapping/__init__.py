"""How does a file become rows of a dataset? Mapping files say so, column by column."""

from patronage.identify.mapping.packaged import packaged, packaged_names
from patronage.identify.mapping.parse import load_mapping, parse_mapping
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

__all__ = [
    "Column",
    "CsvOptions",
    "CustomerColumn",
    "Fact",
    "Join",
    "Mapping",
    "PersonalColumn",
    "Returns",
    "Window",
    "load_mapping",
    "packaged",
    "packaged_names",
    "parse_mapping",
]
