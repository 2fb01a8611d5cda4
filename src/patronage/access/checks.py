"""What must be true of the installation before anything starts."""

from __future__ import annotations

from typing import Any

from django.core.checks import CheckMessage, Error

from patronage.access import scope  # noqa: F401 - its ports count as declared
from patronage.access.ports import unhandled


def mandatory_ports(**_: Any) -> list[CheckMessage]:
    """Every mandatory port has a handler."""
    return [
        Error(
            f"Nothing handles the port {name!r}.",
            hint="The room that answers it registers in its AppConfig.ready: is it installed?",
            id="access.E001",
        )
        for name in unhandled()
    ]
