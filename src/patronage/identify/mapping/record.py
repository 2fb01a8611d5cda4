"""What does a checked mapping hold?"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date


@dataclass(frozen=True, slots=True, kw_only=True)
class CsvOptions:
    """How the text of a CSV file is written."""

    #: name of the character set, such as "utf-8" or "cp1252"
    encoding: str = "utf-8"
    #: one character between two values
    delimiter: str = ","
    #: one character around values that hold delimiters; empty where nothing is quoted
    quote: str = '"'


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerColumn:
    """Which column names the customer, and what a customer made from it is like."""

    #: column of the file
    column: str
    #: kind of identifier, such as "household_id"
    kind: str
    #: "person", "household" or "organisation"
    customer_kind: str = "person"
    #: display name; `{}` stands for the identifier, which must then not be personal
    label: str = "Customer"
    #: whether the identifier is personal (an e-mail address): kept as a keyed digest only
    personal: bool = False
    #: whether an unknown customer is created; otherwise the row is quarantined
    create: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """How one field of the dataset is read from a column of the file."""

    #: field of the dataset; money without its `_minor`
    field: str
    #: column of the file
    source: str
    #: "text", "whole", "number", "money", "instant" or "date"
    type: str
    #: money: "major" or "minor"; instant: "text", "seconds" or "milliseconds" since 1970; else ""
    unit: str = ""
    #: IANA zone of instants and dates that carry none
    time_zone: str = "UTC"
    #: ISO 4217 code of money; None where a column of the file says it
    currency: str | None = None
    #: decimal mark of numbers in text
    decimal: str = "."
    #: strptime pattern of instants and dates in text; None for ISO 8601
    format: str | None = None
    #: "start" or "end": which instant of a date is meant
    at: str = "start"
    #: whether money with more decimals than its currency is rounded, half to even
    round: bool = False
    #: text taken where the column is empty; None leaves it unknown
    default: str | None = None
    #: whether the dataset can do without a value
    nullable: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonalColumn:
    """A column that goes to the vault, never to the warehouse."""

    #: name in the vault, such as "email"
    name: str
    #: column of the file
    source: str
    #: whether the person can be found by it
    searchable: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One property of the customer that a column of the file states."""

    #: name of the fact
    name: str
    #: column of the file
    source: str
    #: "text" or "number"
    type: str = "text"


@dataclass(frozen=True, slots=True, kw_only=True)
class Join:
    """A second file, beside the first, that completes each row."""

    #: name of the file, in the first one's folder
    file: str
    #: column that both files have; unique in the second
    on: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Returns:
    """How the file marks a line as a return; without one, negative lines are quarantined."""

    #: column whose value marks a return; None where a return has negative quantity and amount
    column: str | None = None
    #: the marking values
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Dates, in the company's zone, outside which an event is quarantined."""

    earliest: date | None = None
    latest: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapping:
    """One way of reading one kind of file; checked when it was loaded."""

    #: name shown in histories
    name: str
    #: SHA-256 of the text it was loaded from
    digest: str
    #: dataset of the warehouse
    dataset: str
    #: "csv" or "parquet"
    format: str
    #: usual name of the file
    file: str | None = None
    csv: CsvOptions = field(default_factory=CsvOptions)
    customer: CustomerColumn | None = None
    columns: tuple[Column, ...] = ()
    #: fields with one value for the whole file, as text in the form their type is written in
    constants: tuple[tuple[str, str], ...] = ()
    #: currency for the whole file; None where a column says it, or where nothing is money
    currency: str | None = None
    #: column of the file that holds the currency
    currency_column: str | None = None
    #: zone of constants that carry none
    time_zone: str = "UTC"
    #: fields that together name a row: the same again is a repeat
    key: tuple[str, ...] = ()
    returns: Returns | None = None
    window: Window = field(default_factory=Window)
    #: customers whose first event is on this date or before it entered with the panel
    panel_entry_until: date | None = None
    facts: tuple[Fact, ...] = ()
    personal: tuple[PersonalColumn, ...] = ()
    join: Join | None = None
    #: columns of the files that are known and not wanted
    ignore: tuple[str, ...] = ()

    @property
    def sources(self) -> tuple[str, ...]:
        """Columns of the files that are read, each once, in the order they are named."""
        named = [column.source for column in self.columns]
        named += [fact.source for fact in self.facts] + [p.source for p in self.personal]
        if self.customer is not None:
            named.append(self.customer.column)
        named += [c for c in (self.currency_column, self.returns and self.returns.column) if c]
        named += [self.join.on] if self.join is not None else []
        return tuple(dict.fromkeys(named))
