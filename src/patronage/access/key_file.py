"""Where are the vault's keys? In a file of their own, with backups of its own.

One random key a subject, and one for searching. The file is a SQLite database: mode 0600, every
change on the disk before it counts, removed keys overwritten with zeros. There is no write-ahead
log beside it, so that a destroyed key lives on in no second file.

Each destroyed key leaves a tombstone: its subject's random id and the moment. The file's backup
is one more such file (PATRONAGE_KEYS_BACKUP): always the newest, since keys never change and a
newer file opens every older backup of the data; a key is destroyed in it too.
"""

from __future__ import annotations

import os
import secrets
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import datetime
from itertools import islice
from pathlib import Path

from django.conf import settings

KEY_BYTES = 32
_IDS_A_QUERY = 900
_TABLES = (
    """CREATE TABLE IF NOT EXISTS subject_key (
        subject_id TEXT PRIMARY KEY, key BLOB NOT NULL, leaving INTEGER NOT NULL DEFAULT 0
    ) WITHOUT ROWID""",
    "CREATE INDEX IF NOT EXISTS leaving_keys ON subject_key (subject_id) WHERE leaving = 1",
    "CREATE TABLE IF NOT EXISTS search_key (one INTEGER PRIMARY KEY CHECK (one = 1), key BLOB)",
    """CREATE TABLE IF NOT EXISTS tombstone (
        subject_id TEXT PRIMARY KEY, erased_at TEXT NOT NULL
    ) WITHOUT ROWID""",
)


class KeyFile:
    """One file of keys; one connection, one user at a time within the process."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._turn = threading.RLock()
        self._connection = _open(path)
        with self._changing() as connection:
            for statement in _TABLES:
                connection.execute(statement)
            connection.execute(
                "INSERT OR IGNORE INTO search_key VALUES (1, ?)", (secrets.token_bytes(KEY_BYTES),)
            )

    def search_key(self) -> bytes:
        """Give the key of the digests that values are found by."""
        with self._turn:
            row = self._connection.execute("SELECT key FROM search_key").fetchone()
        return bytes(row[0])

    def make(self, subject_ids: Sequence[str]) -> dict[str, bytes]:
        """Give every subject's key, making those that are missing, durably, before returning.

        A subject that is being erased has no key to give: it is missing from the answer.
        """
        with self._changing() as connection:
            connection.executemany(
                "INSERT OR IGNORE INTO subject_key (subject_id, key) VALUES (?, ?)",
                ((subject, secrets.token_bytes(KEY_BYTES)) for subject in subject_ids),
            )
        return self.find(subject_ids)

    def keys(self, subject_ids: Iterable[str]) -> dict[str, bytes]:
        """Give every subject's key; only where one is missing is the file written."""
        wanted = list(subject_ids)
        found = self.find(wanted)
        missing = [subject for subject in wanted if subject not in found]
        return found | self.make(missing) if missing else found

    def find(self, subject_ids: Iterable[str]) -> dict[str, bytes]:
        """Give the keys there are, by subject."""
        found: dict[str, bytes] = {}
        with self._turn:
            for some in _batches(subject_ids):
                marks = ",".join("?" * len(some))
                found.update(
                    self._connection.execute(
                        "SELECT subject_id, key FROM subject_key"  # noqa: S608 - marks only
                        f" WHERE leaving = 0 AND subject_id IN ({marks})",
                        some,
                    )
                )
        return found

    def announce_leaving(self, subject_ids: Iterable[str]) -> None:
        """Note that these keys are to be destroyed, before the rows they open are deleted."""
        self._mark(subject_ids, leaving=1)

    def keep_after_all(self, subject_ids: Iterable[str]) -> None:
        """Take that back: the rows were not deleted."""
        self._mark(subject_ids, leaving=0)

    def destroy(self, subject_ids: Iterable[str]) -> None:
        """Remove keys and overwrite where they stood."""
        with self._changing() as connection:
            connection.executemany(
                "DELETE FROM subject_key WHERE subject_id = ?", ((s,) for s in subject_ids)
            )

    def bury(self, subject_ids: Iterable[str], erased_at: datetime) -> None:
        """Remember that these subjects were erased, whatever backup is restored later."""
        moment = erased_at.isoformat()
        with self._changing() as connection:
            connection.executemany(
                "INSERT OR IGNORE INTO tombstone VALUES (?, ?)", ((s, moment) for s in subject_ids)
            )

    def tombstones(self) -> dict[str, datetime]:
        """Give everybody who was erased, and when."""
        with self._turn:
            rows = self._connection.execute("SELECT subject_id, erased_at FROM tombstone")
            return {subject: datetime.fromisoformat(at) for subject, at in rows.fetchall()}

    def subjects_without_key(self, subject_ids: Sequence[str]) -> list[str]:
        """Give those of the subjects whose values nobody can open, in the order given."""
        found = self.find(subject_ids)
        return [subject for subject in subject_ids if subject not in found]

    def count(self) -> int:
        """Give how many keys there are."""
        with self._turn:
            return int(self._connection.execute("SELECT count(*) FROM subject_key").fetchone()[0])

    def copy_to(self, path: Path) -> None:
        """Make the file at `path` equal to this one; what it held before is overwritten."""
        with self._turn, closing(_open(path)) as copy:
            self._connection.backup(copy)

    def take_over(self, other: KeyFile) -> None:
        """Take the keys of another file, its key for searching, and the tombstones of both."""
        with other._turn:
            keys = other._connection.execute("SELECT subject_id, key FROM subject_key").fetchall()
        search_key, buried = other.search_key(), other.tombstones()
        if search_key != self.search_key():
            # of another installation, or of none yet: nothing here was sealed with these
            with self._changing() as connection:
                connection.execute("DELETE FROM subject_key")
                connection.execute("UPDATE search_key SET key = ?", (search_key,))
        with self._changing() as connection:
            connection.executemany(
                "INSERT OR REPLACE INTO subject_key (subject_id, key) VALUES (?, ?)", keys
            )
            connection.executemany(
                "INSERT OR IGNORE INTO tombstone VALUES (?, ?)",
                ((subject, at.isoformat()) for subject, at in buried.items()),
            )
            connection.execute(
                "DELETE FROM subject_key WHERE subject_id IN (SELECT subject_id FROM tombstone)"
            )

    def leaving(self) -> list[str]:
        """Give the subjects whose keys are announced to leave and still stand."""
        with self._turn:
            rows = self._connection.execute(
                "SELECT subject_id FROM subject_key WHERE leaving = 1"
            ).fetchall()
        return [row[0] for row in rows]

    def close(self) -> None:
        """Give back the file."""
        with self._turn:
            self._connection.close()

    def _mark(self, subject_ids: Iterable[str], *, leaving: int) -> None:
        with self._changing() as connection:
            connection.executemany(
                "UPDATE subject_key SET leaving = ? WHERE subject_id = ?",
                ((leaving, subject) for subject in subject_ids),
            )

    @contextmanager
    def _changing(self) -> Iterator[sqlite3.Connection]:
        with self._turn:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise


