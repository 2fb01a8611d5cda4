"""R22: a backup taken while others write is one moment, restores to it, and brings nobody back."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from django.db import connection
from pytest_django import Settings

from patronage.access import audit, datasets, erasures, vault
from patronage.access.backups import (
    Taken,
    back_up_keys,
    check_backup,
    postgresql,
    restore_backup,
    restoring,
    sqlite_file,
    store,
    take_backup,
)
from patronage.access.backups.errors import BackupDamaged, KeysElsewhere, StoreNotEmpty
from patronage.access.key_file import KeyFile
from patronage.access.models import AuditEntry, Erasure, IdempotencyRecord
from patronage.access.roles import SYSTEM
from patronage.access.sqlite.connection import connect
from patronage.access.transactions import atomic
from patronage.identify.models import Customer

from ..stages.remembered import all_rows

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.trial]
WRITERS = 3


@pytest.fixture(autouse=True)
def keys_apart(settings: Settings, tmp_path: Path) -> None:
    settings.KEYS_BACKUP = tmp_path / "elsewhere" / "keys.sqlite3"


@pytest.fixture
def people(now: datetime) -> list[str]:
    """Two customers with a name each, and a state of the history."""
    ids = [f"cus_{n}" * 3 for n in "ab"]
    for each in ids:
        Customer.objects.create(
            id=each, kind="person", label=each, entry="acquired", entered_at=now, created_at=now
        )
        vault.put(each, "name", f"Name of {each}", now, searchable=True)
    land(ids, now)
    return ids


def land(ids: list[str], now: datetime, value: str = "large") -> None:
    """A fact of each, as a new state of a dataset."""
    rows = pa.table(
        {
            "customer_id": ids,
            "name": ["size"] * len(ids),
            "value_text": [value] * len(ids),
            "value_number": pa.nulls(len(ids), pa.float64()),
            "observed_at": pa.array([now] * len(ids), pa.timestamp("us", "UTC")),
            "source": ["tests"] * len(ids),
            "import_id": ["imp"] * len(ids),
        }
    )
    with atomic():
        base = datasets.head("customer_facts")
        manifest = datasets.warehouse().append("customer_facts", rows, base=base)
        datasets.commit(dataset="customer_facts", manifest=manifest, cause="tests", now=now)


def write_pair(now: datetime, name: str) -> None:
    """One row in each of two tables: whoever sees one without the other saw two moments."""
    with atomic():
        audit.record(
            actor=SYSTEM, now=now, action="pair", subject_kind="pair", subject_id=name,
            right=None, before={},
        )  # fmt: skip
        IdempotencyRecord.objects.create(
            caller_id="pair", key=name, body_digest="", status=200, body="", recorded_at=now
        )


@contextmanager
def under_load(ids: list[str], now: datetime) -> Iterator[Callable[[], int]]:
    """Writers of pairs and of further states of the history; gives how many were written."""
    ending, written = threading.Event(), [0] * WRITERS

    def work(worker: int) -> None:
        while not ending.is_set() and written[worker] < 2_000:
            write_pair(now, f"{worker}-{written[worker]}")
            if worker == 0 and written[0] % 20 == 0:
                land(ids, now)
            written[worker] += 1
        connection.close()

    threads = [threading.Thread(target=work, args=(each,)) for each in range(WRITERS)]
    for thread in threads:
        thread.start()
    try:
        wait_for(lambda: sum(written) >= 3 * WRITERS)
        yield lambda: sum(written)
    finally:
        ending.set()
        for thread in threads:
            thread.join()


def wait_for(condition: Callable[[], bool]) -> None:
    limit = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < limit, "the writers have stopped"
        time.sleep(0.01)


def pairs() -> tuple[set[str], set[str]]:
    first = AuditEntry.objects.filter(action="pair").values_list("subject_id", flat=True)
    second = IdempotencyRecord.objects.filter(caller_id="pair").values_list("key", flat=True)
    return set(first), set(second)


def contents() -> dict[str, list[Any]]:
    """Every table's rows; in which order they lie in their file is no part of them."""
    return {
        table: sorted(rows.splitlines() if isinstance(rows, bytes) else rows, key=repr)
        for table, rows in all_rows()
    }


