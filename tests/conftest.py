"""What every test stands on: its own stores, a fixed clock, people in each role."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pytest_django import Settings


@pytest.fixture(autouse=True)
def own_stores(settings: Settings, tmp_path: Path) -> None:
    """Give each test a warehouse, a key file and an outbox of its own."""
    settings.WAREHOUSE_ROOT = tmp_path / "warehouse"
    settings.KEY_FILE = tmp_path / "keys.sqlite3"
    settings.OUTBOX_ROOT = tmp_path / "outbox"


@pytest.fixture
def now() -> datetime:
    """The instant at which the test's actions happen."""
    return datetime(2026, 1, 15, 9, 30, tzinfo=UTC)


@pytest.fixture(scope="session")
def published_data() -> Path:
    """The folder of published data sets that PATRONAGE_TEST_DATA names."""
    named = os.environ.get("PATRONAGE_TEST_DATA")
    if not named:
        pytest.skip("PATRONAGE_TEST_DATA does not name a folder with the published data sets")
    folder = Path(named)
    if not folder.is_dir():
        pytest.fail(f"PATRONAGE_TEST_DATA names {folder}, which is no folder")
    return folder
