"""Do readers see exactly the state they name, whatever writers do, win, lose or die?"""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from patronage.warehouse import (
    Manifest,
    ManifestConflict,
    RowsDoNotFit,
    UnknownDataset,
    UnknownManifest,
    Warehouse,
    durable,
    manifests,
)
from patronage.warehouse.schemas import CUSTOMER_FACTS

FACTS = CUSTOMER_FACTS.name


def names_in(warehouse: Warehouse, number: int | None) -> set[str]:
    return set(warehouse.polars(warehouse.read(FACTS, number).customer_id.name("id"))["id"])


def publish_by_renaming(path: Path, content: bytes) -> None:
    """The broken twin of `publish`: a rename takes the name from whoever held it."""
    draft = path.with_name(f".{path.name}.{threading.get_ident()}")
    draft.write_bytes(content)
    draft.replace(path)


def test_a_dataset_never_written_is_an_empty_table_with_its_columns(warehouse: Warehouse) -> None:
    empty = warehouse.arrow(warehouse.read(FACTS, None))
    assert empty.num_rows == 0
    assert tuple(empty.column_names) == CUSTOMER_FACTS.column_names
    assert str(empty.schema.field("observed_at").type) == "timestamp[us, tz=UTC]"


def test_a_reader_sees_the_state_it_names_and_not_a_later_one(
    warehouse: Warehouse, rows: Callable[..., Any]
) -> None:
    first = warehouse.append(FACTS, rows(CUSTOMER_FACTS, 1, customer_id=["cus_1"]), base=None)
    second = warehouse.append(FACTS, rows(CUSTOMER_FACTS, 1, customer_id=["cus_2"]), base=1)
    assert names_in(warehouse, first.number) == {"cus_1"}
    assert names_in(warehouse, second.number) == {"cus_1", "cus_2"}
    assert second.parent == first.number
    assert second.rows == 2


def test_parts_become_files_of_their_own_under_one_manifest(
    warehouse: Warehouse, rows: Callable[..., Any]
) -> None:
    first = warehouse.append(FACTS, rows(CUSTOMER_FACTS, 1, customer_id=["cus_1"]), base=None)
    parts = (rows(CUSTOMER_FACTS, 1, customer_id=[each]) for each in ("cus_2", "cus_3"))
    second = warehouse.append_parts(FACTS, parts, base=first.number)
    assert second.parent == first.number
    assert [file.rows for file in second.files] == [1, 1, 1]
    assert names_in(warehouse, second.number) == {"cus_1", "cus_2", "cus_3"}


def test_of_parts_that_do_not_all_fit_none_is_kept(
    warehouse: Warehouse, root: Path, rows: Callable[..., Any]
) -> None:
    parts = [rows(CUSTOMER_FACTS, 1), rows(CUSTOMER_FACTS, 1).drop_columns("customer_id")]
    with pytest.raises(RowsDoNotFit):
        warehouse.append_parts(FACTS, parts, base=None)
    assert list(root.rglob("*.parquet")) == []
    assert warehouse.numbers(FACTS) == []


def test_a_replacement_holds_its_own_rows_only(
    warehouse: Warehouse, rows: Callable[..., Any]
) -> None:
    warehouse.append(FACTS, rows(CUSTOMER_FACTS, 3), base=None)
    warehouse.replace(FACTS, rows(CUSTOMER_FACTS, 1, customer_id=["cus_9"]), base=1)
    assert names_in(warehouse, 2) == {"cus_9"}
    assert len(names_in(warehouse, 1)) == 3


def test_a_written_manifest_and_its_files_are_never_changed_by_later_writes(
    warehouse: Warehouse, rows: Callable[..., Any], root: Path
) -> None:
    warehouse.append(FACTS, rows(CUSTOMER_FACTS, 3), base=None)
    before = {p: p.read_bytes() for p in (root / FACTS).rglob("*.*") if p.is_file()}
    warehouse.append(FACTS, rows(CUSTOMER_FACTS, 3), base=1)
    warehouse.without_rows(FACTS, ["v_0001"], base=2)
    assert {path: path.read_bytes() for path in before} == before
    assert len(before) == 2


