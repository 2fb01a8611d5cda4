"""Which fields may a mapping fill, of which kind, and which must it fill?"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from patronage.warehouse import DATASETS, ColumnType, Dataset


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One field of a dataset as a mapping sees it."""

    #: name in mappings
    field: str
    #: column of the dataset
    column: str
    #: "text", "whole", "number", "money" or "instant"
    kind: str
    #: whether every row needs a value
    required: bool


#: Datasets that files can fill, with the field that says when a row happened.
EVENT_FIELD: Final = MappingProxyType(
    {
        "order_lines": "ordered_at",
        "products": None,
        "customer_facts": "observed_at",
        "past_contacts": "contacted_at",
        "cases": "opened_at",
        "redemptions": "redeemed_at",
        "coupon_products": None,
    }
)

#: Types a mapping may state for a field of each kind; the first is taken when it states none.
TYPES_OF_KIND: Final = MappingProxyType(
    {
        "text": ("text", "whole"),
        "whole": ("whole",),
        "number": ("number", "whole"),
        "money": ("money",),
        "instant": ("instant", "date"),
    }
)

#: Columns that the import itself fills.
_OURS: Final = frozenset(
    {"customer_id", "import_id", "kind", "currency", "name", "value_text", "value_number"}
)
_KINDS: Final = MappingProxyType(
    {
        ColumnType.STRING: "text",
        ColumnType.INT32: "whole",
        ColumnType.INT64: "whole",
        ColumnType.FLOAT64: "number",
        ColumnType.INSTANT: "instant",
    }
)


def targets(dataset: str) -> dict[str, Target]:
    """Give the fields that a mapping for this dataset may fill, by name."""
    declared = DATASETS[dataset]
    listed = [_target(declared, name) for name in declared.column_names if name not in _OURS]
    return {target.field: target for target in listed}


def _target(dataset: Dataset, name: str) -> Target:
    column = next(column for column in dataset.columns if column.name == name)
    money = name.endswith("_minor")
    # Lines are numbered in the order of the file, and a mapping's name is a fact's source,
    # where the mapping names nothing for them.
    filled_otherwise = name in ("line_number", "source")
    return Target(
        field=name.removesuffix("_minor") if money else name,
        column=name,
        kind="money" if money else _KINDS[column.type],
        required=not column.nullable and not filled_otherwise,
    )
