"""The command `patronage`: through the running server where one owns the store, else right here."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from rich.console import Console

from patronage.cli import start, through
from patronage.cli.call import PIPE_WIDTH, Call


def run() -> None:
    """Be the `patronage` command."""
    sys.exit(main(sys.argv[1:]))


def main(arguments: Sequence[str]) -> int:
    """Carry one command line out; return its exit status.

    0: done. 1: refused, or it went wrong; one sentence on standard error says why. 2: the
    command line itself cannot be understood. 130: stopped with Ctrl-C.
    """
    try:
        if start.is_embedded() and (server := through.connect(start.home())) is not None:
            return through.forward(server, arguments)
        return _here(arguments)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # whoever read the answer has gone; nobody is left to tell
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _here(arguments: Sequence[str]) -> int:
    from patronage.access.errors import PatronageError

    call = Call(out=_console(sys.stdout), err=_console(sys.stderr), folder=Path.cwd())
    try:
        start.set_up()
        from patronage.cli.verbs import carry_out

        if _only_asks_for_help(arguments):
            return carry_out(arguments, call)
        with start.ready_store():
            return carry_out(arguments, call)
    except PatronageError as error:
        call.err.print(str(error), style="red", markup=False, highlight=False, soft_wrap=True)
        return 1


def _console(stream: TextIO) -> Console:
    """A terminal has its own width; a file or a pipe gets one that tables fit in."""
    return Console(file=stream, width=None if stream.isatty() else PIPE_WIDTH)


def _only_asks_for_help(arguments: Sequence[str]) -> bool:
    return not arguments or bool({"--help", "-h", "--version"} & set(arguments))
