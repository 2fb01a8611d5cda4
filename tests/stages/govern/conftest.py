"""The small company that govern's tests act in."""

from __future__ import annotations

from datetime import datetime

import pytest
from pytest_django import Settings

from .world import World, add_customers, build


@pytest.fixture(autouse=True)
def quick_passwords(settings: Settings) -> None:
    """Nobody logs in here: hashing six passwords slowly would be most of each test."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def world(db: None, now: datetime) -> World:
    """Four portfolios with a manager each, an executive and an agent."""
    return build(now)


@pytest.fixture
def customer(world: World) -> str:
    """One customer, in the entry portfolio since they first came."""
    return add_customers(1, world.now)[0]
