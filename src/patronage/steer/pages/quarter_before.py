"""How does the quarter compare with the one before it, line by line?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from patronage.access.roles import Actor
from patronage.differentiate.pages.words import quarter_words
from patronage.steer import reads
from patronage.steer.models import LINES
from patronage.steer.pages.words import LEVELS, TITLES
from patronage.steer.reads import Column, StatementHead, StatementView


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One figure of both quarters."""

    title: str
    is_level: bool
    now_minor: int
    #: None where the quarter before had no such figure
    before_minor: int | None

    @property
    def difference_minor(self) -> int | None:
        """How much more it is than a quarter before; None where there is nothing to compare."""
        return None if self.before_minor is None else self.now_minor - self.before_minor


@dataclass(frozen=True, slots=True, kw_only=True)
class QuarterBefore:
    """The statement before the one shown, beside it; cents of rounding left out."""

    quarter: str
    #: whether its figures may still change
    is_final: bool
    rows: Sequence[Compared]


def quarter_before(
    actor: Actor, now: datetime, shown: StatementView, heads: Sequence[StatementHead]
) -> QuarterBefore | None:
    """The statement of the date before, of today's portfolios; None for the first one."""
    earlier = [head.as_of for head in heads if head.as_of < shown.head.as_of]
    if not earlier:
        return None
    before = reads.statement(actor, max(earlier), now)
    if not before.portfolios:
        return None
    return QuarterBefore(
        quarter=quarter_words(before.head.quarter),
        is_final=before.head.state == "published",
        rows=[*_lines(shown.total, before.total), _margin(shown.total, before.total)],
    )


def _lines(now: Column, before: Column) -> list[Compared]:
    return [
        Compared(
            title=str(TITLES[kind]),
            is_level=kind in LEVELS,
            now_minor=now.amounts_minor[kind],
            before_minor=_known(before, kind),
        )
        for kind in LINES
        if kind != "rounding" and (now.amounts_minor[kind] or before.amounts_minor[kind])
    ]


def _known(before: Column, kind: str) -> int | None:
    """A first statement has no opening and nothing that moved from it: neither is a zero."""
    has_opening = before.expected_margin_minor is not None
    return before.amounts_minor[kind] if has_opening or before.amounts_minor[kind] else None


def _margin(now: Column, before: Column) -> Compared:
    return Compared(
        title=_("Margin realised"),
        is_level=True,
        now_minor=now.realised_margin_minor,
        before_minor=before.realised_margin_minor,
    )
