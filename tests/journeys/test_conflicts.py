"""Can an agent claim a customer for the right portfolio, and an executive rule on it?"""

from __future__ import annotations

from urllib.parse import urljoin

import pytest
from playwright.sync_api import expect

from patronage.access.models import AuditEntry
from patronage.govern.models import Standing

from ..stages.customize.world import World
from .conftest import LogIn, fits, keep_picture, serious

pytestmark = pytest.mark.browser


def test_an_agent_claims_an_executive_rules_and_the_next_one_sees_the_precedent(
    world: World, log_in: LogIn
) -> None:
    top, rest = world.portfolios["Top"], world.portfolios["Everybody else"]
    held = Standing.objects.filter(portfolio=rest).order_by("label")
    first, second = held[0], held[1]
    for standing in (first, second):
        page = log_in("agent")
        if standing is first:
            page.get_by_role("link", name="Conflicts", exact=True).click()
        else:
            page.goto(urljoin(page.url, f"/customers/{standing.pk}"))
            page.get_by_role("link", name="Claim this customer").click()
        page.get_by_role("button", name="Claim a customer").click()
        dialog = page.get_by_role("dialog")
        field = dialog.get_by_label("Customer (name or number)")
        if standing is first:
            field.fill(standing.label)
        expect(field).to_have_value(standing.label if standing is first else standing.pk)
        dialog.get_by_label("What for?").select_option(label="Top")
        dialog.get_by_label("On which grounds?").select_option(label="Knows us")
        dialog.get_by_label("Its number").first.fill("K-7")
        dialog.get_by_label("Why?").fill("Asked for Ana by name")
        dialog.get_by_role("button", name="Claim", exact=True).click()
        heading = page.get_by_role("heading", level=1)
        expect(heading).to_have_text(f"Whose customer is {standing.label}?")
        expect(page.get_by_role("button", name="Uphold this claim")).to_have_count(0)

    page = log_in("eva")
    page.get_by_role("link", name="Conflicts", exact=True).first.click()
    expect(heading).to_have_text("2 conflicts wait for a ruling")
    keep_picture(page, "conflicts")
    assert serious(page) == []
    page.get_by_role("link", name=first.label, exact=True).click()
    card = page.locator("section.card").filter(has=page.get_by_role("heading", name="Top"))
    expect(card).to_contain_text("Asked for Ana by name")
    expect(card).to_contain_text("Contract K-7")
    keep_picture(page, "conflict")
    assert serious(page) == []
    fits(page, 390)
    page.set_viewport_size({"width": 1440, "height": 900})
    card.get_by_role("button", name="Uphold this claim").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("exactly that portfolio at once")
    dialog.get_by_text("The customer wants it so").click()
    dialog.get_by_label("In your words").fill("She knows Ana")
    dialog.get_by_role("button", name="Rule", exact=True).click()
    expect(heading).to_have_text(f"{first.label}: ruled for “Top”")
    first.refresh_from_db()
    assert first.portfolio_id == top.id
    assert AuditEntry.objects.get(action="rule on conflict").reason == "She knows Ana"

    page.get_by_role("link", name="Conflicts", exact=True).first.click()
    page.get_by_role("link", name=second.label, exact=True).click()
    before = page.get_by_role("region", name="How it was ruled before")
    expect(before).to_contain_text("She knows Ana")
    before.get_by_role("link").click()
    expect(heading).to_have_text(f"{first.label}: ruled for “Top”")
