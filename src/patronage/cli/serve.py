"""`patronage serve`: one process that serves the pages, the API and decisions."""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from typing import Final

import uvicorn

from patronage.access import audit
from patronage.access.erasures import finish_open, reapply
from patronage.access.errors import PatronageError, Refused
from patronage.access.vault import finish_erasures
from patronage.cli import start, through
from patronage.cli.call import Call, current, wall_clock
from patronage.cli.show import rows, say
from patronage.customize.ahead import Ahead
from patronage.edge.app import create_app
from patronage.site.bundle import chart_library

_SECONDS_BETWEEN_SEALS: Final = 1.0
#: between two parts of what is worked out ahead; also how soon a new run is noticed
_SECONDS_BETWEEN_PARTS: Final = 0.5

_log = logging.getLogger(__name__)


def serve(*, host: str = "127.0.0.1", port: int = 8000) -> None:
    """Serve the pages, the API and decisions until it is stopped (Ctrl-C).

    Parameters
    ----------
    host
        Address to listen on.
    port
        Port to listen on.
    """
    if current().through_server:
        raise Refused(f"{start.home()} is being served already, by the server that says this.")
    chart_library()
    finish_erasures()
    finish_open()
    reapply(wall_clock())
    with closing(_listener(host, port)) as listener, ExitStack() as around:
        around.enter_context(sealing())
        around.enter_context(working_ahead())
        if start.is_embedded():
            around.enter_context(through.listening(start.home(), _carry_out))
        address = f"http://{f'[{host}]' if ':' in host else host}:{listener.getsockname()[1]}"
        say(f"Patronage is served on {address} (stop it with Ctrl-C)")
        _log_ins()
        config = uvicorn.Config(create_app(), log_level="warning", access_log=False, lifespan="on")
        uvicorn.Server(config).run(sockets=[listener])


def sealing() -> AbstractContextManager[None]:
    """Number and chain audit entries once a second for the length of a block."""
    # where it fails the entries are safe in the store, and the next tick seals them
    return repeating("audit sealer", _SECONDS_BETWEEN_SEALS, lambda: audit.seal(wall_clock()))


def working_ahead() -> AbstractContextManager[None]:
    """Work out what pages ask of a new run before they do, for the length of a block."""
    ahead = Ahead()
    return repeating("pages ahead", _SECONDS_BETWEEN_PARTS, lambda: ahead.step(wall_clock()))


@contextmanager
def repeating(name: str, seconds: float, work: Callable[[], object]) -> Iterator[None]:
    """Do something again and again in a thread of its own; where it fails, log it and go on."""
    ending = threading.Event()

    def tick() -> None:
        from django.db import connection

        while not ending.wait(seconds):
            try:
                work()
            except Exception:
                _log.exception("%s failed", name)
                connection.close()
        connection.close()

    thread = threading.Thread(target=tick, name=name, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ending.set()
        thread.join(timeout=10)


def _listener(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise Refused(
            f"Nothing can be served on {host} port {port}: {error.strerror or error}. "
            "Choose another one with --port."
        ) from error
    listener.listen(2048)
    return listener


def _carry_out(arguments: Sequence[str], call: Call) -> int:
    from patronage.cli.verbs import carry_out

    return carry_out(arguments, call)


def _log_ins() -> None:
    """Show how to log in where this is the demonstration."""
    from patronage.access.company import current as declared
    from patronage.cli.demo_people import everybody, password_of

    if not (start.home() / "demo_password").exists():
        return
    try:
        people = everybody(declared().company)
    except PatronageError:
        return
    rows(
        f"Log in with the password {password_of(start.home())} as",
        [{"address": each.email, "role": each.role, "who": each.work} for each in people],
    )
