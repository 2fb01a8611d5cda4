"""What may a rule ask about? The catalogue of fields, each with a type, a unit and a source."""

from __future__ import annotations

import difflib
import hashlib
import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

#: The types a field may have; float and Decimal both mean "a number, as a double".
FIELD_TYPES: tuple[type, ...] = (int, float, Decimal, str, bool, date)
#: Words of the rule language, which therefore cannot name a field.
RESERVED_WORDS = frozenset(
    ("and", "or", "not", "in", "between", "is", "null", "like", "true", "false", "date", "interval")
)
#: How a stored catalogue names the types.
_TYPE_NAMES = {each.__name__: each for each in FIELD_TYPES}
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
    #: How old the value may be when a rule asks for it; None where its source promises nothing.
    freshness: timedelta | None = None
    #: Roles whose rules may use it; None: everybody's.
    usable_by: frozenset[str] | None = None

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
        if self.freshness is not None and self.freshness <= timedelta(0):
            raise FieldCatalogError(
                f"Field {self.name!r} has freshness {self.freshness}; expected more than nothing, "
                "or None where no age is promised."
            )
        if isinstance(self.usable_by, str):
            raise FieldCatalogError(
                f"Field {self.name!r} is usable by {self.usable_by!r}; expected a set of roles, "
                f"such as frozenset({{{self.usable_by!r}}})."
            )
        if self.usable_by is not None:
            object.__setattr__(self, "usable_by", frozenset(self.usable_by))


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

    def usable_by(self, roles: Collection[str]) -> FieldCatalog:
        """Give the fields that the rules of somebody with these roles may use.

        A rule read against it meets the others as fields that do not exist.
        """
        return FieldCatalog(
            each
            for each in self.values()
            if each.usable_by is None or not each.usable_by.isdisjoint(roles)
        )

    def to_json(self) -> str:
        """Give the stored form: the same text for equal catalogues, in the order declared."""
        document = [_document(each) for each in self.values()]
        return json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":"))

    @classmethod
    def from_json(cls, document: str | Iterable[Mapping[str, Any]]) -> FieldCatalog:
        """Read what ``to_json`` gave (text or the parsed list) into an equal catalogue.

        Raises FieldCatalogError for anything else.
        """
        try:
            listed = json.loads(document) if isinstance(document, str) else document
            return cls(_field(each) for each in listed)
        except FieldCatalogError:
            raise
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise FieldCatalogError(
                f"The stored catalogue is damaged: {error!r:.200}. "
                "Store what FieldCatalog.to_json gives, unchanged."
            ) from error

    @property
    def digest(self) -> str:
        """Give the SHA-256 of the stored form: the same for equal catalogues."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()

    def __getitem__(self, name: str) -> Field:
        return self._fields[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, FieldCatalog) and list(self.values()) == list(other.values())

    def __hash__(self) -> int:
        return hash(tuple(self.values()))

    def __repr__(self) -> str:
        return f"FieldCatalog({list(self._fields.values())!r})"

    def closest(self, name: str) -> str | None:
        """Give the declared name most like ``name``, for "did you mean"; None if none is near."""
        near = difflib.get_close_matches(name.lower(), list(self._fields), n=1)
        return near[0] if near else None


def _document(field: Field) -> dict[str, Any]:
    return {
        "name": field.name,
        "type": field.type.__name__,
        "unit": field.unit,
        "description": field.description,
        "source": field.source,
        "personal": field.personal,
        "freshness_seconds": None if field.freshness is None else field.freshness.total_seconds(),
        "usable_by": None if field.usable_by is None else sorted(field.usable_by),
    }


def _field(document: Mapping[str, Any]) -> Field:
    given = dict(document)
    seconds, roles = given.pop("freshness_seconds"), given.pop("usable_by")
    return Field(
        **given | {"type": _TYPE_NAMES[given["type"]]},
        freshness=None if seconds is None else timedelta(seconds=seconds),
        usable_by=None if roles is None else frozenset(roles),
    )
