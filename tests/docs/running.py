"""Runs the blocks of a page as a reader would, and compares what they print with the page."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import signal
import socket
import struct
import subprocess
import sys
import termios
import threading
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

from tests.docs.pages import Block

BIN = Path(sys.executable).parent
#: longest that one block may take, seconds
PATIENCE = 600
#: width of the terminal that a page is read at
COLUMNS = 150
_ELLIPSIS = "…"
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_ASSIGNED = re.compile(r"^(?:export )?([A-Z_]+)=", re.MULTILINE)


@dataclass(slots=True, kw_only=True)
class Reader:
    """Somebody with a shell in a folder, and a home of Patronage's own."""

    folder: Path
    #: environment beside what a shell needs
    extra: dict[str, str] = field(default_factory=dict)
    #: values that stand in the page for others here, such as the port
    instead: dict[str, str] = field(default_factory=dict)
    #: what is set in one block is there in the next
    _kept: str = ""
    #: names of the variables that blocks have set
    _set: set[str] = field(default_factory=set)

    def follow(self, blocks: Sequence[Block]) -> None:
        """Do what each block says: write its file, run it, or compare what the one before printed.

        A block named in no way, or of a language that is only shown, is passed over.
        """
        printed = ""
        for block in blocks:
            if block.title:
                path = self.folder / block.title
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(block.text, encoding="utf-8")
            elif block.language == "sh":
                printed = self.run(block.text, at=block.line)
            elif block.language == "python":
                printed = self.run_python(block.text, at=block.line)
            elif block.language == "text":
                compare(block.text, printed, at=block.line)

    def run(self, script: str, *, at: int = 0, expected: int = 0) -> str:
        """Run shell commands; variables and functions stay for the next ones."""
        state = self.folder / ".shell-state"
        self._set |= set(_ASSIGNED.findall(script))
        keep = "".join(f"declare -p {name}; " for name in sorted(self._set))
        ending = f"{{ {keep}declare -f; }} > {state}"
        whole = f"set -e\n{self._kept}\n{self._local(script)}\n{ending}"
        done = self._start(["bash", "-c", whole], at, expected)
        if state.exists():
            self._kept = state.read_text()
        return done

    def run_python(self, script: str, *, at: int = 0) -> str:
        """Run a Python program with the variables that the shell exports."""
        name = self.folder / ".program.py"
        name.write_text(self._local(script), encoding="utf-8")
        return self._start(["bash", "-c", f"set -e\n{self._kept}\npython {name}"], at, 0)

    def _start(self, command: list[str], at: int, expected: int) -> str:
        with TemporaryFile() as errors:
            status, printed = in_a_terminal(command, self.folder, self.environment(), errors)
            errors.seek(0)
            printed += errors.read().decode()
        assert status == expected, (
            f"the block of line {at} ended with {status}, not {expected}:\n{command[-1]}\n{printed}"
        )
        return printed

    def _local(self, script: str) -> str:
        for given, here in self.instead.items():
            script = script.replace(given, here)
        return script

    def environment(self) -> dict[str, str]:
        """Give the environment of a reader who has set nothing but what the page says."""
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("PATRONAGE_", "COV_", "PYTEST_", "DJANGO_"))
        }
        path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
        return (
            kept
            | {"PATH": path, "COLUMNS": str(COLUMNS), "NO_COLOR": "1", "TERM": "xterm"}
            | self.extra
        )


def in_a_terminal(
    command: list[str], folder: Path, environment: dict[str, str], errors: IO[bytes]
) -> tuple[int, str]:
    """Run a command as in a wide terminal; give its status and what it printed, plainly."""
    reading, writing = pty.openpty()
    fcntl.ioctl(writing, termios.TIOCSWINSZ, struct.pack("4H", 50, COLUMNS, 0, 0))
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=writing,
        stderr=errors,
    )
    os.close(writing)
    ending = threading.Timer(PATIENCE, process.kill)
    ending.start()
    pieces = []
    try:
        while piece := os.read(reading, 65_536):
            pieces.append(piece)
    except OSError:
        pass  # the other end is closed: everything was read
    finally:
        os.close(reading)
        status = process.wait()
        ending.cancel()
    text = b"".join(pieces).decode().replace("\r\n", "\n")
    return status, _CONTROL.sub("", text)


def compare(stated: str, printed: str, *, at: int) -> None:
    """Find each line of the page in what was printed, in order; `…` stands for anything.

    How many blanks or rules of a table's frame stand between two words does not matter.
    """
    there = [_plain(line) for line in printed.splitlines()]
    start = 0
    for line in filter(None, map(_plain, stated.splitlines())):
        if line == _ELLIPSIS:
            continue
        pattern = re.compile(".*".join(map(re.escape, line.split(_ELLIPSIS))))
        found = next((i for i in range(start, len(there)) if pattern.fullmatch(there[i])), None)
        assert found is not None, (
            f"line {at} of the page states {line!r}, which was not printed after line {start} of:\n"
            f"{printed}"
        )
        start = found + 1


def _plain(line: str) -> str:
    return " ".join(re.sub(r"[─━│┃╭╮╰╯]", " ", line).split())


def free_port() -> int:
    """Give a loopback port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextmanager
def serving(reader: Reader, port: int) -> Iterator[None]:
    """Run `patronage serve` for the length of a block."""
    log = reader.folder / ".serve.log"
    with log.open("w") as sink:
        server = subprocess.Popen(
            [str(BIN / "patronage"), "serve", "--port", str(port)],
            cwd=reader.folder,
            env=reader.environment(),
            stdout=sink,
            stderr=subprocess.STDOUT,
        )
        try:
            _wait_until_ready(server, port, log)
            yield
        finally:
            server.send_signal(signal.SIGINT)
            try:
                server.wait(timeout=20)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()


def _wait_until_ready(server: subprocess.Popen[bytes], port: int, log: Path) -> None:
    ends = time.monotonic() + 60
    while time.monotonic() < ends:
        assert server.poll() is None, f"the server ended:\n{log.read_text()}"
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/ready", timeout=5) as answer:
                if answer.status == 200:
                    return
        except OSError:
            time.sleep(0.2)
    raise AssertionError(f"the server is not ready:\n{log.read_text()}")
