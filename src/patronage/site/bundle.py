"""The browser's chart library, written once per version from what vl-convert carries."""

from __future__ import annotations

import os
import tempfile
from functools import cache
from importlib.metadata import version
from pathlib import Path

import vl_convert
from django.conf import settings


def chart_library_version() -> str:
    """Changes whenever the file's content would."""
    return version("vl-convert-python")


@cache
def chart_library() -> Path:
    """The script's file below HOME; takes about two seconds the first time, then nothing."""
    path = settings.HOME / "static" / f"vega-{chart_library_version()}.js"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        script = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")
        # written beside and then renamed: nobody may ever be served half a script
        handle, beside = tempfile.mkstemp(dir=path.parent, suffix=".part")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(script)
        Path(beside).replace(path)
    return Path(path)
