"""What may a rule ask about? The catalogue of fields, each with a type, a unit and a source."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

#: The types a field may have; float and Decimal both mean "a number, as a double".
FIELD_TYPES: tuple[type, ...] = (int, float, Decimal, str, bool, date)
#: Words of the rule language, which therefore cannot name a field.
RESERVED_WORDS = frozenset(
    ("and", "or", "not", "in", "between", "is", "null", "like", "true", "false", "date", "interval")
)
_NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}", re.ASCII)


class FieldCatalogError(ValueError):
    """A field that cannot be declared, or two declarations of one name."""


@dataclass(frozen=True, slots=True)
class Field:
    """One thing a rule may ask about a customer."""

    #: Lower-case ASCII name, unique in its catalogue.
    name: str
    #: One of int, float, Decimal, str, bool, date.
    type: type
    #: Unit of the value, such as "days" or "USD minor units"; None where it has none.
    unit: str | None = None
    #: What it says, in words a manager understands.
    description: str = ""
    #: Where it comes from: a stage, a data set or a model.
    source: str = ""
    #: Whether it is personal data.
    personal: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or _NAME.fullmatch(self.name) is None:
            raise FieldCatalogError(
                f"{self.name!r} cannot name a field: expected lower-case ASCII letters, digits and "
                "underscores, not beginning with a digit, at most 63 of them."
            )
        if self.name in RESERVED_WORDS:
            raise FieldCatalogError(
                f"{self.name!r} cannot name a field: it is a word of the rule language. "
                f"Use a longer name, such as '{self.name}_of_customer'."
            )
        if self.type not in FIELD_TYPES:
            allowed = ", ".join(each.__name__ for each in FIELD_TYPES)
            raise FieldCatalogError(
                f"Field {self.name!r} has type {self.type!r}; expected one of {allowed}."
            )


class FieldCatalog(Mapping[str, Field]):
    """Fields by name, in the order they were declared. Immutable."""

    __slots__ = ("_fields",)

    def __init__(self, fields: Iterable[Field] = ()) -> None:
        self._fields: dict[str, Field] = {}
        for each in fields:
            if each.name in self._fields:
                raise FieldCatalogError(
                    f"Field {each.name!r} is declared twice: from "
                    f"{self._fields[each.name].source or 'an unnamed source'!r} and "
                    f"{each.source or 'an unnamed source'!r}. Rename or drop one of them."
                )
            self._fields[each.name] = each

    @classmethod
    def merge(cls, *catalogs: FieldCatalog) -> FieldCatalog:
        """Give one catalogue with the fields of all; a name declared in two is refused."""
        return cls(each for catalog in catalogs for each in catalog.values())

    def __getitem__(self, name: str) -> Field:
        return self._fields[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)

    def __repr__(self) -> str:
        return f"FieldCatalog({list(self._fields.values())!r})"

    def closest(self, name: str) -> str | None:
        """Give the declared name most like ``name``, for "did you mean"; None if none is near."""
        near = difflib.get_close_matches(name.lower(), list(self._fields), n=1)
        return near[0] if near else None
