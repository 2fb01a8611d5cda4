"""What must be so before a verb runs: Django is set up, the store is owned and up to date."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SETTINGS = "patronage.site.settings"


def home() -> Path:
    """Give the folder of this installation (PATRONAGE_HOME), without setting Django up."""
    from patronage.site import settings

    return settings.HOME


def is_embedded() -> bool:
    """Say whether the store is the SQLite file, which one process owns."""
    from patronage.site import settings

    return str(settings.DATABASES["default"]["ENGINE"]) == "patronage.access.sqlite"


def set_up() -> None:
    """Set Django up and refuse to start while a mandatory port has no handler."""
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", SETTINGS)
    django.setup()
    from patronage.access.ports import require_handlers

    require_handlers()


@contextmanager
def ready_store() -> Iterator[None]:
    """Own the store for the length of a block, brought up to date first."""
    from patronage.access.store import own_store

    with own_store():
        migrate()
        yield


def waiting_migrations() -> list[str]:
    """Name the changes of the tables that were not applied yet."""
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [f"{migration.app_label}.{migration.name}" for migration, _ in plan]


def migrate() -> list[str]:
    """Apply what waits; give the names of what was applied."""
    from django.core.management import call_command

    waiting = waiting_migrations()
    if waiting:
        call_command("migrate", interactive=False, verbosity=0)
    return waiting
