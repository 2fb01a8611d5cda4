"""Can who answers for it find out who changed what, and why somebody was offered something?"""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from patronage.access.audit import seal
from patronage.access.models import AuditEntry
from patronage.access.roles import SYSTEM
from patronage.customize.actions import rule
from patronage.customize.jobs import decide
from patronage.customize.models import Decision, DecisionRun
from patronage.site import clock

from ..stages.customize.world import AS_OF, World
from ..stages.differentiate.history import NOW
from ..stages.site.test_gallery import keep_picture, serious
from .conftest import LogIn, fits

pytestmark = pytest.mark.browser


@pytest.fixture
def run(world: World) -> DecisionRun:
    """Ana blocks an offer, then everybody is decided."""
    rule(
        actor=world.ana,
        now=NOW,
        offer_id=world.offers["CEREAL"].id,
        portfolio_id=world.portfolios["Top"].id,
        effect="block",
        reason_code="better_offer",
        reason="Apples sell better",
    )
    return decide(actor=SYSTEM, now=NOW + timedelta(hours=1), as_of=AS_OF)


def audit_of(page: Page) -> Page:
    page.get_by_role("link", name="Audit", exact=True).click()
    return page


def test_who_changed_this_rule_is_one_question(
    world: World, run: DecisionRun, log_in: LogIn
) -> None:
    page = audit_of(log_in("adam"))
    keep_picture(page, "audit")
    assert serious(page) == []
    page.get_by_label("About").fill(world.offers["CEREAL"].id)
    page.get_by_role("button", name="Show").click()
    row = page.locator("tr", has_text="rule on offer")
    expect(row).to_contain_text("Ana")
    expect(row).to_contain_text("Customer manager: rule on offers")
    expect(row).to_contain_text("Apples sell better")
    expect(row.locator("p", has_text="effect").locator("ins")).to_have_text("block")
    page.get_by_label("What", exact=True).select_option("propose offers")
    page.get_by_label("Who", exact=True).fill("olga")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_text("Nothing was recorded that answers this")).to_be_visible()


@pytest.mark.parametrize("name", ["adam", "eva"])
def test_why_a_customer_was_offered_something_then(
    world: World, run: DecisionRun, log_in: LogIn, name: str
) -> None:
    made = Decision.objects.filter(run=run, outcome="offered").first()
    assert made is not None
    assert made.treatment is not None
    page = audit_of(log_in(name))
    page.get_by_label("About").fill(made.customer_id)
    page.get_by_label("From day").fill("2025-01-01")
    page.get_by_role("button", name="Show").click()
    section = page.get_by_role("region", name="Decisions")
    expect(section).to_contain_text(made.treatment.offer.name)
    keep_picture(page, f"audit-customer-{name}")
    section.get_by_role("link").first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(made.treatment.offer.name)
    expect(page.get_by_text("comes out the same")).to_be_visible()
    expect(page.get_by_text("more than leaving the customer alone")).to_have_count(
        1 if name == "eva" else 0
    )


def test_an_executive_finds_a_customer_by_name(
    world: World, run: DecisionRun, log_in: LogIn
) -> None:
    page = audit_of(log_in("eva"))
    label = Decision.objects.filter(run=run).select_related("customer")[0].customer.label
    page.get_by_label("About").fill(label)
    page.get_by_role("button", name="Show").click()
    expect(
        page.get_by_role("heading", name="What this customer was offered, and why")
        .or_(page.get_by_role("heading", name="Which customer?"))
        .first
    ).to_be_visible()


def test_a_kept_checkpoint_shows_what_was_rewritten(
    world: World, run: DecisionRun, log_in: LogIn, tmp_path: Path
) -> None:
    page = audit_of(log_in("adam"))
    with page.expect_download() as download:
        page.get_by_role("button", name="Export checkpoint").click()
    kept = tmp_path / "checkpoint.json"
    download.value.save_as(kept)
    point = json.loads(kept.read_text())
    assert point["number"] == AuditEntry.objects.filter(number__isnull=False).count()

    def verify() -> None:
        page.reload()
        page.get_by_label("Kept checkpoint").set_input_files(kept)
        page.get_by_role("button", name="Verify").click()

    verify()
    expect(page.get_by_role("status")).to_contain_text("The log is intact")
    expect(page.locator("dl", has_text="Last checkpoint")).to_contain_text(str(point["number"]))

    # somebody with the whole database edits an entry and chains everything after it anew
    AuditEntry.objects.filter(number=3).update(reason="rewritten")
    AuditEntry.objects.filter(number__gte=3).update(number=None, digest="")
    seal(clock.now())
    verify()
    expect(page.get_by_role("status")).to_contain_text("The log was changed")
    expect(page.locator("dl", has_text="Last checked")).to_contain_text("it was rewritten")
    keep_picture(page, "audit-changed")


def test_the_answer_can_be_taken_away_as_a_file(
    world: World, run: DecisionRun, log_in: LogIn, tmp_path: Path
) -> None:
    page = audit_of(log_in("adam"))
    page.get_by_label("What", exact=True).select_option("rule on offer")
    page.get_by_role("button", name="Show").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="As CSV").click()
    file = tmp_path / "audit.csv"
    download.value.save_as(file)
    lines = file.read_text(encoding="utf-8").splitlines()
    assert len(lines) == 2
    assert lines[0].startswith("number,at,actor_id")
    assert "Apples sell better" in lines[1]


def test_the_log_fits_a_narrow_window(world: World, run: DecisionRun, log_in: LogIn) -> None:
    page = audit_of(log_in("adam"))
    fits(page, 390)
    keep_picture(page, "audit-narrow")
