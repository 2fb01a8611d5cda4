"""How does an upload become an import that goes on while its page is left?

The file is saved first; a thread imports it. Whoever uploaded waits a moment for the import's
row, so that the page it is shown on has an address; a small file is done by then.
"""

from __future__ import annotations

import shutil
import tempfile
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final, Protocol

from django.db import connection

from patronage.access.errors import PatronageError, Refused
from patronage.access.roles import Actor, Right
from patronage.identify.errors import ImportRefused
from patronage.identify.imports import import_file
from patronage.identify.mapping import Mapping
from patronage.identify.models import ImportRun

#: how long an upload waits for its import to show, seconds
PATIENCE: Final = 20.0
#: a file that is done so soon is shown with its result at once
_SMALL: Final = 0.8
_BETWEEN_LOOKS: Final = 0.05


class Upload(Protocol):
    """A file on its way in."""

    def chunks(self) -> Iterable[bytes]: ...


@dataclass(slots=True)
class _Outcome:
    """What the thread found."""

    done: threading.Event = field(default_factory=threading.Event)
    run: ImportRun | None = None
    error: BaseException | None = None


def start_import(
    *,
    actor: Actor,
    now: datetime,
    mapping: Mapping,
    upload: Upload,
    file_name: str,
    joined: Upload | None = None,
) -> ImportRun:
    """Save a file and begin to import it; the run may still be under way when it is returned.

    The same file by the same mapping again gives the earlier run.

    Raises:
        NotAllowed: the actor may not import.
        Refused: the mapping joins a second file and none was given.
    """
    actor.require(Right.IMPORT)
    if mapping.join is not None and joined is None:
        raise Refused(
            f"The mapping {mapping.name} completes each row from {mapping.join.file}. "
            "Choose that file as the second one."
        )
    folder = Path(tempfile.mkdtemp(prefix="patronage-import-"))
    try:
        path = _saved(upload, folder / "file")
        if joined is not None and mapping.join is not None:
            _saved(joined, folder / mapping.join.file)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    outcome = _Outcome()

    def work() -> None:
        try:
            outcome.run = import_file(
                actor=actor, now=now, mapping=mapping, path=path, file_name=file_name
            )
        except ImportRefused as refused:
            outcome.run = refused.run
        except BaseException as error:
            # the run's row says so to whoever looks; here only the waiting caller is told
            outcome.error = error
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            connection.close()
            outcome.done.set()

    threading.Thread(target=work, name="import").start()
    return _shown(outcome, actor, now)


def _shown(outcome: _Outcome, actor: Actor, now: datetime) -> ImportRun:
    """Wait until the run is done or its row can be seen."""
    outcome.done.wait(_SMALL)
    until = time.monotonic() + PATIENCE
    while not outcome.done.is_set() and time.monotonic() < until:
        under_way = ImportRun.objects.filter(actor_id=actor.id, started_at=now).first()
        if under_way is not None:
            return under_way
        outcome.done.wait(_BETWEEN_LOOKS)
    if isinstance(outcome.error, PatronageError):
        raise outcome.error
    if outcome.run is None:
        raise Refused(
            "The file was received, but its import has not begun. Look at the list of imports in "
            "a minute; if it is not there, upload the file again."
        ) from outcome.error
    return outcome.run


def _saved(upload: Upload, path: Path) -> Path:
    with path.open("wb") as target:
        for chunk in upload.chunks():
            target.write(chunk)
    return path
