"""What time is it, for the people and systems that call? The one clock of the web face."""

from __future__ import annotations

from datetime import UTC, datetime


def now() -> datetime:
    """The present instant; every request reads it once and passes it on."""
    return datetime.now(UTC)