def test_an_orphan_is_not_seen_from_the_committed_state_and_its_number_is_skipped(
    warehouse: Warehouse, rows: Callable[..., Any]
) -> None:
    warehouse.append(FACTS, rows(CUSTOMER_FACTS, 1, customer_id=["cus_1"]), base=None)
    orphan = warehouse.append(FACTS, rows(CUSTOMER_FACTS, 1, customer_id=["rolled_back"]), base=1)
    later = warehouse.append(FACTS, rows(CUSTOMER_FACTS, 1, customer_id=["cus_2"]), base=1)
    assert later.number == orphan.number + 1
    assert names_in(warehouse, later.number) == {"cus_1", "cus_2"}
    # The broken twin of a reader, which takes the highest number at the time, saw the orphan.
    assert "rolled_back" in names_in(warehouse, orphan.number)


def overlapping_writers(root: Path, rows: Callable[..., Any]) -> Manifest:
    """Let one writer publish while another is between its base and its publication."""
    with Warehouse(root) as slow, Warehouse(root) as quick:

        def batches() -> Iterator[Any]:
            yield from rows(CUSTOMER_FACTS, 1, customer_id=["slow"]).to_batches()
            quick.append(FACTS, rows(CUSTOMER_FACTS, 1, customer_id=["quick"]), base=None)

        with pytest.raises(ManifestConflict, match="customer_facts manifest 1"):
            slow.append(FACTS, batches(), base=None)
        assert names_in(quick, 1) == {"quick"}
        return quick.manifest(FACTS, 1)


def test_of_two_overlapping_writers_one_wins_and_the_other_is_told(
    root: Path, rows: Callable[..., Any]
) -> None:
    winner = overlapping_writers(root, rows)
    on_disk = {path.name for path in (root / FACTS / "files").iterdir()}
    assert on_disk == {file.name for file in winner.files}


def test_a_writer_that_publishes_by_renaming_would_lose_a_write_unnoticed(
    root: Path, rows: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(manifests, "publish", publish_by_renaming)
    with pytest.raises(pytest.fail.Exception, match="DID NOT RAISE"):
        overlapping_writers(root, rows)


def winners(publish: Callable[[Path, bytes], None], path: Path) -> list[int]:
    start, won = threading.Barrier(8), []

    def write(writer: int) -> None:
        start.wait()
        try:
            publish(path, f"{writer}".encode() * 4096)
        except FileExistsError:
            return
        won.append(writer)

    threads = [threading.Thread(target=write, args=(writer,)) for writer in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return won


def test_of_eight_threads_publishing_one_name_exactly_one_wins(tmp_path: Path) -> None:
    won = winners(durable.publish, tmp_path / "1.json")
    assert len(won) == 1
    assert (tmp_path / "1.json").read_bytes() == f"{won[0]}".encode() * 4096
    assert [path.name for path in tmp_path.iterdir()] == ["1.json"]
    assert len(winners(publish_by_renaming, tmp_path / "2.json")) == 8


def test_a_failure_between_files_and_manifest_leaves_nothing(
    warehouse: Warehouse, rows: Callable[..., Any], root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    warehouse.append(FACTS, rows(CUSTOMER_FACTS, 2), base=None)
    before = sorted((root / FACTS).rglob("*"))

    def fail(path: Path, content: bytes) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(manifests, "publish", fail)
    with pytest.raises(OSError, match="disk full"):
        warehouse.append(FACTS, rows(CUSTOMER_FACTS, 2), base=1)
    assert sorted((root / FACTS).rglob("*")) == before


@pytest.mark.parametrize("dies_before", ["link", "fsync"])
def test_a_process_that_dies_before_publishing_leaves_nothing_visible(
    warehouse: Warehouse, rows: Callable[..., Any], root: Path, dies_before: str
) -> None:
    warehouse.append(FACTS, rows(CUSTOMER_FACTS, 2, customer_id=["a", "b"]), base=None)
    program = f"""
        import os, sys
        from pathlib import Path
        from patronage.warehouse import Warehouse
        with Warehouse(Path(sys.argv[1])) as warehouse:
            rows = warehouse.arrow(warehouse.read("customer_facts", 1))
            os.{dies_before} = lambda *_: os._exit(9)
            warehouse.append("customer_facts", rows, base=1)
    """
    died = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program), str(root)], check=False, env=os.environ
    )
    assert died.returncode == 9
    assert warehouse.numbers(FACTS) == [1]
    assert names_in(warehouse, 1) == {"a", "b"}
    warehouse.collect_garbage(FACTS, {1})
    kept = {path.name for path in (root / FACTS).rglob("*") if path.is_file()}
    assert kept == {"lock", "00000001.json", warehouse.manifest(FACTS, 1).files[0].name}
    # What the dead process spilled goes when the folder is next opened.
    with Warehouse(root):
        assert len(list((root / "tmp").glob("*.lock"))) == 2


