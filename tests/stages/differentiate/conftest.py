"""A stored history, and a wall clock that is past its end."""

from __future__ import annotations

import pytest

from ..remembered import Remembered
from .history import History, generate, store

_GENERATED = generate()
_STORED = Remembered(lambda: store(_GENERATED))


@pytest.fixture
def history(db: None) -> History:
    """Two hundred customers over a year and a half, committed to the stores."""
    _STORED()
    return _GENERATED
