"""Reads values out of a TOML table so that a wrong, missing or unknown key names itself."""

from __future__ import annotations

from typing import Any, TypeVar

from patronage.identify.errors import MappingError

T = TypeVar("T")
_NAMES = {str: "text", bool: "true or false", dict: "a table", list: "a list"}


class TomlTable:
    """A table of a mapping file; every key must be taken before `done`."""

    def __init__(self, content: dict[str, Any], *, mapping: str, where: str = "") -> None:
        self._left = dict(content)
        self._mapping = mapping
        self._where = where

    def path(self, key: str) -> str:
        """Name the key as it stands in the file."""
        return f"{self._where}.{key}" if self._where else key

    def fail(self, key: str, found: str, mend: str) -> MappingError:
        """Make the error for a key."""
        return MappingError(mapping=self._mapping, key=self.path(key), found=found, mend=mend)

    def need(self, key: str, kind: type[T], mend: str) -> T:
        """Take a value that must be there."""
        value = self.take(key, kind)
        if value is None:
            raise self.fail(key, "it is missing", mend)
        return value

    def take(self, key: str, kind: type[T]) -> T | None:
        """Take a value if it is there."""
        value = self._left.pop(key, None)
        if value is None:
            return None
        if not isinstance(value, kind) or (kind is not bool and isinstance(value, bool)):
            wanted = _NAMES.get(kind, f"a {kind.__name__}")
            raise self.fail(key, f"expected {wanted}, found {value!r}", "Correct the value.")
        return value

    def choice(self, key: str, known: tuple[str, ...], default: str) -> str:
        """Take one of some words."""
        value = self.take(key, str)
        if value is not None and value not in known:
            raise self.fail(key, f"{value!r} is not known", f"Write one of {', '.join(known)}.")
        return default if value is None else value

    def texts(self, key: str) -> tuple[str, ...]:
        """Take a list of texts, none of them twice."""
        values = self.take(key, list) or []
        if not all(isinstance(value, str) for value in values):
            raise self.fail(key, f"expected a list of texts, found {values!r}", "Quote each one.")
        if len(set(values)) < len(values):
            raise self.fail(key, f"{values!r} names one twice", "Name each once.")
        return tuple(values)

    def table(self, key: str) -> TomlTable | None:
        """Take a sub-table if it is there."""
        content = self.take(key, dict)
        if content is None:
            return None
        return TomlTable(content, mapping=self._mapping, where=self.path(key))

    def tables(self, key: str) -> list[tuple[str, TomlTable]]:
        """Take a table of tables."""
        holder = self.table(key)
        if holder is None:
            return []
        found = []
        for name in list(holder.keys):
            inner = holder.table(name)
            if inner is not None:
                found.append((name, inner))
        return found

    def scalars(self, key: str) -> tuple[tuple[str, str], ...]:
        """Take a table of single values, each as text."""
        content = self.take(key, dict) or {}
        for name, value in content.items():
            if isinstance(value, (dict, list, bool)):
                raise self.fail(f"{key}.{name}", f"found {value!r}", "Give one text or number.")
        return tuple((name, str(value)) for name, value in content.items())

    def holds_table(self, key: str) -> bool:
        """Whether the key is there and opens a table."""
        return isinstance(self._left.get(key), dict)

    @property
    def keys(self) -> tuple[str, ...]:
        """Keys not yet taken."""
        return tuple(self._left)

    def done(self, known: tuple[str, ...]) -> None:
        """Refuse keys that nothing took."""
        for key in self._left:
            raise self.fail(key, "there is no such key", f"Known here: {', '.join(known)}.")
