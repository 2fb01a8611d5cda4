"""A small bookseller's year in three CSV files, drawn with a seed, for the pages to be tried on.

Customers buy at rates of their own and leave after lifetimes of their own, as the purchase model
assumes, so that it can be fitted; 400 customers and nine months are enough for it.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Final

import numpy as np

CUSTOMERS: Final = 400
FIRST_DAY: Final = date(2025, 1, 1)
DAYS: Final = 272
BOOKS: Final = 40
_SHELVES: Final = (
    ("FICTION", "NOVELS"),
    ("FICTION", "CRIME"),
    ("CHILDREN", "PICTURE BOOKS"),
    ("TRAVEL", "GUIDES"),
)
#: a date that no calendar has: one row for the quarantine
_BROKEN: Final = ("9999-000", 1, "C0001", "31/02/2025 10:00", "B001", 1, "9,90")

Line = tuple[date, str, int, int, str, float]
Row = tuple[object, ...]


def write(folder: Path) -> None:
    """Write products.csv, customers.csv and orders.csv."""
    rng = np.random.default_rng(20250930)
    first = {f"C{n:04}": int(rng.integers(0, 150)) if n > 1 else 0 for n in range(1, CUSTOMERS + 1)}
    lines = sorted(line for name, day in first.items() for line in _bought(name, day, rng))
    _write(folder / "products.csv", ",", ("sku", "department", "category"), _books())
    _write(
        folder / "customers.csv",
        ",",
        ("customer_no", "email", "region", "known_since"),
        (
            (name, f"{name.lower()}@example.org", _region(name), FIRST_DAY + timedelta(days=day))
            for name, day in first.items()
        ),
    )
    _write(
        folder / "orders.csv",
        ";",
        ("order_no", "line", "customer_no", "bought_at", "sku", "quantity", "paid"),
        (*map(_as_written, lines), _BROKEN),
    )


def _books() -> Iterator[tuple[str, str, str]]:
    for number in range(1, BOOKS + 1):
        yield (f"B{number:03}", *_SHELVES[number % len(_SHELVES)])


def _bought(name: str, first: int, rng: np.random.Generator) -> Iterator[Line]:
    rate, dropout = rng.gamma(0.8, 1 / 16), rng.gamma(0.9, 1 / 150)
    ends = min(first + rng.exponential(1 / dropout), DAYS)
    usual, at, order = 25 * rng.gamma(4, 1 / 4), float(first), 0
    while order == 0 or at <= ends:
        day = FIRST_DAY + timedelta(days=int(at))
        for number in range(1, int(rng.integers(1, 4)) + 1):
            paid = max(0.5, usual * rng.gamma(8, 1 / 8) / 2)
            yield day, name, order, number, f"B{int(rng.integers(1, BOOKS + 1)):03}", paid
        order += 1
        at += rng.exponential(1 / rate)


def _as_written(line: Line) -> tuple[str | int, ...]:
    day, name, order, number, book, paid = line
    amount = f"{paid:.2f}".replace(".", ",")
    when = f"{day:%d/%m/%Y} 10:{order % 60:02}"
    return f"{name[1:]}-{order:03}", number, name, when, book, 1, amount


def _region(name: str) -> str:
    return "north" if int(name[1:]) % 2 else "south"


def _write(
    path: Path, delimiter: str, head: tuple[str, ...], lines: Iterable[tuple[object, ...]]
) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter=delimiter)
        writer.writerow(head)
        writer.writerows(lines)
