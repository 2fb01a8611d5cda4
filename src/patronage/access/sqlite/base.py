"""The backend that Django loads as `patronage.access.sqlite`."""

from __future__ import annotations

from typing import Any

from django.db.backends.sqlite3 import base as django_sqlite

from patronage.access.sqlite.connection import TurnTakingConnection, TurnTakingCursor


class _Cursor(django_sqlite.SQLiteCursorWrapper, TurnTakingCursor):
    """Django's placeholders in front, taking turns behind."""


class DatabaseWrapper(django_sqlite.DatabaseWrapper):
    """Django's SQLite with the process-wide write lock."""

    def get_connection_params(self) -> dict[str, Any]:
        return {**super().get_connection_params(), "factory": TurnTakingConnection}

    def create_cursor(self, name: str | None = None) -> Any:
        del name  # cursors kept on the server: SQLite has none
        return self.connection.cursor(factory=_Cursor)
