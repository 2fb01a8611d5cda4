"""How is a dataset declared: which columns, of which type, since which schema version?"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class ColumnType(Enum):
    """The types a column may have; the value is the name Ibis knows the type by."""

    STRING = "string"
    BOOLEAN = "boolean"
    INT8 = "int8"
    INT32 = "int32"
    INT64 = "int64"
    FLOAT64 = "float64"
    DATE = "date"
    #: An instant in UTC with microseconds.
    INSTANT = "timestamp('UTC', 6)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One declared column."""

    #: Name in files and queries.
    name: str
    #: Type in files and queries.
    type: ColumnType
    #: Whether "not known" may be stored.
    nullable: bool = False
    #: Schema version that introduced the column.
    since: int = 1
    #: The only values allowed; empty means any.
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """One declared dataset: a chain of manifests over Parquet files of these columns.

    A column added after version 1 must be nullable, because the files written before it
    cannot know its value.
    """

    #: Name of the dataset and of its folder.
    name: str
    #: Current schema version.
    version: int
    #: Columns in the order they are read.
    columns: tuple[Column, ...]
    #: Columns by which each written file is sorted, so that reading few customers reads little.
    sort_by: tuple[str, ...]
    #: Column that names the customer a row is about; None where no row is about a customer.
    subject: str | None = "customer_id"

    def __post_init__(self) -> None:
        """Refuse a declaration that contradicts itself."""
        names = self.column_names
        twice = sorted({name for name in names if names.count(name) > 1})
        lost = sorted({*self.sort_by, *filter(None, (self.subject,))} - set(names))
        impossible = [
            column.name
            for column in self.columns
            if not 1 <= column.since <= self.version or (column.since > 1 and not column.nullable)
        ]
        if twice or lost or impossible:
            raise ValueError(
                f"dataset {self.name} version {self.version} contradicts itself: "
                f"columns declared twice {twice}; sorted by or about undeclared columns {lost}; "
                f"added in a version that does not exist, or later and not nullable {impossible}"
            )

    @property
    def column_names(self) -> tuple[str, ...]:
        """Names of all columns, in the order they are read."""
        return tuple(column.name for column in self.columns)

    def columns_at(self, version: int) -> frozenset[str]:
        """Names of the columns that files of schema version `version` hold."""
        return frozenset(column.name for column in self.columns if column.since <= version)


def string(
    name: str, *, null: bool = False, since: int = 1, values: tuple[str, ...] = ()
) -> Column:
    """Declare a text column."""
    return Column(name=name, type=ColumnType.STRING, nullable=null, since=since, values=values)


def boolean(name: str, *, null: bool = False, since: int = 1) -> Column:
    """Declare a yes-or-no column."""
    return Column(name=name, type=ColumnType.BOOLEAN, nullable=null, since=since)


def int8(name: str, *, null: bool = False, since: int = 1) -> Column:
    """Declare a column of small codes."""
    return Column(name=name, type=ColumnType.INT8, nullable=null, since=since)


def int32(name: str, *, null: bool = False, since: int = 1) -> Column:
    """Declare a column of counts."""
    return Column(name=name, type=ColumnType.INT32, nullable=null, since=since)


def int64(name: str, *, null: bool = False, since: int = 1) -> Column:
    """Declare a column of large whole numbers, such as money in minor units."""
    return Column(name=name, type=ColumnType.INT64, nullable=null, since=since)


def float64(name: str, *, null: bool = False, since: int = 1) -> Column:
    """Declare a column of measured or estimated numbers."""
    return Column(name=name, type=ColumnType.FLOAT64, nullable=null, since=since)


def date(name: str, *, null: bool = False, since: int = 1) -> Column:
    """Declare a column of business dates."""
    return Column(name=name, type=ColumnType.DATE, nullable=null, since=since)


def instant(name: str, *, null: bool = False, since: int = 1) -> Column:
    """Declare a column of instants in UTC."""
    return Column(name=name, type=ColumnType.INSTANT, nullable=null, since=since)
