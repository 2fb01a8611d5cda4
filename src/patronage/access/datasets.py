"""Which state of the warehouse counts? The newest one that a committed row names."""

from __future__ import annotations

import atexit
import os
import threading
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import IntegrityError
from django.db.models import Max
from django.utils.translation import gettext as _

from patronage.access.errors import Refused
from patronage.access.models import DatasetVersion
from patronage.access.transactions import after_commit, atomic
from patronage.warehouse import Manifest, Warehouse

_OPEN: dict[tuple[str, str, int], Warehouse] = {}
_OPENING = threading.Lock()


class DatasetMoved(Refused):
    """Somebody else committed a newer state of the dataset while this one was being written."""

    def __init__(self, *, dataset: str, base: int | None, head: int | None) -> None:
        super().__init__(
            _(
                "Dataset %(dataset)r was written on top of state %(base)s, but its newest "
                "state is %(head)s. Run the work again on the newest state."
            )
            % {"dataset": dataset, "base": base, "head": head}
        )


def head(dataset: str) -> int | None:
    """Give the number of the committed state; None when nothing was ever committed."""
    found = DatasetVersion.objects.filter(dataset=dataset).aggregate(newest=Max("number"))
    newest: int | None = found["newest"]
    return newest


def commit(*, dataset: str, manifest: Manifest, cause: str, now: datetime) -> DatasetVersion:
    """Make a manifest the state that everybody reads once the caller's transaction commits.

    Raises:
        DatasetMoved: the manifest does not build on the committed state.
    """
    current = head(dataset)
    if manifest.number == current:
        return DatasetVersion.objects.get(dataset=dataset, number=current)
    if manifest.parent != current:
        raise DatasetMoved(dataset=dataset, base=manifest.parent, head=current)
    try:
        with atomic():
            return DatasetVersion.objects.create(
                dataset=dataset,
                number=manifest.number,
                parent=manifest.parent or 0,
                rows=manifest.rows,
                committed_at=now,
                cause=cause,
            )
    except IntegrityError as error:
        raise DatasetMoved(dataset=dataset, base=manifest.parent, head=head(dataset)) from error


def warehouse() -> Warehouse:
    """Give the process's warehouse, opened at the first call; a forked child opens its own."""
    root = str(Path(settings.WAREHOUSE_ROOT).absolute())
    key = (root, settings.WAREHOUSE_ENGINE, os.getpid())
    with _OPENING:
        if key not in _OPEN:
            _OPEN[key] = Warehouse(Path(root), settings.WAREHOUSE_ENGINE)
        return _OPEN[key]


_HEAD: Any = object()


def read(dataset: str, number: int | None = _HEAD) -> Any:
    """Give a dataset as an Ibis table: the committed state, or the one with this number."""
    return warehouse().read(dataset, head(dataset) if number is _HEAD else number)


def names() -> list[str]:
    """Name every dataset of which a state was ever committed."""
    found = DatasetVersion.objects.order_by("dataset").values_list("dataset", flat=True)
    return list(found.distinct())


def erase_rows(dataset: str, customer_ids: Sequence[str], *, cause: str, now: datetime) -> int:
    """Take customers' rows out of a dataset for good; return how many there were.

    The files that held them are rewritten, and the old ones removed once the caller's
    transaction has committed, with every earlier state of the dataset.
    """
    number = head(dataset)
    if number is None:
        return 0
    before = warehouse().manifest(dataset, number)
    after = warehouse().without_rows(dataset, customer_ids, base=number)
    if after.number == number:
        return 0
    commit(dataset=dataset, manifest=after, cause=cause, now=now)
    after_commit(lambda: _collect(dataset, after.number))
    return before.rows - after.rows


def _collect(dataset: str, keep: int) -> None:
    warehouse().collect_garbage(dataset, {keep})


def close_warehouses() -> None:
    """Give back memory and temporary files of every warehouse this process opened."""
    with _OPENING:
        for key in [key for key in _OPEN if key[2] == os.getpid()]:
            _OPEN.pop(key).close()


atexit.register(close_warehouses)
