"""What every change of who is in charge needs: a reason, and a date that is not ahead."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from patronage.govern.errors import NoReason, StartsInFuture
from patronage.vocabulary.periods import as_utc

LONGEST_REASON: Final = 400


def stated(reason: str) -> str:
    """Give the reason in one line; refuse none, too long a one, and what no store keeps."""
    why = " ".join(reason.split())
    if not why.isprintable():
        raise NoReason(length=0, longest=LONGEST_REASON)
    if not 1 <= len(why) <= LONGEST_REASON:
        raise NoReason(length=len(why), longest=LONGEST_REASON)
    return why


def not_in_future(starts_at: datetime, now: datetime) -> datetime:
    """Give the instant in UTC; refuse one that is later than now."""
    starts = as_utc(starts_at)
    if starts > now:
        raise StartsInFuture(starts_at=starts, now=now)
    return starts
