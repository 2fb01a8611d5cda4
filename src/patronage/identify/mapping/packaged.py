"""Which mappings come with the package?"""

from __future__ import annotations

from importlib import resources
from importlib.resources.abc import Traversable

from patronage.identify.errors import NoSuchImport
from patronage.identify.mapping.parse import parse_mapping
from patronage.identify.mapping.record import Mapping


def packaged_names() -> list[str]:
    """Give the names of all packaged mappings, such as `complete_journey/2_transactions`."""
    folders = sorted((f for f in _root().iterdir() if f.is_dir()), key=lambda folder: folder.name)
    return [f"{folder.name}/{name}" for folder in folders for name in _mappings_in(folder)]


def packaged(name: str) -> list[Mapping]:
    """Load one packaged mapping, or all of a folder in the order in which they are to be run.

    Raises:
        NoSuchImport: there is none of that name.
    """
    known = packaged_names()
    wanted = [each for each in known if each == name or each.split("/")[0] == name]
    if not wanted:
        folders = {each.split("/")[0] for each in known}
        raise NoSuchImport(name=name, known=sorted({*known, *folders}))
    return [_load(each) for each in wanted]


def _load(name: str) -> Mapping:
    folder, _, file = name.partition("/")
    text = _root().joinpath(folder, f"{file}.toml").read_text(encoding="utf-8")
    return parse_mapping(text, name=name)


def _mappings_in(folder: Traversable) -> list[str]:
    names = (file.name for file in folder.iterdir())
    return sorted(name.removesuffix(".toml") for name in names if name.endswith(".toml"))


def _root() -> Traversable:
    return resources.files("patronage.identify") / "mappings"
