"""A real server on a port of its own, and a client that speaks plain HTTP to it."""

from __future__ import annotations

import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import uvicorn
from starlette.types import ASGIApp

DECISIONS = "/api/v1/decisions"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def content(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """Where to ask, and with which key."""

    port: int
    key: str

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body=body, headers=named)
        response = connection.getresponse()
        answer = Answer(
            status=response.status,
            headers={name.lower(): value for name, value in response.getheaders()},
            body=response.read(),
        )
        connection.close()
        return answer

    def decide(self, wanted: Any, **headers: str) -> Answer:
        """Ask for a decision with the key."""
        body = wanted if isinstance(wanted, bytes) else json.dumps(wanted).encode()
        headers = {"Authorization": f"Bearer {self.key}"} | headers
        return self.ask("POST", DECISIONS, body, **headers)


@contextmanager
def serving(app: ASGIApp, key: str) -> Iterator[Served]:
    """Serve an application for the length of a block."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(64)
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="on"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        until = time.monotonic() + 10
        while not server.started and time.monotonic() < until:
            time.sleep(0.01)
        assert server.started, "the server did not start within 10 s"
        yield Served(port=int(listener.getsockname()[1]), key=key)
    finally:
        server.should_exit = True
        thread.join(timeout=15)
        listener.close()
