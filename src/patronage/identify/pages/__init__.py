"""The pages on imports: bring a file in, watch it, see what did not fit."""

from patronage.identify.pages.imports import imports
from patronage.identify.pages.run import import_run, quarantine_csv

__all__ = ["import_run", "imports", "quarantine_csv"]
