"""What the explanations list is what the code does, in the code's order."""

from __future__ import annotations

import re
import tomllib

from patronage.science.arbitration import STAGES
from patronage.steer.models import LINES
from tests.docs.pages import named, read, rows, section


def test_the_reasons_are_explained_in_the_order_in_which_the_stages_are_asked() -> None:
    stated = named(
        section(
            read("docs/explanation/deciding.md"),
            "## Eligible → permitted → scored → chosen → withheld",
        )
    )
    assert stated == [reason.name for reason in STAGES]


def test_the_lines_of_the_bridge_are_explained_in_the_order_of_the_statement() -> None:
    table = rows(section(read("docs/explanation/value.md"), "### Pieces"))
    assert [re.sub(r"\W+", "_", cells[0].lower()) for cells in table] == list(LINES)


def test_the_rooms_stand_in_the_order_of_the_import_contract() -> None:
    contracts = tomllib.loads(read("pyproject.toml"))["tool"]["importlinter"]["contracts"]
    layers = next(each["layers"] for each in contracts if each["type"] == "layers")
    order = [sorted(layer.split(" | ")) for layer in reversed(layers)]
    stated = named(section(read("docs/explanation/house.md"), "## Rooms"))
    assert sorted(stated) == sorted(room for layer in order for room in layer)
    places = {room: place for place, layer in enumerate(order) for room in layer}
    assert [places[room] for room in stated] == sorted(places.values())
