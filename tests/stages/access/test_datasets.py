"""Files count only once a committed row names them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest
from pytest_django import Settings

from patronage.access import datasets
from patronage.access.datasets import DatasetMoved, close_warehouses, commit, head, read, warehouse
from patronage.access.models import DatasetVersion
from patronage.access.transactions import atomic
from patronage.warehouse import Manifest

pytestmark = pytest.mark.django_db
OBSERVED = datetime(2017, 1, 1, tzinfo=UTC)


@pytest.fixture(autouse=True)
def closed_afterwards() -> Iterator[None]:
    yield
    close_warehouses()


def facts(*names: str) -> pa.Table:
    """Rows of the smallest dataset: one fact for each customer named."""
    return pa.table(
        {
            "customer_id": pa.array(names, pa.string()),
            "name": ["income_band"] * len(names),
            "value_text": ["high"] * len(names),
            "observed_at": pa.array([OBSERVED] * len(names), pa.timestamp("us", "UTC")),
            "source": ["test"] * len(names),
            "import_id": ["imp_1"] * len(names),
        }
    )


def append(*names: str) -> Manifest:
    return warehouse().append("customer_facts", facts(*names), base=head("customer_facts"))


def count() -> int:
    return int(warehouse().arrow(read("customer_facts").count())[0][0].as_py())


def test_rows_are_read_once_committed_and_not_before(now: datetime) -> None:
    assert head("customer_facts") is None
    assert count() == 0
    manifest = append("cus_1", "cus_2")
    assert count() == 0
    version = commit(dataset="customer_facts", manifest=manifest, cause="imp_1", now=now)
    assert (version.rows, version.cause) == (2, "imp_1")
    assert count() == 2
    assert warehouse().arrow(read("customer_facts", None).count())[0][0].as_py() == 0


def test_a_commit_that_is_rolled_back_leaves_the_state_before(now: datetime) -> None:
    commit(dataset="customer_facts", manifest=append("cus_1"), cause="imp_1", now=now)

    def commit_and_fail() -> None:
        with atomic():
            commit(dataset="customer_facts", manifest=append("cus_2"), cause="imp_2", now=now)
            assert count() == 2
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        commit_and_fail()
    assert count() == 1


def test_a_state_built_on_an_older_one_is_refused(now: datetime) -> None:
    first, second = append("cus_1"), append("cus_2")
    commit(dataset="customer_facts", manifest=first, cause="imp_1", now=now)
    with pytest.raises(DatasetMoved, match="newest state is 1"):
        commit(dataset="customer_facts", manifest=second, cause="imp_2", now=now)
    assert count() == 1


def test_the_database_itself_refuses_two_successors_of_one_state(
    now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two who looked at the same moment: the constraint decides, not the look."""
    first, second = append("cus_1"), append("cus_2")
    commit(dataset="customer_facts", manifest=first, cause="imp_1", now=now)
    monkeypatch.setattr(datasets, "head", lambda dataset: None)
    with pytest.raises(DatasetMoved):
        commit(dataset="customer_facts", manifest=second, cause="imp_2", now=now)
    assert DatasetVersion.objects.count() == 1


def test_committing_the_same_state_again_changes_nothing(now: datetime) -> None:
    manifest = append("cus_1")
    once = commit(dataset="customer_facts", manifest=manifest, cause="imp_1", now=now)
    assert commit(dataset="customer_facts", manifest=manifest, cause="imp_9", now=now) == once


def test_one_warehouse_a_folder(settings: Settings, tmp_path: Path) -> None:
    first = warehouse()
    assert warehouse() is first
    settings.WAREHOUSE_ROOT = tmp_path / "another"
    assert warehouse() is not first
