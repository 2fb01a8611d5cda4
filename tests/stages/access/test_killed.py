"""What was acknowledged is on the disk, whenever the process is killed."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import pytest

from patronage.access.sqlite.connection import connect

KILLS = 8
_WRITE_AND_SAY_SO = """
import sys, threading
from pathlib import Path
from patronage.access.sqlite.connection import connect

path, early = Path(sys.argv[1]), sys.argv[2] == "early"
printing = threading.Lock()

def say(n):
    with printing:
        print(n, flush=True)

def write(first):
    connection = connect(path)
    for n in range(first, first + 10**6, 4):
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("INSERT OR IGNORE INTO event VALUES (?)", (n,))
        if early:
            say(n)
        connection.execute("COMMIT")
        if not early:
            say(n)

for first in range(4):
    threading.Thread(target=write, args=(first + int(sys.argv[3]),), daemon=True).start()
threading.Event().wait()
"""


def lost_after_kills(path: Path, *, early: bool) -> int:
    """Kill a writing process at random moments; count what it acknowledged and is not there."""
    setup = connect(path)
    setup.execute("CREATE TABLE event (n INTEGER PRIMARY KEY)")
    setup.close()
    acknowledged: set[int] = set()
    when = "early" if early else "late"
    chance = random.Random(20)
    for kill in range(KILLS):
        with subprocess.Popen(
            [sys.executable, "-c", _WRITE_AND_SAY_SO, str(path), when, str(kill * 10**7)],
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stdout is not None
            for _ in range(chance.randint(20, 200)):
                acknowledged.add(int(process.stdout.readline()))
            process.kill()
            acknowledged.update(int(line) for line in process.stdout if line.endswith("\n"))
    check = connect(path)
    assert check.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    stored = {n for (n,) in check.execute("SELECT n FROM event")}
    check.close()
    return len(acknowledged - stored)


@pytest.mark.trial
def test_nothing_acknowledged_is_lost_when_the_writer_is_killed(tmp_path: Path) -> None:
    assert lost_after_kills(tmp_path / "a.sqlite3", early=False) == 0


@pytest.mark.trial
def test_acknowledging_before_the_commit_loses(tmp_path: Path) -> None:
    assert lost_after_kills(tmp_path / "b.sqlite3", early=True) > 0
