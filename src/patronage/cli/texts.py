"""The text of a file that a caller names, or one sentence that says why there is none."""

from __future__ import annotations

from pathlib import Path

from patronage.access.errors import Refused


def text_of(path: Path) -> str:
    """Read a text file.

    Raises:
        Refused: it is not there, cannot be read, or is no UTF-8 text.
    """
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise Refused(f"There is no file {path}. Check the path.") from error
    except UnicodeDecodeError as error:
        raise Refused(
            f"{path} is not UTF-8 text (byte {error.start}). Save it as UTF-8."
        ) from error
    except OSError as error:
        raise Refused(f"{path} cannot be read: {error.strerror}.") from error
