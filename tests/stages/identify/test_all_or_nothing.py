"""Whatever stops an import half-way, nothing of it is there; and it can be tried again."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import pytest

from patronage.access import datasets
from patronage.access.roles import SYSTEM
from patronage.identify import bulk, profiles
from patronage.identify.imports import apply as apply_module
from patronage.identify.imports import import_file, prepare
from patronage.identify.imports import run as run_module
from patronage.identify.mapping import parse_mapping
from patronage.identify.models import ImportRun, QuarantinedRow

from .files import HEADER, SALES, FilesIn, counts, everything, stored, totals

MAPPING = SALES + 'mail = { from = "mail", personal = true }\n'
CONTENT = (
    f"{HEADER},mail\n7,r1,milk,2025-03-01T10:00:00Z,2,3.98,a@example.com\n"
    "8,r2,milk,2025-03-02T10:00:00Z,x,1.99,b@example.com\n"
)
#: Where the process is made to fail: (object, name of the function that raises).
POINTS = [
    (prepare, "open_source"),
    (prepare, "fit"),
    (prepare, "select_new"),
    (prepare, "new_customers"),
    (prepare, "_write"),
    (run_module, "apply"),
    (apply_module, "create_customers"),
    (datasets, "commit"),
    (profiles, "add"),
    (apply_module, "_add_personal"),
    (apply_module, "keep_quarantine"),
    (run_module, "_finish"),
    (bulk, "insert"),
]


class Crash(RuntimeError):
    """The process dies here."""


@pytest.mark.parametrize(("place", "name"), POINTS, ids=[f"{name}" for _, name in POINTS])
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_failure_at_any_point_leaves_nothing_half_imported(
    files: FilesIn, monkeypatch: pytest.MonkeyPatch, place: Any, name: str, when: str
) -> None:
    files.sales("9,r0,jam,2025-02-01T10:00:00Z,1,4.00", name="earlier.csv")
    before, rows = everything(), stored()
    done = getattr(place, name)

    def crash(*args: Any, **kwargs: Any) -> Any:
        if when == "after":
            done(*args, **kwargs)
        raise Crash

    with monkeypatch.context() as broken:
        broken.setattr(place, name, crash)
        with pytest.raises(Crash):
            files.bring(CONTENT, MAPPING)
    assert everything() == before
    assert stored() == rows
    assert not QuarantinedRow.objects.exists()
    assert set(ImportRun.objects.values_list("state", flat=True)) == {"applied", "refused"}
    run = files.bring(CONTENT, MAPPING)
    assert counts(run) == (2, 1, 0, 1)
    assert totals()["7"]["spend_minor"] == 398


def test_an_import_without_its_transaction_would_be_caught_half_done(
    files: FilesIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The broken twin: with the transaction taken away, the same crash leaves customers behind."""
    files.sales("9,r0,jam,2025-02-01T10:00:00Z,1,4.00", name="earlier.csv")
    before = everything()

    def crash(*args: Any, **kwargs: Any) -> Any:
        raise Crash

    monkeypatch.setattr(run_module, "atomic", nullcontext)
    monkeypatch.setattr(apply_module, "keep_quarantine", crash)
    with pytest.raises(Crash):
        files.sales("7,r1,milk,2025-03-01T10:00:00Z,2,3.98")
    assert everything() != before


def test_an_import_that_lost_a_race_is_prepared_again_on_the_newer_state(
    files: FilesIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    mapping = parse_mapping(SALES, name="test")
    slow = files.write(f"{HEADER}\n7,r1,milk,2025-03-01T10:00:00Z,2,3.98\n", "slow.csv")
    quick = files.write(
        f"{HEADER}\n7,r1,milk,2025-03-01T10:00:00Z,2,3.98\n7,r1,tea,2025-03-01T10:00:00Z,1,1.00\n",
        "quick.csv",
    )
    raced: list[bool] = []

    def prepared(*args: Any, **kwargs: Any) -> Any:
        found = prepare.prepare(*args, **kwargs)
        if not raced:
            raced.append(True)
            import_file(actor=SYSTEM, now=files.now, mapping=mapping, path=quick)
        return found

    monkeypatch.setattr(run_module, "prepare", prepared)
    run = import_file(actor=SYSTEM, now=files.now, mapping=mapping, path=slow)
    assert counts(run) == (1, 0, 1, 0)
    assert len(stored()) == 2
    assert totals()["7"]["spend_minor"] == 498
