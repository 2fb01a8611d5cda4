"""A name of the library that its page lacks fails here, and one that the page alone has, too."""

import importlib
import re
from inspect import isclass

from patronage.science import lifetime
from tests.docs.pages import read, rows

PAGE = read("docs/reference/library.md")
NAMED = set(re.findall(r"`([A-Za-z_]\w*)`", PAGE))


def members() -> set[str]:
    """Public methods and properties of the classes that the library gives out."""
    kinds = [kind for name in lifetime.__all__ if isclass(kind := getattr(lifetime, name))]
    return {
        name
        for kind in kinds
        for each in kind.__mro__
        if each.__module__.startswith("patronage.")
        for name, value in vars(each).items()
        if not name.startswith("_")
        and (callable(value) or isinstance(value, classmethod | property))
    }


def test_every_name_of_the_library_is_on_its_page() -> None:
    missing = set(lifetime.__all__) - NAMED
    assert not missing
    told_with_the_models = {"fit", "from_parameters", "parameters"}
    assert not members() - NAMED - told_with_the_models


def test_every_name_that_the_page_lists_is_one_of_the_library() -> None:
    listed = {name for cells in rows(PAGE) for name in re.findall(r"`([A-Za-z_]\w*)`", cells[0])}
    unknown = listed - set(lifetime.__all__) - members()
    assert not unknown


def test_every_module_that_the_page_names_is_there() -> None:
    for name in re.findall(r"`(patronage\.science[.\w]*)`", PAGE):
        importlib.import_module(name)
