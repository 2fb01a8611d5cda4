"""A verb while a server runs: carried out there, answered here, and for the owner only."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from patronage.cli import through
from patronage.cli.call import Call

PATRONAGE = str(Path(sys.executable).with_name("patronage"))


def echo(arguments: Sequence[str], call: Call) -> int:
    """Stands for the verbs: says what it was given."""
    call.out.print(" ".join(arguments))
    call.err.print("on the other stream")
    call.out.print(str(call.path(Path("file.csv"))), soft_wrap=True)
    assert call.through_server
    return 3


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home whose path is longer than a socket's address may be."""
    deep = tmp_path / ("x" * 60) / ("y" * 60)
    deep.mkdir(parents=True)
    return deep


def forward(home: Path, *arguments: str) -> int:
    server = through.connect(home)
    assert server is not None
    return through.forward(server, arguments)


def test_streams_status_and_folder_come_from_and_to_the_caller(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with through.listening(home, echo):
        assert forward(home, "value", "show") == 3
    shown = capsys.readouterr()
    assert shown.out.splitlines() == ["value show", str(tmp_path / "file.csv")]
    assert shown.err == "on the other stream\n"


def test_nobody_but_the_owner_can_open_the_socket(home: Path) -> None:
    with through.listening(home, echo):
        assert stat.S_IMODE((home / through.NAME).stat().st_mode) == 0o600
    assert not (home / through.NAME).exists()


def test_a_socket_that_nobody_answers_counts_as_no_server(home: Path) -> None:
    assert through.connect(home) is None
    left = socket.socket(socket.AF_UNIX)
    folder = os.open(home, os.O_RDONLY)
    left.bind(f"/proc/self/fd/{folder}/{through.NAME}")
    left.close()
    os.close(folder)
    assert (home / through.NAME).exists()
    assert through.connect(home) is None


def test_a_verb_that_breaks_says_so_and_the_server_goes_on(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def breaks(arguments: Sequence[str], call: Call) -> int:
        if arguments == ["break"]:
            raise ValueError("something nobody foresaw")
        return echo(arguments, call)

    with through.listening(home, breaks):
        assert forward(home, "break") == 1
        assert forward(home, "again") == 3
    assert "something nobody foresaw" in capsys.readouterr().err


def test_a_caller_who_goes_away_stops_the_verb(home: Path) -> None:
    began, stopped = threading.Event(), threading.Event()

    def endless(arguments: Sequence[str], call: Call) -> int:
        try:
            while True:
                call.out.print("still at it")
                began.set()
        finally:
            stopped.set()

    with through.listening(home, endless):
        server = through.connect(home)
        assert server is not None
        request = {"arguments": [], "folder": "/", "width": 80, "terminal": [False, False]}
        server.sendall(json.dumps(request).encode() + b"\n")
        assert began.wait(5)
        server.close()
        assert stopped.wait(5)


def test_nonsense_on_the_socket_is_dropped(home: Path) -> None:
    with through.listening(home, echo):
        for nonsense in (b"\n", b"[]\n", b"{}\n", b"\xff\n"):
            server = through.connect(home)
            assert server is not None
            server.sendall(nonsense)
            assert server.recv(100) == b""
            server.close()
        assert forward(home, "still", "here") == 3


def run(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [PATRONAGE, *arguments], env=environment(home), capture_output=True, text=True, check=False
    )


def environment(home: Path) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith("PATRONAGE_")}
    return {**kept, "PATRONAGE_HOME": str(home)}


@contextmanager
def served(home: Path) -> Iterator[subprocess.Popen[str]]:
    server = subprocess.Popen(
        [PATRONAGE, "serve", "--port", "0"],
        env=environment(home),
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert server.stdout is not None
        assert "is served on http://127.0.0.1:" in server.stdout.readline()
        yield server
    finally:
        server.kill()
        server.wait(10)
        if server.stdout is not None:
            server.stdout.close()


def test_a_served_home_is_worked_in_from_the_command_line(tmp_path: Path) -> None:
    added = ("user", "create", "ada@example.com", "--name", "Ada", "--role", "administrator")
    assert run(tmp_path, *added).returncode == 0
    with served(tmp_path) as server:
        listed = run(tmp_path, "user", "list", "--json")
        assert json.loads(listed.stdout)["email"] == "ada@example.com"
        refused = run(tmp_path, "value", "score", "--as-of", "2017-12-31")
        assert (refused.returncode, refused.stdout) == (1, "")
        assert refused.stderr.strip().startswith("No company is declared yet.")
        again = run(tmp_path, "serve", "--port", "0")
        assert (again.returncode, "being served already" in again.stderr) == (1, True)
        server.send_signal(signal.SIGKILL)
        server.wait(10)
        # killed: its socket is still there, and the lock went with the process
        assert (tmp_path / through.NAME).exists()
        assert run(tmp_path, "user", "list", "--json").returncode == 0
