"""Can an analyst see how right the models were, which are in use, and what failed?"""

from __future__ import annotations

import re
from datetime import date
from itertools import combinations

import pytest
from playwright.sync_api import Locator, expect
from pytest_django.live_server_helper import LiveServer

from patronage.access.roles import SYSTEM
from patronage.differentiate.jobs import value
from patronage.differentiate.models import ModelVersion, ValuationRun
from patronage.differentiate.reads.grades import quarter_grades
from patronage.site import clock

from ..stages.customize.world import World
from ..stages.differentiate.history import NOW
from .conftest import LogIn, charts_drawn, fits, keep_picture, serious

pytestmark = pytest.mark.browser

BEFORE = date(2024, 9, 30)


def overlapping(texts: Locator) -> list[tuple[str, str]]:
    """Pairs of texts of a chart of which one covers a part of the other."""
    boxes = [(each.text_content() or "", each.bounding_box()) for each in texts.all()]
    return [
        (one, other)
        for (one, first), (other, second) in combinations(boxes, 2)
        if first
        and second
        and first["x"] < second["x"] + second["width"]
        and second["x"] < first["x"] + first["width"]
        and first["y"] < second["y"] + second["height"] - 2
        and second["y"] < first["y"] + first["height"] - 2
    ]


def test_the_record_the_models_and_a_fit_that_failed(
    world: World, log_in: LogIn, live_server: LiveServer
) -> None:
    page = log_in("nina")
    page.goto(f"{live_server.url}/models")
    expect(page.get_by_role("heading", level=1)).to_have_text("The models have no record yet")
    value(actor=SYSTEM, now=NOW, as_of=BEFORE)
    failed = ModelVersion.objects.filter(kind="purchase").latest("as_of")
    last_good = ModelVersion.objects.filter(kind="purchase", as_of=BEFORE).get()
    ModelVersion.objects.filter(id=failed.id).update(converged=False)
    ValuationRun.objects.filter(purchase_model=failed).update(purchase_model=last_good)
    page.keyboard.press("g")
    page.keyboard.press("m")
    (grade,) = quarter_grades(SYSTEM, clock.now())
    expect(page.get_by_role("heading", level=1)).to_contain_text(f"{grade.buyers:,} did")
    expect(page.get_by_text("the last good version, of 30 Sep 2024, stays in use")).to_be_visible()
    expect(page.get_by_text("Failed, never used")).to_be_visible()
    expect(page.get_by_text(re.compile("the model had expected"))).to_be_visible()
    charts_drawn(page)
    assert overlapping(page.locator("#tracking svg .mark-text text")) == []
    # numbers have a true minus sign and the digits that count
    assert re.findall(r"(?<![\w-])-[0-9]", page.locator("main").inner_text()) == []
    in_use = page.get_by_role("region", name="Parameters: When they buy").locator("tbody tr")
    figures = in_use.locator("td.number").all_inner_texts()
    assert all(len(re.sub("[^0-9]", "", text).strip("0")) <= 4 for text in figures), figures
    expect(in_use.filter(has_text="alpha")).to_contain_text("days")
    keep_picture(page, "models-1440")
    assert serious(page) == []
    fits(page, 390)
    page = log_in("ana")
    page.goto(f"{live_server.url}/models")
    (mine,) = quarter_grades(world.ana, clock.now())
    expect(page.get_by_role("heading", level=1)).to_contain_text(f"{mine.buyers:,} did")
    expect(page.get_by_text("Since recording began")).to_have_count(0)


def test_a_parameter_at_its_limit_says_what_that_means(
    world: World, log_in: LogIn, live_server: LiveServer
) -> None:
    (purchase,) = ModelVersion.objects.filter(kind="purchase")
    purchase.standard_errors |= {"r": None}
    purchase.save(update_fields=["standard_errors"])
    page = log_in("nina")
    page.goto(f"{live_server.url}/models")
    rows = page.get_by_role("region", name="Parameters: When they buy").locator("tbody tr")
    expect(rows.first).to_contain_text("at its limit")
    expect(rows.nth(1)).not_to_contain_text("at its limit")
    expect(page.get_by_text("customers differ too little in this to be measured")).to_be_visible()
