"""People for the tests of access."""

from __future__ import annotations

from datetime import datetime

import pytest

from patronage.access.models import User
from patronage.access.people import create_user
from patronage.access.roles import SYSTEM, Actor, Role


@pytest.fixture
def administrator_user(db: None, now: datetime) -> User:
    """The first person of the installation."""
    return create_user(
        actor=SYSTEM,
        now=now,
        email="Ada@Example.com",
        name="Ada",
        password="a long enough phrase",
        roles=[Role.ADMINISTRATOR],
        reason="first person",
    )


@pytest.fixture
def administrator(administrator_user: User) -> Actor:
    """The first person, acting."""
    return Actor(id=administrator_user.id, name="Ada", roles=frozenset({Role.ADMINISTRATOR}))
