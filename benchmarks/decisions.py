"""How many decisions a second does the edge answer, each durable before it is said?

Brings Complete Journey into a fresh home, decides once in the night, serves it and asks for
decisions over HTTP from several connections. Beside it, in the same run and with the same client,
stands a plain Starlette application that answers nothing at all: what the frame alone costs.

    python benchmarks/decisions.py [SECONDS] [CONNECTIONS]
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PREPARE = """
import json, sys
from datetime import date
from patronage.cli import start
start.set_up()
from patronage.access.keys import create_key
from patronage.access.progress import silent
from patronage.access.roles import SYSTEM, Role
from patronage.cli.call import wall_clock
from patronage.cli.demo.steps import before_the_cycles
from patronage.customize.jobs import decide
from patronage.differentiate.jobs import value
from patronage.govern.jobs import assign
from patronage.identify.models import Customer
day = date(2017, 12, 31)
with start.ready_store():
    for step in before_the_cycles():
        step.do(wall_clock(), silent)
    run = value(actor=SYSTEM, now=wall_clock(), as_of=day)
    assign(actor=SYSTEM, now=wall_clock(), as_of=day, run=run)
    decide(actor=SYSTEM, now=wall_clock(), as_of=day)
    _, key = create_key(actor=SYSTEM, now=wall_clock(), label="benchmark", role=Role.SERVICE)
    ids = list(Customer.objects.values_list("id", flat=True))
    json.dump({"key": key, "customers": ids}, sys.stdout)
"""
NO_OP = """
import sys, uvicorn
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route
async def nothing(request):
    await request.body()
    return Response(b"{}", media_type="application/json")
app = Starlette(routes=[Route("/api/v1/decisions", nothing, methods=["POST"]),
                        Route("/ready", lambda request: Response(b"{}"))])
uvicorn.run(app, port=int(sys.argv[1]), log_level="warning", access_log=False)
"""


def main(arguments: list[str]) -> int:
    seconds = float(arguments[0]) if arguments else 5.0
    connections = int(arguments[1]) if len(arguments) > 1 else 8
    with tempfile.TemporaryDirectory(prefix="patronage-decisions-") as home:
        environment = {**os.environ, "PATRONAGE_HOME": home}
        prepared = subprocess.run(
            [sys.executable, "-c", PREPARE], env=environment, check=True, capture_output=True
        )
        known = json.loads(prepared.stdout)
        bodies = [json.dumps({"customer": each}).encode() for each in known["customers"]]
        port = free_port()
        patronage = str(Path(sys.executable).with_name("patronage"))
        with serving([patronage, "serve", "--port", str(port)], port, environment):
            edge = asyncio.run(load(port, known["key"], bodies, seconds, connections))
        port = free_port()
        with serving([sys.executable, "-c", NO_OP, str(port)], port, environment):
            frame = asyncio.run(load(port, known["key"], bodies, seconds, connections))
    print(f"{connections} connections, {seconds:.0f} s each, client and server on one machine")
    report("edge, durable decisions", edge, seconds)
    report("plain Starlette, no-op", frame, seconds)
    return 0


async def load(
    port: int, key: str, bodies: list[bytes], seconds: float, connections: int
) -> tuple[list[float], list[float]]:
    """Ask over keep-alive connections for a while; give the seconds to each answer and refusal."""
    until = time.monotonic() + seconds
    share = max(1, len(bodies) // connections)
    asking = [
        ask(port, key, bodies[at * share : (at + 1) * share] or bodies, until)
        for at in range(connections)
    ]
    found = await asyncio.gather(*asking)
    return [each for some, _ in found for each in some], [
        each for _, some in found for each in some
    ]


async def ask(
    port: int, key: str, bodies: list[bytes], until: float
) -> tuple[list[float], list[float]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = (
        b"POST /api/v1/decisions HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        b"Authorization: Bearer " + key.encode() + b"\r\nContent-Length: %d\r\n\r\n"
    )
    number = 0
    latencies: list[float] = []
    refused: list[float] = []
    while time.monotonic() < until:
        body = bodies[number % len(bodies)]
        number += 1
        began = time.monotonic()
        writer.write(head % len(body) + body)
        status, content = await answer(reader)
        if status == 503:
            refused.append(time.monotonic() - began)
            await asyncio.sleep(0.05)
            continue
        if status != 200 or b'"id":null' in content:
            raise RuntimeError(f"no decision was made: status {status}, {content[:200]!r}")
        latencies.append(time.monotonic() - began)
    writer.close()
    await writer.wait_closed()
    return latencies, refused


async def answer(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = head.split(b"content-length:")[1].split(b"\r\n")[0]
    content = await reader.readexactly(int(length))
    return int(head.split(b" ", 2)[1]), content


@contextmanager
def serving(command: list[str], port: int, environment: dict[str, str]) -> Iterator[None]:
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    try:
        await_ready(port)
        yield
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(timeout=20)


def await_ready(port: int) -> None:
    for _ in range(600):
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/ready", timeout=5)
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError(f"nothing was ready on port {port} within a minute")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def report(name: str, found: tuple[list[float], list[float]], seconds: float) -> None:
    latencies, refused = found
    cuts = statistics.quantiles(latencies, n=100)
    print(
        f"{name:<26} {len(latencies) / seconds:8.0f} a second   "
        f"median {cuts[49] * 1000:6.1f} ms   p99 {cuts[98] * 1000:6.1f} ms   "
        f"{len(refused)} turned away"
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
