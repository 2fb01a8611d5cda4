"""What can go wrong when outcomes are read out."""

from __future__ import annotations

from datetime import date

from patronage.access.errors import Refused


class NoDecisions(Refused):
    """There is nothing to read out."""

    def __init__(self, *, as_of: date) -> None:
        super().__init__(
            f"No decisions were made as of {as_of}, so nothing can be read out. "
            "Decide as of that date first."
        )
