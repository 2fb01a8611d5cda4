"""A company whose contacts wait to be sent."""

from __future__ import annotations

from datetime import datetime

import pytest

from .world import World, build


@pytest.fixture
def world(db: None, now: datetime) -> World:
    """Twenty customers with one contact each, ten by mail and ten by e-mail."""
    return build(customers=20, now=now)
