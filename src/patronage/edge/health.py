"""Is the process alive, and can it take work? `/live` and `/ready`."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import Final

from django.db import DatabaseError, InterfaceError, connection
from django.db.migrations.executor import MigrationExecutor
from starlette.requests import Request
from starlette.responses import Response

from patronage.access.ports import unhandled
from patronage.access.transactions import atomic
from patronage.edge.requests import encoded

#: How long the store may take to answer, seconds.
PATIENCE: Final = 2.0
#: How long an answer stands, so that checks cannot load the store.
_STANDS: Final = 0.5


@dataclass(slots=True)
class _Last:
    at: float = float("-inf")
    problems: tuple[str, ...] = ()


class Readiness:
    """Looks whether the store can be written, the tables are up to date and nothing is missing."""

    def __init__(self) -> None:
        self._last = _Last()
        self._looking = asyncio.Lock()

    async def answer(self, request: Request) -> Response:
        """Say whether it can take work, and what stands in the way."""
        del request
        async with self._looking:
            if time.monotonic() - self._last.at > _STANDS:
                problems = await self._look()
                self._last = _Last(time.monotonic(), problems)
        content = {"ready": not self._last.problems, "problems": self._last.problems}
        status = 503 if self._last.problems else 200
        return Response(encoded(content), status_code=status, media_type="application/json")

    async def _look(self) -> tuple[str, ...]:
        try:
            async with asyncio.timeout(PATIENCE):
                return await asyncio.to_thread(problems)
        except TimeoutError:
            return (f"the store did not answer within {PATIENCE:.0f} s",)


def problems() -> tuple[str, ...]:
    """Give what stands in the way of work, as sentences; empty when nothing does."""
    found = [f"nothing handles the port {name!r}" for name in unhandled()]
    try:
        executor = MigrationExecutor(connection)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            found.append("the tables are not up to date: run `patronage migrate`")
        with atomic(), connection.cursor() as cursor:
            # changes no row, and is refused by a store that cannot be written
            cursor.execute("UPDATE django_migrations SET app = app WHERE 1 = 0")
    except (DatabaseError, InterfaceError) as error:
        found.append(f"the store cannot be written: {type(error).__name__}")
    finally:
        connection.close()
    return tuple(found)


async def live(request: Request) -> Response:
    """Say that the process runs."""
    del request
    return Response(b'{"live":true}', media_type="application/json")
