"""How far is a long piece of work? Called by the work, shown by whoever started it."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Told the share done (0 to 1) and what is being done now."""

    def __call__(self, share: float, step: str) -> None:
        """Note that `share` of the work is done and `step` is under way."""


def silent(share: float, step: str) -> None:
    """Tell nobody."""


def part(progress: Progress, start: float, end: float) -> Progress:
    """Give a part of the work its stretch of the whole: its 0 is `start`, its 1 is `end`."""

    def within(share: float, step: str) -> None:
        progress(start + (end - start) * share, step)

    return within