def elsewhere(settings: Settings, folder: Path) -> None:
    """Another machine: its own warehouse, outbox and key file, all empty."""
    datasets.close_warehouses()
    settings.WAREHOUSE_ROOT = folder / "warehouse"
    settings.OUTBOX_ROOT = folder / "outbox"
    settings.KEY_FILE = folder / "keys.sqlite3"


def test_a_backup_under_load_is_one_moment_and_restores_to_it(
    people: list[str], now: datetime, tmp_path: Path, settings: Settings
) -> None:
    with under_load(people, now) as written:
        before = written()
        taken = take_backup(actor=SYSTEM, now=now, into=tmp_path / "backups")
        wait_for(lambda: written() >= before + 10)
    assert check_backup(actor=SYSTEM, now=now, folder=taken.folder).problems == ()
    modes = {path.stat().st_mode & 0o777 for path in taken.folder.rglob("*")}
    assert modes <= {0o600, 0o700}
    with pytest.raises(StoreNotEmpty):
        restore_backup(actor=SYSTEM, now=now, folder=taken.folder)
    elsewhere(settings, tmp_path / "other")
    restore_backup(actor=SYSTEM, now=now, folder=taken.folder, replace=True)
    first, second = pairs()
    assert first == second
    assert len(first) >= before
    head = datasets.head("customer_facts")
    assert head is not None
    assert datasets.warehouse().verify("customer_facts", head) == ()
    assert {vault.get(each, "name") for each in people} == {f"Name of {each}" for each in people}
    # life goes on: sequences and states follow on from what was restored
    write_pair(now, "after")
    land(people, now)


def test_every_row_comes_back_and_nothing_else(
    people: list[str], now: datetime, tmp_path: Path
) -> None:
    vault.put(people[0], "odd", "tab\t, break\n, backslash \\N, ☃", now)
    before = contents()
    taken = take_backup(actor=SYSTEM, now=now, into=tmp_path / "backups")
    write_pair(now, "later")
    Customer.objects.filter(pk=people[0]).update(label="changed since")
    restore_backup(actor=SYSTEM, now=now, folder=taken.folder, replace=True)
    AuditEntry.objects.filter(action="restore backup").delete()
    assert contents() == before


def test_who_was_erased_since_stays_erased(
    people: list[str], now: datetime, tmp_path: Path, settings: Settings
) -> None:
    gone, stays = people
    taken = take_backup(actor=SYSTEM, now=now, into=tmp_path / "backups")
    later = now + timedelta(days=1)
    erasures.forget(actor=SYSTEM, now=later, customer_ids=[gone], reason="asked", right=None)
    assert Erasure.objects.get().keys_backup == "destroyed"
    elsewhere(settings, tmp_path / "other")
    done = restore_backup(actor=SYSTEM, now=later, folder=taken.folder, replace=True)
    assert done.erased_again == 1
    assert Customer.objects.get(pk=gone).erased_at == later
    assert vault.get(gone, "name") is None
    assert vault.find("name", f"Name of {gone}") == []
    facts = datasets.warehouse().arrow(datasets.read("customer_facts"))
    assert set(facts["customer_id"].to_pylist()) == {stays}
    assert vault.get(stays, "name") == f"Name of {stays}"


