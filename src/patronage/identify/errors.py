"""What can go wrong with customers, mappings and imports."""

from __future__ import annotations

from typing import TYPE_CHECKING

from patronage.access.errors import Refused

if TYPE_CHECKING:
    from patronage.identify.models import ImportRun


class MappingError(Refused):
    """A mapping file says something that cannot be used."""

    def __init__(self, *, mapping: str, key: str, found: str, mend: str) -> None:
        super().__init__(f"Mapping {mapping}, {key}: {found}. {mend}")
        self.mapping = mapping
        self.key = key


class FileUnfit(Refused):
    """A file as a whole cannot be read as its mapping says; no row of it was looked at."""


class ImportRefused(Refused):
    """Nothing of the file was imported; the run keeps the reason and the rows that did not fit."""

    def __init__(self, run: ImportRun) -> None:
        super().__init__(f"Nothing was imported from {run.file_name}: {run.error}")
        self.run = run


class IdentifierTaken(Refused):
    """A source already knows another customer under that name."""

    def __init__(self, *, kind: str, count: int) -> None:
        super().__init__(
            f"Among {count} customers to create, a {kind} is already another's or stands twice. "
            "Nothing was created; look the customers up and leave them out."
        )
        self.kind = kind


class NoSuchImport(Refused):
    """The mapping's name is not one of those that come with the package."""

    def __init__(self, *, name: str, known: list[str]) -> None:
        super().__init__(
            f"There is no packaged mapping {name!r}. Packaged mappings: {', '.join(known)}; "
            "or give the path of a mapping file."
        )
