"""Can an analyst see how right the models were, which are in use, and what failed?"""

from __future__ import annotations

import re
from datetime import date

import pytest
from playwright.sync_api import expect
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
    keep_picture(page, "models-1440")
    assert serious(page) == []
    fits(page, 390)
    page = log_in("ana")
    page.goto(f"{live_server.url}/models")
    (mine,) = quarter_grades(world.ana, clock.now())
    expect(page.get_by_role("heading", level=1)).to_contain_text(f"{mine.buyers:,} did")
    expect(page.get_by_text("Since recording began")).to_have_count(0)
