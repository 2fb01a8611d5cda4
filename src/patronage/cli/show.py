"""How is an answer shown: a table for people, one JSON document a line for machines."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

from rich.box import SIMPLE_HEAD
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from patronage.access.progress import Progress as Listener
from patronage.cli.call import current
from patronage.vocabulary.money import Money


@dataclass(frozen=True, slots=True)
class Share:
    """A share of something, 0 to 1: shown as a percentage, written as the number."""

    value: float


T = TypeVar("T")


def share(value: float | None) -> Share | None:
    """The share; None where it is not known."""
    return None if value is None else Share(value)


#: what a column of is aligned on its right
_RIGHT = (int, float, Decimal, Money, Share)


def say(sentence: str) -> None:
    """Tell people something; a machine that reads JSON is not disturbed."""
    call = current()
    (call.err if call.json else call.out).print(Text(sentence), soft_wrap=True)


def complain(sentence: str) -> None:
    """Say what was refused or went wrong."""
    current().err.print(Text(sentence, style="red"), soft_wrap=True)


def heading(sentence: str) -> None:
    """Begin a part of a longer answer."""
    call = current()
    if not call.json:
        call.out.print()
        call.out.print(Text(sentence, style="bold"))


def rows(title: str, records: Sequence[Mapping[str, Any]], *, empty: str = "Nothing.") -> None:
    """Show records with the same keys; a key becomes a column's title."""
    call = current()
    if call.json:
        for record in records:
            _document(record)
        return
    if not records:
        call.out.print(Text(empty))
        return
    table = Table(title=title or None, title_justify="left", box=SIMPLE_HEAD, title_style="bold")
    for name in records[0]:
        right = any(isinstance(each[name], _RIGHT) for each in records)
        table.add_column(
            _title(name),
            justify="right" if right else "left",
            no_wrap=right,
            overflow="fold",
            min_width=6,
        )
    for record in records:
        table.add_row(*(Text(shown(value)) for value in record.values()))
    call.out.print(table)


def facts(title: str, record: Mapping[str, Any]) -> None:
    """Show one record, a line a fact."""
    call = current()
    if call.json:
        _document(record)
        return
    table = Table(title=title or None, title_justify="left", box=None, title_style="bold")
    table.add_column(style="dim")
    table.add_column(overflow="fold")
    table.show_header = False
    for name, value in record.items():
        table.add_row(_title(name), Text(shown(value)))
    call.out.print(table)


def lines(texts: Iterable[str]) -> None:
    """Show plain lines, such as a file's content."""
    for text in texts:
        current().out.print(text, markup=False, highlight=False, soft_wrap=True)


def shown(value: Any) -> str:
    """Write one value for people."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Share):
        return f"{value.value:.1%}"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.2f}"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M} UTC"
    if isinstance(value, list | tuple):
        return ", ".join(shown(each) for each in value)
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {shown(each)}" for name, each in value.items())
    return str(value)


@contextmanager
def working(title: str) -> Iterator[Listener]:
    """Show a bar while something long runs; gives what the work reports its progress to."""
    with _bars() as board:
        task = board.add_task(title, total=1.0, step="")

        def listen(share: float, step: str) -> None:
            board.update(task, completed=share, step=step)

        yield listen


def step(title: str, do: Callable[[datetime, Listener], T]) -> tuple[T, float]:
    """Do one step of several: a bar while it runs, then a line with its time and what it did.

    Returns:
        What the step gave (its text is the line) and its wall time in seconds.
    """
    call = current()
    began = time.monotonic()
    with _bars() as board:
        task = board.add_task(title, total=1.0, step="")
        done = do(call.clock(), lambda share, at: board.update(task, completed=share, step=at))
    seconds = time.monotonic() - began
    line = Text.assemble((f"{title:<34}", ""), (f"{seconds:7.1f} s  ", "dim"), str(done))
    (call.err if call.json else call.out).print(line, soft_wrap=True)
    return done, seconds


def _bars() -> Progress:
    """Give a board of progress bars, which leaves nothing behind."""
    call = current()
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        TimeElapsedColumn(),
        TextColumn("{task.fields[step]}", style="dim"),
        console=call.err,
        transient=True,
        disable=not call.err.is_terminal,
    )


def _document(record: Mapping[str, Any]) -> None:
    text = json.dumps(record, default=_plain, ensure_ascii=False)
    current().out.print(text, markup=False, highlight=False, soft_wrap=True)


def _plain(value: Any) -> Any:
    if isinstance(value, Money):
        return {"minor": value.minor, "currency": value.currency}
    if isinstance(value, Share):
        return value.value
    if isinstance(value, date | datetime):
        return value.isoformat()
    if isinstance(value, Decimal | Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no place in JSON")


def _title(name: str) -> str:
    return name.replace("_", " ").capitalize()