_OPEN: dict[tuple[str, int], KeyFile] = {}
_OPENING = threading.Lock()


def key_file() -> KeyFile:
    """Give the key file that the settings name, opened at the first call of the process."""
    path = Path(settings.KEY_FILE).absolute()
    key = (str(path), os.getpid())
    with _OPENING:
        if key not in _OPEN:
            _OPEN[key] = KeyFile(path)
        return _OPEN[key]


def key_backup() -> Path | None:
    """Give the file that the settings name for the keys' backup; None where they name none."""
    named = settings.KEYS_BACKUP
    return None if named is None else Path(named).absolute()


def destroy_in_backup(subject_ids: Sequence[str], erased_at: datetime) -> bool:
    """Destroy keys in the keys' backup too; say whether there is one.

    Raises:
        OSError, sqlite3.Error: there should be one and it cannot be reached.
    """
    path = key_backup()
    if path is None or not path.exists():
        return False
    with closing(KeyFile(path)) as backup:
        backup.bury(subject_ids, erased_at)
        backup.destroy(subject_ids)
    return True


def _open(path: Path) -> sqlite3.Connection:
    path.parent.mkdir(parents=True, exist_ok=True)
    # Made with its final rights: it is never readable by others, not even for a moment.
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    path.chmod(0o600)
    connection = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
    for pragma in ("journal_mode=DELETE", "synchronous=FULL", "secure_delete=ON"):
        connection.execute(f"PRAGMA {pragma}")
    return connection


def _batches(subject_ids: Iterable[str]) -> Iterator[list[str]]:
    remaining = iter(subject_ids)
    while some := list(islice(remaining, _IDS_A_QUERY)):
        yield some
