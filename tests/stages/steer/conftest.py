"""The small retailer, ready to be stated."""

from __future__ import annotations

import pytest
from pytest_django import Settings

from ..differentiate.history import generate
from .world import World, build

_GENERATED = generate(customers=120)


@pytest.fixture(autouse=True)
def quick_passwords(settings: Settings) -> None:
    """Nobody logs in here: hashing passwords slowly would be most of each test."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def world(db: None) -> World:
    """Two portfolios with a manager each, 120 customers over a year and a half."""
    return build(_GENERATED)
