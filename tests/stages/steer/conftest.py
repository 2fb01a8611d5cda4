"""The small retailer, ready to be stated."""

from __future__ import annotations

import pytest

from patronage.steer.models import Statement

from ..differentiate.history import generate
from ..remembered import Remembered
from .world import IN_JULY, JUNE, SEPTEMBER, World, best_of, build, drafted, hand, valued

_GENERATED = generate(customers=120)


def _stated() -> World:
    made = build(_GENERATED)
    opening = valued(JUNE)
    valued(SEPTEMBER)
    hand(made, best_of(opening, 40), "Top", IN_JULY)
    drafted(JUNE)
    drafted(SEPTEMBER)
    return made


_BUILT = Remembered(lambda: build(_GENERATED))
_STATED = Remembered(_stated)


@pytest.fixture
def world(db: None, request: pytest.FixtureRequest) -> World:
    """Two portfolios with a manager each, 120 customers over a year and a half."""
    return _STATED() if "quarters" in request.fixturenames else _BUILT()


@pytest.fixture
def quarters(world: World) -> tuple[Statement, Statement]:
    """Drafts of two quarters; in the second, New hands its forty best customers to Top."""
    return Statement.objects.get(as_of=JUNE), Statement.objects.get(as_of=SEPTEMBER)
