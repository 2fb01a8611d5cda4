"""Where may an engine put what does not fit in memory, and who clears it after a crash?"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from pathlib import Path

from patronage.warehouse.durable import make_folder


class SpillFolder:
    """A folder of this process alone, marked as in use by a lock that dies with the process.

    Opening one removes the folders of processes that died without removing theirs, so that
    rows erased from the history do not live on in a forgotten temporary file.
    """

    def __init__(self, root: Path) -> None:
        make_folder(root)
        for left in root.glob("*.lock"):
            _remove_if_left(left)
        self._descriptor: int | None
        self._descriptor, self._mark = _marked(root)
        #: The engine's to create and fill.
        self.path = self._mark.with_suffix("")

    def remove(self) -> None:
        """Remove the folder and give up the lock; repeating it does nothing."""
        shutil.rmtree(self.path, ignore_errors=True)
        if self._descriptor is not None:
            self._mark.unlink(missing_ok=True)
            os.close(self._descriptor)
            self._descriptor = None


def _marked(root: Path) -> tuple[int, Path]:
    """Create a lock file and hold it; again, where another opener cleared it before we did."""
    while True:
        descriptor, name = tempfile.mkstemp(prefix="spill-", suffix=".lock", dir=root)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        if Path(name).exists():
            return descriptor, Path(name)
        os.close(descriptor)


def _remove_if_left(mark: Path) -> None:
    try:
        with mark.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(mark.with_suffix(""), ignore_errors=True)
            mark.unlink(missing_ok=True)
    except (BlockingIOError, FileNotFoundError):
        return
