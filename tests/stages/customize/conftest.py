"""The small retailer that these tests decide for."""

from __future__ import annotations

import pytest

from .world import World, build


@pytest.fixture
def world(db: None) -> World:
    """Valued, assigned, with offers; nothing is decided yet."""
    return build()
