"""What every test stands on: its own stores, a fixed clock, people in each role."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.contrib.auth.hashers import Argon2PasswordHasher
from django.db import connection
from pytest_django import DjangoDbBlocker, Settings


@pytest.fixture(autouse=True)
def own_stores(settings: Settings, tmp_path: Path) -> None:
    """Give each test a warehouse, a key file and an outbox of its own."""
    settings.WAREHOUSE_ROOT = tmp_path / "warehouse"
    settings.KEY_FILE = tmp_path / "keys.sqlite3"
    settings.KEYS_BACKUP = None
    settings.OUTBOX_ROOT = tmp_path / "outbox"


@pytest.fixture(scope="session", autouse=True)
def quick_log_ins() -> Iterator[None]:
    """Hash passwords with Argon2id as ever, but with one small pass: tests log in all the time."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (("time_cost", 1), ("memory_cost", 8), ("parallelism", 1)):
            patch.setattr(Argon2PasswordHasher, name, value)
        yield


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Let nobody hold the test database when it goes: a page that a browser left may still ask."""
    yield
    with django_db_blocker.unblock():
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )


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