def test_garbage_collection_keeps_the_kept_spares_the_newer_and_removes_the_rest(
    warehouse: Warehouse, rows: Callable[..., Any], root: Path
) -> None:
    for base in (None, 1, 2):
        warehouse.replace(FACTS, rows(CUSTOMER_FACTS, 2), base=base)
    removed = warehouse.collect_garbage(FACTS, {2})
    assert warehouse.numbers(FACTS) == [2, 3]
    assert len(removed) == 1
    with pytest.raises(UnknownManifest, match="no manifest 1"):
        warehouse.read(FACTS, 1)
    assert warehouse.verify(FACTS, 2) == warehouse.verify(FACTS, 3) == ()
    warehouse.collect_garbage(FACTS, {2}, spare_newer=False)
    assert warehouse.numbers(FACTS) == [2]


def test_a_number_used_again_after_its_orphan_was_collected_is_read_anew_by_everybody(
    root: Path, rows: Callable[..., Any]
) -> None:
    with Warehouse(root) as writer, Warehouse(root) as reader:
        writer.append(FACTS, rows(CUSTOMER_FACTS, 1, customer_id=["kept"]), base=None)
        writer.append(FACTS, rows(CUSTOMER_FACTS, 1, customer_id=["rolled_back"]), base=1)
        assert names_in(reader, 2) == {"kept", "rolled_back"}
        writer.collect_garbage(FACTS, {1}, spare_newer=False)
        writer.append(FACTS, rows(CUSTOMER_FACTS, 1, customer_id=["committed"]), base=1)
        assert names_in(reader, 2) == {"kept", "committed"}


def test_garbage_collection_refuses_a_kept_number_that_is_not_there(
    warehouse: Warehouse, rows: Callable[..., Any]
) -> None:
    warehouse.append(FACTS, rows(CUSTOMER_FACTS, 2), base=None)
    with pytest.raises(UnknownManifest, match="no manifest 7"):
        warehouse.collect_garbage(FACTS, {7})
    assert warehouse.numbers(FACTS) == [1]


def test_garbage_collection_waits_for_a_write_under_way(
    root: Path, rows: Callable[..., Any]
) -> None:
    with Warehouse(root) as writer, Warehouse(root) as collector:
        writer.append(FACTS, rows(CUSTOMER_FACTS, 2), base=None)
        collecting = threading.Thread(target=collector.collect_garbage, args=(FACTS, {1}))

        def batches() -> Iterator[Any]:
            yield from rows(CUSTOMER_FACTS, 2).to_batches()
            collecting.start()
            collecting.join(timeout=0.2)
            assert collecting.is_alive()

        written = writer.append(FACTS, batches(), base=1)
        collecting.join()
        assert writer.verify(FACTS, written.number) == ()


def test_a_dataset_nobody_declared_is_refused_with_those_that_are(warehouse: Warehouse) -> None:
    with pytest.raises(UnknownDataset, match=r"'../secrets'.*order_lines"):
        warehouse.read("../secrets", None)
