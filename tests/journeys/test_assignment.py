"""Can an executive see whom the policy would move, and what for, before they apply it?"""

from __future__ import annotations

import re

import pytest
from django.db.models import OuterRef, Subquery
from playwright.sync_api import expect
from pytest_django.live_server_helper import LiveServer

from patronage.access.models import AuditEntry
from patronage.access.roles import SYSTEM
from patronage.differentiate.reads import newest_run
from patronage.govern import jobs
from patronage.govern.models import Membership, Standing
from patronage.site import clock

from ..stages.customize.world import World
from .conftest import LogIn, fits, keep_picture, serious

pytestmark = pytest.mark.browser


def test_an_executive_tries_the_policy_reads_who_moves_and_applies_it(
    world: World, log_in: LogIn, live_server: LiveServer
) -> None:
    run = newest_run()
    assert run is not None
    Membership.objects.exclude(cause="entry").delete()
    entered = Membership.objects.filter(customer_id=OuterRef("customer_id"))
    Standing.objects.update(portfolio_id=Subquery(entered.values("portfolio_id")[:1]))
    page = log_in("eva")
    page.get_by_role("link", name="Portfolio", exact=True).click()
    page.get_by_role("link", name="Assignment", exact=True).click()
    expect(page).to_have_url(re.compile("/assignment$"))
    tried = jobs.assign(actor=SYSTEM, now=clock.now(), as_of=run.as_of, run=run, dry_run=True)
    assert tried.moved > 0
    heading = page.get_by_role("heading", level=1)
    expect(heading).to_contain_text("would change portfolio")
    first = tried.most_valuable_first()["customer_id"][0]
    label = Standing.objects.get(pk=first).label
    movers = page.get_by_role("region", name="Who would move").locator("tbody tr")
    expect(movers.first.get_by_role("link")).to_have_text(label)
    keep_picture(page, "assignment")
    assert serious(page) == []
    fits(page, 390)
    page.set_viewport_size({"width": 1440, "height": 900})
    with page.expect_download() as download:
        page.get_by_role("link", name="All of them as CSV").click()
    lines = download.value.path().read_text(encoding="utf-8").splitlines()
    assert len(lines) == tried.moved + 1

    page.get_by_role("button", name="Apply the policy").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("There is no undo")
    dialog.get_by_label("Why?").fill("The quarter is over")
    assert not Membership.objects.filter(cause="policy").exists()
    dialog.get_by_role("button", name="Move them").click()
    expect(heading).to_have_text("Everybody is where the policy puts them")
    expect(page.get_by_text(re.compile(r"changed portfolio\."))).to_be_visible()
    assert Membership.objects.filter(cause="policy").count() == tried.moved
    said = AuditEntry.objects.filter(action="assign portfolios").order_by("pk").last()
    assert said is not None
    assert said.reason == "The quarter is over"


def test_a_manager_has_no_such_tab(log_in: LogIn, live_server: LiveServer) -> None:
    page = log_in("ana")
    expect(page.get_by_role("link", name="Who holds what")).to_be_visible()
    expect(page.get_by_role("link", name="Assignment")).to_have_count(0)
    answer = page.goto(f"{live_server.url}/assignment")
    assert answer is not None
    assert answer.status == 403
