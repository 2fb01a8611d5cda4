"""Writers of one SQLite file take turns; readers never wait."""

from __future__ import annotations

import gc
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from patronage.access.sqlite.connection import TurnTakingConnection, connect, writes
from patronage.access.sqlite.write_lock import WriteLock, write_lock

THREADS, ROUNDS = 12, 40


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "turns.sqlite3"
    setup = connect(path)
    setup.execute("CREATE TABLE counter (n INTEGER NOT NULL)")
    setup.execute("INSERT INTO counter VALUES (0)")
    setup.close()
    return path


def plain(path: Path) -> sqlite3.Connection:
    """The broken twin: a connection that takes no turns and does not wait."""
    return sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)


def taking_turns(path: Path) -> sqlite3.Connection:
    """SQLite itself does not wait either: only the turn-taking can make it work."""
    connection = connect(path)
    connection.execute("PRAGMA busy_timeout=0")
    return connection


def refusals_while_counting(path: Path, open_one: Callable[[Path], sqlite3.Connection]) -> int:
    """Count from many threads at once; return how often "database is locked" was the answer."""
    start = threading.Barrier(THREADS)

    def count(_: int) -> int:
        connection, refused = open_one(path), 0
        start.wait()
        for _round in range(ROUNDS):
            try:
                connection.execute("BEGIN IMMEDIATE")
                (n,) = connection.execute("SELECT n FROM counter").fetchone()
                connection.execute("UPDATE counter SET n = ?", (n + 1,))
                connection.commit()
            except sqlite3.OperationalError:
                refused += 1
                connection.rollback()
        connection.close()
        return refused

    with ThreadPoolExecutor(THREADS) as pool:
        return sum(pool.map(count, range(THREADS)))


def number_in(path: Path) -> int:
    connection = plain(path)
    (n,) = connection.execute("SELECT n FROM counter").fetchone()
    connection.close()
    return int(n)


def test_many_writers_take_turns_and_none_is_refused(file: Path) -> None:
    assert refusals_while_counting(file, taking_turns) == 0
    assert number_in(file) == THREADS * ROUNDS


def test_without_turns_the_same_writers_are_refused(file: Path) -> None:
    assert refusals_while_counting(file, plain) > 0


def test_writing_outside_a_transaction_takes_a_turn_and_gives_it_back(file: Path) -> None:
    connection = connect(file)
    (row,) = connection.execute("INSERT INTO counter VALUES (7) RETURNING n").fetchall()
    assert row == (7,)
    assert write_lock(file).holder is None
    connection.close()
    reader = plain(file)
    assert reader.execute("SELECT count(*) FROM counter").fetchone() == (2,)
    reader.close()


def test_a_returning_statement_is_committed_before_its_rows_are_read(file: Path) -> None:
    connection, reader = connect(file), plain(file)
    cursor = connection.execute("INSERT INTO counter VALUES (1), (2) RETURNING n")
    assert reader.execute("SELECT count(*) FROM counter").fetchone() == (3,)
    assert cursor.fetchone() == (1,)
    assert cursor.fetchmany(5) == [(2,)]
    assert cursor.fetchone() is None
    connection.close()
    reader.close()


def test_reading_does_not_wait_for_a_writer(file: Path) -> None:
    writer, reader = connect(file), connect(file, timeout=0)
    writer.execute("BEGIN IMMEDIATE")
    writer.execute("UPDATE counter SET n = 99")
    with ThreadPoolExecutor(1) as pool:
        read = pool.submit(lambda: reader.execute("SELECT n FROM counter").fetchone())
        assert read.result(timeout=5) == (0,)
    writer.commit()
    assert reader.execute("SELECT n FROM counter").fetchone() == (99,)
    writer.close()
    reader.close()


def test_opening_and_closing_do_not_wait_for_a_writer(file: Path) -> None:
    writer = connect(file)
    writer.execute("BEGIN IMMEDIATE")
    with ThreadPoolExecutor(1) as pool:
        pool.submit(lambda: connect(file, timeout=30).close()).result(timeout=5)
    writer.rollback()
    writer.close()


def _fail(connection: TurnTakingConnection) -> None:
    with pytest.raises(sqlite3.OperationalError):
        connection.execute("INSERT INTO no_such_table VALUES (1)")


def _roll_back(connection: TurnTakingConnection) -> None:
    connection.execute("BEGIN IMMEDIATE")
    assert write_lock_of(connection).holder is threading.current_thread()
    connection.rollback()


def _close_inside(connection: TurnTakingConnection) -> None:
    connection.execute("BEGIN IMMEDIATE")
    connection.close()


def _run_script(connection: TurnTakingConnection) -> None:
    connection.executescript("INSERT INTO counter VALUES (1); INSERT INTO counter VALUES (2);")


def write_lock_of(connection: TurnTakingConnection) -> WriteLock:
    return write_lock(connection.execute("PRAGMA database_list").fetchone()[2])


