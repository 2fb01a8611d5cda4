"""How do files become history? Whole files at a time, in one transaction, or not at all."""

from patronage.identify.imports.run import import_file

__all__ = ["import_file"]
