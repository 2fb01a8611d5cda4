"""What can go wrong between the caller and the history on disk?"""

from __future__ import annotations

from collections.abc import Iterable


class WarehouseError(Exception):
    """Anything the warehouse refuses; the message says what to do next."""


class UnknownEngine(WarehouseError):
    """The configuration names an engine that is not built in."""

    def __init__(self, name: str, known: Iterable[str]) -> None:
        super().__init__(
            f"warehouse engine {name!r} is not known; known engines: {', '.join(sorted(known))}. "
            "Correct the engine's name in the configuration."
        )


class UnknownDataset(WarehouseError):
    """The dataset was never declared."""

    def __init__(self, name: str, known: Iterable[str]) -> None:
        super().__init__(
            f"dataset {name!r} is not declared; declared datasets: {', '.join(sorted(known))}. "
            "Declare it in patronage.warehouse.schemas or correct the name."
        )


class UnknownManifest(WarehouseError):
    """No manifest of that number is on disk."""

    def __init__(self, dataset: str, number: int) -> None:
        super().__init__(
            f"{dataset} has no manifest {number}; the folder was emptied, or restored from an "
            "older backup than the operational row that names it. Restore both from one backup."
        )


class ManifestConflict(WarehouseError):
    """Another writer took the number first."""

    def __init__(self, dataset: str, number: int, base: int | None) -> None:
        super().__init__(
            f"{dataset} manifest {number}, meant to build on {base}, was written by another "
            "writer in the meantime. Read the committed manifest again and repeat the write."
        )


class NewerSchema(WarehouseError):
    """The manifest was written by a later release."""

    def __init__(self, dataset: str, number: int, found: int, known: int) -> None:
        super().__init__(
            f"{dataset} manifest {number} has schema version {found}; this release knows up to "
            f"{known}. Upgrade this installation before reading it."
        )


class SchemaChanged(WarehouseError):
    """A schema version was declared anew after files had been written with it."""

    def __init__(self, dataset: str, number: int, version: int, columns: Iterable[str]) -> None:
        super().__init__(
            f"{dataset} manifest {number} was written with other columns than schema version "
            f"{version} declares now: {', '.join(sorted(columns))}. A column added later needs "
            "null=True, since=<a new version>, and the dataset that version."
        )


class RowsDoNotFit(WarehouseError):
    """The rows offered do not have the shape the dataset declares; nothing was written."""

    def __init__(self, dataset: str, reasons: Iterable[str]) -> None:
        self.reasons = tuple(reasons)
        super().__init__(
            f"rows refused by {dataset}: {'; '.join(self.reasons)}. Nothing was written."
        )
