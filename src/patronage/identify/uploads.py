"""How does an upload become an import that goes on while its page is left?

The file is saved first; a thread imports it. Whoever uploaded waits a moment for the import's
row, so that the page it is shown on has an address; a small file is done by then.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Protocol

from patronage.access.background import Background
from patronage.access.errors import PatronageError, Refused
from patronage.access.roles import Actor, Right
from patronage.identify.errors import ImportRefused
from patronage.identify.imports import import_file
from patronage.identify.mapping import Mapping
from patronage.identify.models import ImportRun


class Upload(Protocol):
    """A file on its way in."""

    def chunks(self) -> Iterable[bytes]: ...


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

    def work() -> ImportRun:
        try:
            return import_file(
                actor=actor, now=now, mapping=mapping, path=path, file_name=file_name
            )
        except ImportRefused as refused:
            return refused.run
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    return _shown(Background("import", work), actor, now)


def _shown(begun: Background[ImportRun], actor: Actor, now: datetime) -> ImportRun:
    """Wait until the run is done or its row can be seen."""
    under_way = begun.shown(
        lambda: ImportRun.objects.filter(actor_id=actor.id, started_at=now).first()
    )
    if under_way is not None:
        return under_way
    if isinstance(begun.error, PatronageError):
        raise begun.error
    if begun.result is None:
        raise Refused(
            "The file was received, but its import has not begun. Look at the list of imports in "
            "a minute; if it is not there, upload the file again."
        ) from begun.error
    return begun.result


def _saved(upload: Upload, path: Path) -> Path:
    with path.open("wb") as target:
        for chunk in upload.chunks():
            target.write(chunk)
    return path
