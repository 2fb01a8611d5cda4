"""The pages on imports: bring a file in, watch it, see what did not fit."""

from patronage.identify.pages.imports import imports
from patronage.identify.pages.privacy import erase_customer, privacy
from patronage.identify.pages.run import import_run, quarantine_csv

__all__ = ["erase_customer", "import_run", "imports", "privacy", "quarantine_csv"]
