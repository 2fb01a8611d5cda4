"""One process owns the embedded database."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.db import connection

from patronage.access.store import StoreInUse, own_store, owner_of

_OWN_AND_WAIT = """
import sys
from pathlib import Path
from patronage.access.store import own_store
with own_store(Path(sys.argv[1])):
    print("owned", flush=True)
    sys.stdin.read()
"""


@contextmanager
def another_process_owning(path: Path) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-c", _OWN_AND_WAIT, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "owned\n"
        yield process
        process.kill()


def test_a_second_process_is_refused_and_told_who_owns_the_file(tmp_path: Path) -> None:
    file = tmp_path / "store.sqlite3"
    with another_process_owning(file) as owner:
        with pytest.raises(StoreInUse, match=f"process {owner.pid}"), own_store(file):
            pass
        assert owner_of(file) == owner.pid
    assert owner_of(file) is None


def test_an_owner_that_was_killed_owns_nothing(tmp_path: Path) -> None:
    file = tmp_path / "store.sqlite3"
    with another_process_owning(file) as owner:
        owner.kill()
        owner.wait()
        with own_store(file):
            assert owner_of(file) == os.getpid()


def test_blocks_of_one_process_nest_and_the_last_gives_the_file_back(tmp_path: Path) -> None:
    file = tmp_path / "store.sqlite3"
    with own_store(file):
        with own_store(file):
            pass
        assert owner_of(file) == os.getpid()
    assert owner_of(file) is None
    with another_process_owning(file):
        pass


@pytest.mark.django_db
def test_the_configured_store_is_owned_on_sqlite_and_shared_on_postgresql() -> None:
    with own_store():
        assert owner_of() == (os.getpid() if connection.vendor == "sqlite" else None)
    assert owner_of() is None


def test_a_file_that_nobody_ever_owned_has_no_owner(tmp_path: Path) -> None:
    assert owner_of(tmp_path / "never.sqlite3") is None


def test_a_forked_child_does_not_keep_its_parents_file(tmp_path: Path) -> None:
    file = tmp_path / "store.sqlite3"
    release, wait = os.pipe()
    with own_store(file):
        child = os.fork()
        if child == 0:
            os.read(release, 1)
            os._exit(0)
    try:
        with another_process_owning(file) as owner:
            assert owner_of(file) == owner.pid
    finally:
        os.write(wait, b"x")
        os.waitpid(child, 0)
        os.close(release)
        os.close(wait)
