"""Runs a verb as the command line does, and gives what it said."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from patronage.cli.call import Call
from patronage.cli.verbs import carry_out

from ..differentiate.history import NOW


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """How a verb ended, and what it wrote."""

    status: int
    out: str
    err: str

    @property
    def documents(self) -> list[Any]:
        """The answer as JSON, one document a line."""
        return [json.loads(line) for line in self.out.splitlines()]


Verb = Callable[..., Said]


@pytest.fixture
def verb(tmp_path: Path) -> Verb:
    """Carry out a command line at a fixed instant, in the test's folder."""

    def run(*arguments: str, at: datetime = NOW) -> Said:
        out, err = io.StringIO(), io.StringIO()
        call = Call(
            out=Console(file=out, width=200),
            err=Console(file=err, width=200),
            folder=tmp_path,
            clock=lambda: at,
        )
        status = carry_out(arguments, call)
        return Said(status=status, out=out.getvalue(), err=err.getvalue())

    return run
