"""The small retailer of the decisions' tests, decided once and served."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from patronage.access.keys import create_key
from patronage.access.roles import SYSTEM, Role
from patronage.customize.jobs import decide
from patronage.edge.app import create_app
from patronage.edge.decisions import effects
from patronage.edge.writer import GroupWriter

from ..customize.world import AS_OF, World, build
from ..differentiate.history import NOW
from ..remembered import Remembered
from .served import Served, serving


def _decided() -> World:
    made = build()
    decide(actor=SYSTEM, now=NOW, as_of=AS_OF)
    return made


_BUILT = Remembered(_decided)


@pytest.fixture
def world(transactional_db: None) -> World:
    """Valued, assigned, with offers, decided as of the date; seen by every thread."""
    return _BUILT()


@pytest.fixture
def asked_at() -> datetime:
    """When decisions are asked for."""
    return NOW + timedelta(hours=1)


@pytest.fixture
def served(world: World, asked_at: datetime) -> Iterator[Served]:
    """The whole application on a port, with a key of another system."""
    _, key = create_key(actor=SYSTEM, now=NOW, label="shop", role=Role.SERVICE)
    # patient, so that a busy machine is not taken for a store that is away
    patient = GroupWriter(effects, patience=5.0)
    with serving(create_app(writer=patient, clock=lambda: asked_at), key) as server:
        yield server


@pytest.fixture
def nobody_served(transactional_db: None, asked_at: datetime) -> Iterator[Served]:
    """The same over an empty store."""
    _, key = create_key(actor=SYSTEM, now=NOW, label="shop", role=Role.SERVICE)
    with serving(create_app(clock=lambda: asked_at), key) as server:
        yield server
