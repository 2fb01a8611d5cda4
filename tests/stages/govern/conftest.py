"""The small company that govern's tests act in."""

from __future__ import annotations

from datetime import datetime

import pytest

from .world import World, add_customers, build


@pytest.fixture
def world(db: None, now: datetime) -> World:
    """Four portfolios with a manager each, an executive and an agent."""
    return build(now)


@pytest.fixture
def customer(world: World) -> str:
    """One customer, in the entry portfolio since they first came."""
    return add_customers(1, world.now)[0]
