"""Who sends events, how many, how late, and what of them was not taken? Counted by day."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from patronage.identify import bulk
from patronage.identify.models import SourceDay

_TABLE: Final = SourceDay._meta.db_table
_SUMS: Final = ("accepted", "repeated", "quarantined", "rejected", "lag_seconds")
_ADD: Final = (
    "ON CONFLICT (source_id, day) DO UPDATE SET "
    + ", ".join(f"{name} = {_TABLE}.{name} + excluded.{name}" for name in _SUMS)
    + f", last_seen_at = CASE WHEN excluded.last_seen_at > {_TABLE}.last_seen_at"
    f" THEN excluded.last_seen_at ELSE {_TABLE}.last_seen_at END"
)


@dataclass(slots=True, kw_only=True)
class Counts:
    """What one source sent in one group."""

    accepted: int = 0
    repeated: int = 0
    quarantined: int = 0
    rejected: int = 0
    #: sum over accepted events, from occurrence to arrival
    lag_seconds: float = 0.0

    def add(self, state: str) -> None:
        """Count one event that ended in this state."""
        setattr(self, state, getattr(self, state) + 1)


def count(counts: Mapping[str, Counts], now: datetime) -> None:
    """Add to the day's counts of each source, in the caller's transaction."""
    sources = sorted(counts)
    columns: dict[str, list[Any]] = {
        "source_id": sources,
        "day": [now.date()] * len(sources),
        "last_seen_at": [now] * len(sources),
    }
    for name in _SUMS:
        columns[name] = [getattr(counts[each], name) for each in sources]
    bulk.insert(SourceDay, columns, on_conflict=_ADD)
