"""What stands in front: health, decisions, events; everything else goes to Django's side."""

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
from patronage.edge.allowance import Allowance
from patronage.edge.decisions import (
    Clock,
    Writer,
    bearer_key,
    decide,
    effects,
    wall_clock,
)
from patronage.edge.health import Readiness, live
from patronage.edge.intake import IntakeWriter, intake_writer, routes
from patronage.edge.writer import GroupWriter

DECISIONS: Final = "/api/v1/decisions"
#: Threads that run Django's side.
THREADS: Final = 8


def create_app(
    *,
    writer: Writer | None = None,
    clock: Clock = wall_clock,
    events: IntakeWriter | None = None,
    allowance: Allowance | None = None,
) -> Starlette:
    """Give the application of a whole server.

    Args:
        writer: writes decisions; one of its own when left out.
        clock: says when a decision is asked for, and when an event arrives.
        events: writes events; one of its own when left out.
        allowance: how many events a key may send; the usual one when left out.

    Raises:
        PortUnhandled: a mandatory port has no handler.
    """
    require_handlers()
    wsgi: Any = get_wsgi_application()
    pages: Any = WSGIMiddleware(wsgi, workers=THREADS)
    written_by: Writer = writer or GroupWriter(effects)
    kept_by: IntakeWriter = events or intake_writer()

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        del app
        written_by.start()
        kept_by.start()
        try:
            yield
        finally:
            kept_by.stop()
            written_by.stop()

    return Starlette(
        routes=[
            Route("/live", live),
            Route("/ready", Readiness().answer),
            Route(DECISIONS, DecisionsByKey(written_by, pages, clock)),
            *routes(kept_by, clock, allowance or Allowance()),
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
