"""A stored history, and a wall clock that is past its end."""

from __future__ import annotations

import pytest

from .history import History, generate, store

_GENERATED = generate()


@pytest.fixture
def history(db: None) -> History:
    """Two hundred customers over a year and a half, committed to the stores."""
    store(_GENERATED)
    return _GENERATED
