"""A verb while a server owns the store: the server carries it out and streams the answer back.

The server listens on a Unix socket in its home that only its owner can open. One connection is
one command line: a JSON line with the arguments goes there; JSON lines with text for either
stream come back, the last one with the exit status. A caller who goes away stops the verb.
"""

from __future__ import annotations

import io
import json
import logging
import os
import shutil
import socket
import struct
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import IO, Any, cast

from rich.console import Console

from patronage.cli.call import PIPE_WIDTH, Call

NAME = "serve.sock"
_LONGEST_REQUEST = 1 << 20
_PATIENCE = 10.0
_CREDENTIALS = struct.Struct("3i")

_log = logging.getLogger(__name__)

#: Carries out a command line for a call and returns its exit status.
CarryOut = Callable[[Sequence[str], Call], int]


class CallerGone(Exception):
    """Nobody reads the answer any more."""


def connect(home: Path) -> socket.socket | None:
    """Give a connection to the server of this home; None when none is running."""
    if not (home / NAME).exists():
        return None
    server = socket.socket(socket.AF_UNIX)
    try:
        with _address(home, NAME) as address:
            server.connect(address)
    except (ConnectionRefusedError, FileNotFoundError):
        server.close()
        return None
    return server


def forward(server: socket.socket, arguments: Sequence[str]) -> int:
    """Have the server carry out a command line; print what it answers; return the exit status."""
    request = {
        "arguments": list(arguments),
        "folder": str(Path.cwd()),
        "width": shutil.get_terminal_size().columns if sys.stdout.isatty() else PIPE_WIDTH,
        "terminal": [sys.stdout.isatty(), sys.stderr.isatty()],
    }
    with closing(server), server.makefile("r", encoding="utf-8", newline="\n") as answer:
        server.sendall(json.dumps(request).encode() + b"\n")
        for line in answer:
            frame = json.loads(line)
            if "status" in frame:
                return int(frame["status"])
            stream = sys.stdout if frame["stream"] == "out" else sys.stderr
            stream.write(frame["text"])
            stream.flush()
    sys.stderr.write("The server stopped before it had answered. Start it and try again.\n")
    return 1


@contextmanager
def listening(home: Path, carry_out: CarryOut) -> Iterator[None]:
    """Carry out the command lines of this home's owner for the length of a block."""
    listener = socket.socket(socket.AF_UNIX)
    with closing(listener), _address(home, f"{NAME}.new") as address:
        with suppress(FileNotFoundError):
            (home / f"{NAME}.new").unlink()
        listener.bind(address)
        (home / f"{NAME}.new").chmod(0o600)
        listener.listen(16)
        # under its name only once nobody else can open it
        (home / f"{NAME}.new").replace(home / NAME)
        accepting = threading.Thread(
            target=_accept, args=(listener, carry_out), name="command lines", daemon=True
        )
        accepting.start()
        try:
            yield
        finally:
            with suppress(FileNotFoundError):
                (home / NAME).unlink()
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            accepting.join(timeout=5)


def _accept(listener: socket.socket, carry_out: CarryOut) -> None:
    while True:
        try:
            caller, _ = listener.accept()
        except OSError:
            return  # the block has ended
        threading.Thread(
            target=_answer, args=(caller, carry_out), name="command line", daemon=True
        ).start()


def _answer(caller: socket.socket, carry_out: CarryOut) -> None:
    from django.db import connections

    with closing(caller), suppress(CallerGone, OSError, ValueError, KeyError):
        if not _is_owner(caller):
            return
        request = _read(caller)
        frames = _Frames(caller)
        call = Call(
            out=_console(frames, "out", request),
            err=_console(frames, "err", request),
            folder=Path(str(request["folder"])),
            through_server=True,
        )
        try:
            status = carry_out([str(each) for each in request["arguments"]], call)
        except CallerGone:
            raise
        except Exception as error:
            _log.exception("a command line broke")
            call.err.print(f"{type(error).__name__}: {error}", markup=False, highlight=False)
            status = 1
        finally:
            connections.close_all()
        frames.send({"status": status})


def _read(caller: socket.socket) -> dict[str, Any]:
    caller.settimeout(_PATIENCE)
    with caller.makefile("rb") as lines:
        line = lines.readline(_LONGEST_REQUEST)
    caller.settimeout(None)
    request = json.loads(line)
    if not isinstance(request, dict):
        raise ValueError("a request is a JSON object")
    return request


def _is_owner(caller: socket.socket) -> bool:
    """Whether the caller's process belongs to whoever runs the server, or to root."""
    raw = caller.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    return _CREDENTIALS.unpack(raw)[1] in (0, os.getuid())


def _console(frames: _Frames, stream: str, request: dict[str, Any]) -> Console:
    terminal = bool(request["terminal"][0 if stream == "out" else 1])
    return Console(
        file=cast(IO[str], _Stream(frames, stream)),
        force_terminal=terminal,
        width=max(20, min(int(request["width"]), 1000)),
    )


class _Frames:
    """Sends frames one at a time, whichever thread they come from."""

    def __init__(self, caller: socket.socket) -> None:
        self._caller = caller
        self._sending = threading.Lock()
        self._owner = threading.current_thread()
        self._gone = False

    def send(self, frame: dict[str, Any]) -> None:
        with self._sending:
            if not self._gone:
                try:
                    self._caller.sendall(json.dumps(frame).encode() + b"\n")
                except OSError:
                    self._gone = True
        # a thread that only draws the progress bar must not die of it
        if self._gone and threading.current_thread() is self._owner:
            raise CallerGone


class _Stream(io.TextIOBase):
    """What a console writes to: each piece becomes a frame."""

    def __init__(self, frames: _Frames, stream: str) -> None:
        self._frames = frames
        self._stream = stream

    def write(self, text: str) -> int:
        if text:
            self._frames.send({"stream": self._stream, "text": text})
        return len(text)

    def writable(self) -> bool:
        return True


@contextmanager
def _address(home: Path, name: str) -> Iterator[str]:
    """Give the socket's address: through the folder's descriptor, since addresses are short."""
    folder = os.open(home, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield (
            f"/proc/self/fd/{folder}/{name}" if Path("/proc/self/fd").exists() else str(home / name)
        )
    finally:
        os.close(folder)
