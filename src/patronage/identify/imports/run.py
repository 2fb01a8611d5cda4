"""Brings one file in: reads and checks outside any transaction, then applies it in a single one."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Final

from django.db import IntegrityError

from patronage.access import audit, datasets
from patronage.access.company import current
from patronage.access.datasets import DatasetMoved
from patronage.access.errors import PatronageError
from patronage.access.progress import Progress, silent
from patronage.access.roles import Actor, Right
from patronage.access.transactions import atomic
from patronage.identify.errors import FileUnfit, IdentifierTaken, ImportRefused
from patronage.identify.imports.apply import apply
from patronage.identify.imports.prepare import Prepared, prepare
from patronage.identify.imports.quarantine import keep_quarantine
from patronage.identify.imports.source import Workspace, digest_of
from patronage.identify.mapping import Mapping
from patronage.identify.models import ImportRun

#: How often a file is prepared anew because another import was applied in the meantime.
ATTEMPTS: Final = 3


def import_file(
    *,
    actor: Actor,
    now: datetime,
    mapping: Mapping,
    path: Path,
    progress: Progress = silent,
    file_name: str | None = None,
) -> ImportRun:
    """Import a file by a mapping; the same file by the same mapping again changes nothing.

    Args:
        path: the file; one that the mapping joins to it is expected beside it.
        file_name: name shown in histories where the path is a temporary one.

    Returns:
        The run, with rows read = landed + repeated + quarantined; the earlier run where this
        file was applied before.

    Raises:
        NotAllowed: the actor may not import.
        ImportRefused: nothing was imported; its `run` holds the reason and the quarantine.
    """
    actor.require(Right.IMPORT)
    name = file_name or path.name
    try:
        digest = digest_of(path, mapping)
    except FileUnfit as error:
        run = _start(actor, now, mapping, name, "")
        raise _refused(run, now, str(error)) from error
    earlier = ImportRun.objects.filter(
        file_digest=digest, mapping_digest=mapping.digest, state="applied"
    ).first()
    if earlier is not None:
        return earlier
    run = _start(actor, now, mapping, name, digest)
    try:
        return _attempts(run, actor, now, mapping, path, _Shown(run, progress))
    except ImportRefused:
        raise
    except PatronageError as error:
        raise _refused(run, now, str(error)) from error
    except BaseException as error:
        _refused(run, now, f"it stopped unexpectedly ({type(error).__name__}); try it again")
        raise


def _attempts(
    run: ImportRun, actor: Actor, now: datetime, mapping: Mapping, path: Path, shown: _Shown
) -> ImportRun:
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return _attempt(run, actor, now, mapping, path, shown)
        except (DatasetMoved, IdentifierTaken, IntegrityError):
            # Another import was applied while this one was prepared: its rows count now.
            twin = ImportRun.objects.filter(
                file_digest=run.file_digest, mapping_digest=run.mapping_digest, state="applied"
            ).first()
            if twin is not None:
                run.delete()
                return twin
            if attempt == ATTEMPTS:
                raise
    raise AssertionError("unreachable: the last attempt returns or raises")


def _attempt(
    run: ImportRun, actor: Actor, now: datetime, mapping: Mapping, path: Path, shown: _Shown
) -> ImportRun:
    work = Workspace(datasets.warehouse().connection)
    try:
        prepared = prepare(
            work,
            run_id=run.id,
            mapping=mapping,
            path=path,
            company=current().company,
            now=now,
            progress=shown,
        )
        if prepared.landed + prepared.repeated == 0:
            raise _nothing_fits(run, now, prepared)
        shown(0.9, "applying")
        with atomic():
            apply(run, prepared, actor=actor, now=now, mapping=mapping)
            _finish(run, prepared, now)
            audit.record(
                actor=actor,
                now=now,
                action="import file",
                subject_kind="import",
                subject_id=run.id,
                right=Right.IMPORT,
                before={},
                change={
                    "file": run.file_name,
                    "sha256": run.file_digest,
                    "mapping": mapping.name,
                    "landed": prepared.landed,
                    "repeated": prepared.repeated,
                    "quarantined": prepared.quarantined,
                },
            )
    finally:
        work.close()
    shown.listener(1.0, "done")
    return run


class _Shown:
    """Tells the caller how far the import is, and the run's row for whoever looks at it."""

    def __init__(self, run: ImportRun, listener: Progress) -> None:
        self._run = run
        self.listener = listener

    def __call__(self, share: float, step: str) -> None:
        ImportRun.objects.filter(id=self._run.id).update(done=share, step=step)
        self.listener(share, step)


def _start(actor: Actor, now: datetime, mapping: Mapping, name: str, digest: str) -> ImportRun:
    return ImportRun.objects.create(
        mapping=mapping.name,
        dataset=mapping.dataset,
        file_name=name,
        file_digest=digest,
        mapping_digest=mapping.digest,
        actor_id=actor.id,
        started_at=now,
    )


def _finish(run: ImportRun, prepared: Prepared, now: datetime) -> None:
    run.state = "applied"
    run.rows_read = prepared.read
    run.rows_landed = prepared.landed
    run.rows_repeated = prepared.repeated
    run.rows_quarantined = prepared.quarantined
    run.customers_created = prepared.new_customers.num_rows
    run.done, run.step, run.error = 1.0, "done", ""
    run.finished_at = now
    run.save()


def _nothing_fits(run: ImportRun, now: datetime, prepared: Prepared) -> ImportRefused:
    with atomic():
        keep_quarantine(run, prepared.quarantine)
        run.rows_read, run.rows_quarantined = prepared.read, prepared.quarantined
        first = prepared.quarantine.slice(0, 1).to_pylist()[0]
        return _refused(
            run,
            now,
            f"none of its {prepared.read:,} rows fits; the first, line {first['line']:,}, "
            f"column {first['column']}: {first['reason']}. Mend the file or the mapping.",
        )


def _refused(run: ImportRun, now: datetime, reason: str) -> ImportRefused:
    run.state, run.error, run.finished_at = "refused", reason, now
    run.save()
    return ImportRefused(run)