def test_the_broken_twin_that_forgets_tombstones_is_found(
    people: list[str], now: datetime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = take_backup(actor=SYSTEM, now=now, into=tmp_path / "backups")
    erasures.forget(actor=SYSTEM, now=now, customer_ids=people[:1], reason="asked", right=None)
    monkeypatch.setattr(restoring, "reapply", lambda now: 0)
    restore_backup(actor=SYSTEM, now=now, folder=taken.folder, replace=True)
    assert Customer.objects.get(pk=people[0]).erased_at is None
    with pytest.raises(vault.VaultUnreadable):  # no name, but still there to be served
        vault.get(people[0], "name")


@pytest.mark.parametrize("twin", [False, True], ids=["one moment", "broken twin"])
def test_what_is_written_between_two_tables_is_in_neither(
    people: list[str],
    now: datetime,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    twin: bool,
) -> None:
    write_pair(now, "before")
    _write_between(monkeypatch, now)
    if twin:
        _without_a_moment(monkeypatch)
    taken = take_backup(actor=SYSTEM, now=now, into=tmp_path / "backups")
    monkeypatch.undo()
    report = check_backup(actor=SYSTEM, now=now, folder=taken.folder)
    restored = _pairs_of(taken, tmp_path)
    assert (report.sound and restored == (1, 1)) is not twin


def _write_between(monkeypatch: pytest.MonkeyPatch, now: datetime) -> None:
    """Have another connection write a pair once the first of its two tables has been read."""
    moment, name = (
        (postgresql.TablesMoment, "_copied")
        if connection.vendor == "postgresql"
        else (sqlite_file.FileMoment, "_digest")
    )
    usual = getattr(moment, name)

    def meddling(self: Any, table: str, *rest: Any) -> Any:
        found = usual(self, table, *rest)
        if table == "access_auditentry":
            other = threading.Thread(target=_write_elsewhere, args=(now,))
            other.start()
            other.join()
        return found

    monkeypatch.setattr(moment, name, meddling)


def _without_a_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    @contextmanager
    def no_moment() -> Iterator[Any]:
        if connection.vendor == "postgresql":
            yield postgresql.TablesMoment(connection)
        else:
            own = connect(Path(str(connection.settings_dict["NAME"])))
            yield sqlite_file.FileMoment(own)
            own.close()

    monkeypatch.setattr(store, "snapshot", no_moment)


def _write_elsewhere(now: datetime) -> None:
    write_pair(now, "between")
    connection.close()


def _pairs_of(taken: Taken, tmp_path: Path) -> tuple[int, int]:
    at = tmp_path / "scratch"
    at.mkdir()
    with store.scratch(taken.folder, taken.manifest.migrations, at) as restored:
        rows = {table.name: table.rows for table in restored.digests()}
    audits = AuditEntry.objects.exclude(action="pair").count()
    # what took the backup and checked it is in the store only
    return rows["access_auditentry"] - audits + 2, rows["access_idempotencyrecord"]


def test_a_damaged_backup_is_found_and_never_used(
    people: list[str], now: datetime, tmp_path: Path
) -> None:
    taken = take_backup(actor=SYSTEM, now=now, into=tmp_path / "backups")
    for path in sorted(taken.folder.rglob("*")):
        if not path.is_file() or path.name == "manifest.json" or path.stat().st_size == 0:
            continue
        whole = path.read_bytes()
        middle = len(whole) // 2
        path.write_bytes(whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :])
        assert not check_backup(actor=SYSTEM, now=now, folder=taken.folder).sound, path
        with pytest.raises(BackupDamaged):
            restore_backup(actor=SYSTEM, now=now, folder=taken.folder, replace=True)
        path.write_bytes(whole)
    assert check_backup(actor=SYSTEM, now=now, folder=taken.folder).sound
    # keys that are not there open nothing
    with closing(KeyFile(taken.keys_at)) as keys:
        keys.destroy(people)
    assert check_backup(actor=SYSTEM, now=now, folder=taken.folder).without_key == len(people)


def test_keys_never_stand_beside_the_data(
    people: list[str], now: datetime, tmp_path: Path, settings: Settings
) -> None:
    for place in (None, tmp_path / "backups" / "keys.sqlite3", settings.KEY_FILE):
        settings.KEYS_BACKUP = place
        with pytest.raises(KeysElsewhere):
            take_backup(actor=SYSTEM, now=now, into=tmp_path / "backups")
    settings.KEYS_BACKUP = tmp_path / "apart.sqlite3"
    assert back_up_keys(actor=SYSTEM) == len(people)
