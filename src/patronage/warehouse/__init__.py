"""History in, outputs out: numbered, immutable states of Parquet datasets, read through Ibis.

No Django here. The operational row that names a committed manifest lives elsewhere; the queries
live in the stages that ask them.
"""

from patronage.warehouse.columns import Column, ColumnType, Dataset
from patronage.warehouse.data_files import Difference
from patronage.warehouse.errors import (
    ManifestConflict,
    NewerSchema,
    RowsDoNotFit,
    SchemaChanged,
    UnknownDataset,
    UnknownEngine,
    UnknownManifest,
    WarehouseError,
)
from patronage.warehouse.manifests import DataFile, Manifest
from patronage.warehouse.schemas import DATASETS
from patronage.warehouse.store import Warehouse

__all__ = [
    "DATASETS",
    "Column",
    "ColumnType",
    "DataFile",
    "Dataset",
    "Difference",
    "Manifest",
    "ManifestConflict",
    "NewerSchema",
    "RowsDoNotFit",
    "SchemaChanged",
    "UnknownDataset",
    "UnknownEngine",
    "UnknownManifest",
    "Warehouse",
    "WarehouseError",
]