def test_a_connection_dropped_within_a_transaction_gives_its_turn_back(file: Path) -> None:
    connection = connect(file)
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("UPDATE counter SET n = 9")
    assert write_lock(file).holder is threading.current_thread()
    del connection
    gc.collect()
    assert write_lock(file).holder is None
    assert number_in(file) == 0


@pytest.mark.parametrize("ending", [_fail, _roll_back, _close_inside, _run_script])
def test_the_turn_is_given_back_whatever_happens(
    file: Path, ending: Callable[[TurnTakingConnection], None]
) -> None:
    connection = connect(file)
    ending(connection)
    assert write_lock(file).holder is None
    connection.close()


def test_a_thread_that_died_in_a_transaction_keeps_no_turn(file: Path) -> None:
    left: list[sqlite3.Connection] = []

    def die() -> None:
        left.append(connect(file))
        left[0].execute("BEGIN IMMEDIATE")

    thread = threading.Thread(target=die)
    thread.start()
    thread.join()
    assert write_lock(file).holder is thread
    left.pop().close()
    heir = connect(file, timeout=1)
    heir.execute("UPDATE counter SET n = 5")
    heir.close()
    assert number_in(file) == 5


def test_waiting_for_a_turn_ends_with_the_name_of_who_has_it(file: Path) -> None:
    writer, other = connect(file), connect(file, timeout=0.05)
    writer.execute("BEGIN IMMEDIATE")
    with ThreadPoolExecutor(1) as pool:
        late = pool.submit(lambda: other.execute("UPDATE counter SET n = 1"))
        with pytest.raises(sqlite3.OperationalError, match=r"locked.*MainThread"):
            late.result(timeout=5)
    writer.rollback()
    writer.close()
    other.close()


def test_turns_nest_within_a_thread(file: Path) -> None:
    with write_lock(file), write_lock(file):
        connection = connect(file)
        connection.execute("UPDATE counter SET n = 3")
        assert write_lock(file).holder is threading.current_thread()
        connection.close()
    assert write_lock(file).holder is None


def test_turns_come_in_the_order_of_asking(file: Path) -> None:
    lock = write_lock(file)
    order: list[int] = []
    waiting: list[threading.Thread] = []

    def ask(number: int) -> None:
        with lock:
            order.append(number)

    with lock:
        for number in range(6):
            waiting.append(threading.Thread(target=ask, args=(number,)))
            waiting[-1].start()
            while len(lock._queue) <= number:
                threading.Event().wait(0.001)
    # Whoever asks again at once comes last, not first.
    ask(99)
    for thread in waiting:
        thread.join()
    assert order == [0, 1, 2, 3, 4, 5, 99]


def log_after_commits(path: Path, commits: int) -> int:
    connection, reader = connect(path), plain(path)
    for n in range(commits):
        connection.execute("UPDATE counter SET n = ?", (n,))
    size = Path(f"{path}-wal").stat().st_size
    connection.close()
    reader.close()
    return size


def test_the_log_is_checkpointed_so_that_it_stays_small(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("patronage.access.sqlite.connection.COMMITS_PER_CHECKPOINT", 50)
    checkpointed = log_after_commits(file, 400)
    monkeypatch.setattr("patronage.access.sqlite.connection.COMMITS_PER_CHECKPOINT", 10**9)
    never = log_after_commits(file, 400)
    assert checkpointed < never / 4


def test_a_truncating_checkpoint_leaves_an_empty_log(file: Path) -> None:
    connection = connect(file)
    connection.execute("UPDATE counter SET n = 3")
    assert Path(f"{file}-wal").stat().st_size > 0
    connection.checkpoint(truncate=True)
    assert Path(f"{file}-wal").stat().st_size == 0
    assert write_lock(file).holder is None
    connection.close()


@pytest.mark.parametrize(
    ("statement", "answer"),
    [
        ("SELECT 1", False),
        ("  -- a comment\n select 1", False),
        ("/* INSERT */ SELECT 1", False),
        ("WITH x AS (SELECT 1) SELECT * FROM x", False),
        ("WITH x AS (SELECT 1) DELETE FROM y", True),
        ("INSERT INTO y VALUES (1)", True),
        ("/* SELECT */ UPDATE y SET a = 1", True),
        ("BEGIN", False),
        ("BEGIN DEFERRED", False),
        ("BEGIN IMMEDIATE", True),
        ("COMMIT", False),
        ("CREATE TABLE selects (a)", True),
        ("PRAGMA table_info(y)", False),
        ("PRAGMA wal_checkpoint(TRUNCATE)", True),
        ("SELECTION", True),
        ("VACUUM", True),
    ],
)
def test_a_statement_counts_as_writing_unless_it_surely_reads(statement: str, answer: bool) -> None:
    assert writes(statement) is answer
