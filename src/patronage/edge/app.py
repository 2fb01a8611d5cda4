"""What stands in front: health and decisions here, everything else to Django's pages and API."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

from a2wsgi import WSGIMiddleware
from django.core.wsgi import get_wsgi_application
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from patronage.access.ports import require_handlers
from patronage.edge.decisions import (
    Clock,
    Writer,
    bearer_key,
    decide,
    effects,
    wall_clock,
)
from patronage.edge.health import Readiness, live
from patronage.edge.writer import GroupWriter

DECISIONS: Final = "/api/v1/decisions"
#: Threads that run Django's side.
THREADS: Final = 8


def create_app(*, writer: Writer | None = None, clock: Clock = wall_clock) -> Starlette:
    """Give the application of a whole server.

    Args:
        writer: writes decisions; one of its own when left out.
        clock: says when a decision is asked for.

    Raises:
        PortUnhandled: a mandatory port has no handler.
    """
    require_handlers()
    wsgi: Any = get_wsgi_application()
    pages: Any = WSGIMiddleware(wsgi, workers=THREADS)
    written_by: Writer = writer or GroupWriter(effects)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        del app
        written_by.start()
        try:
            yield
        finally:
            written_by.stop()

    return Starlette(
        routes=[
            Route("/live", live),
            Route("/ready", Readiness().answer),
            Route(DECISIONS, DecisionsByKey(written_by, pages, clock)),
            Mount("/", pages),
        ],
        lifespan=lifespan,
    )


class DecisionsByKey:
    """Decisions that a system asks for with its key; people's sessions are Django's to know."""

    def __init__(self, writer: Writer, otherwise: ASGIApp, clock: Clock) -> None:
        self._writer = writer
        self._otherwise = otherwise
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        key = bearer_key(scope["headers"])
        if key is None or scope["method"] != "POST":
            await self._otherwise(scope, receive, send)
            return
        answer = await decide(Request(scope, receive), key, self._writer, self._clock)
        await answer(scope, receive, send)
