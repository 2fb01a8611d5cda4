"""Can an offer's owner see what became of it, propose a new one and withdraw an old one?"""

from __future__ import annotations

from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect

from patronage.access.roles import SYSTEM
from patronage.customize import reads
from patronage.customize.actions import rule
from patronage.customize.jobs import decide
from patronage.customize.models import DecisionRun, Offer, Ruling
from patronage.customize.words import REASON_NAMES

from ..stages.customize.world import AS_OF, World
from ..stages.differentiate.history import NOW
from ..stages.site.test_gallery import charts_drawn, keep_picture, serious
from .conftest import LogIn, fits

pytestmark = pytest.mark.browser


@pytest.fixture
def run(world: World) -> DecisionRun:
    """Everybody is decided once; then Ana blocks an offer of "Dry"."""
    made = decide(actor=SYSTEM, now=NOW, as_of=AS_OF)
    rule(
        actor=world.ana,
        now=NOW + timedelta(hours=1),
        offer_id=world.offers["CEREAL"].id,
        portfolio_id=world.portfolios["Top"].id,
        effect="block",
        reason_code="better_offer",
        reason="Apples sell better",
    )
    return made


def fill_proposal(page: Page, **changed: str) -> None:
    """Fill in everything that an offer needs."""
    texts = {
        "Name": "Save on pears",
        "Your reference": "pears-2025",
        "Product category": "PEARS",
        "Department": "PRODUCE",
        "Saves the customer": "1.00",
        "Costs us when used": "0.20",
        "Open from": "2025-01-01",
        "For whom": "tier = 'top'",
        "E-mail": "Pears, one dollar less",
    }
    for label, text in (texts | changed).items():
        page.get_by_label(label, exact=True).fill(text)


def test_an_owner_sees_the_ruling_its_reason_the_value_forgone_and_counts_equal_to_the_log(
    world: World, run: DecisionRun, log_in: LogIn
) -> None:
    page = log_in("omar")
    row = page.locator("tr[data-row]", has_text="Save on cereal")
    expect(row).to_contain_text("Top, Ana: Another offer serves these customers better.")
    expect(row).to_contain_text("Apples sell better")
    keep_picture(page, "offers")
    ruling = Ruling.objects.get(by_default=False)
    assert ruling.forgone_minor is not None
    row.get_by_role("link").click()
    charts_drawn(page)
    line = page.locator("tr", has_text="Apples sell better")
    expect(line).to_contain_text(f"${ruling.forgone_minor / 100:,.2f}")
    keep_picture(page, "offer")
    assert serious(page) == []

    logged = reads.offer(world.omar, world.offers["CEREAL"].id, NOW)
    table = page.get_by_role("region", name="Counts by reason")
    heads = [each.inner_text() for each in table.locator("thead th").all()][1:]
    for place in logged.portfolios:
        row = table.locator("tr", has=page.get_by_role("rowheader", name=place.portfolio))
        cells = [int(each.inner_text().replace(",", "")) for each in row.locator("td").all()]
        shown = {head: count for head, count in zip(heads, cells, strict=True) if count}
        assert shown == {str(REASON_NAMES[each.reason]): each.customers for each in place.reasons}


def test_an_owner_sees_no_other_teams_offers_no_customers_and_no_gate(
    world: World, run: DecisionRun, log_in: LogIn
) -> None:
    page = log_in("omar")
    expect(page.get_by_role("heading", name="3 offers of your teams")).to_be_visible()
    expect(page.get_by_text("Save on apples")).to_have_count(0)
    root = page.url.split("/offers")[0]
    for address, status in (
        (f"/offers/{world.offers['APPLES'].id}", 404),
        (f"/customers/{world.customers[0]}", 403),
        ("/gate", 403),
        ("/read-outs", 403),
    ):
        answer = page.goto(root + address)
        assert answer is not None
        assert answer.status == status, address


def test_a_condition_is_checked_while_it_is_written_and_says_where_it_fails(
    world: World, log_in: LogIn
) -> None:
    page = log_in("olga")
    page.get_by_role("link", name="Propose an offer").click()
    condition = page.get_by_label("For whom", exact=True)
    condition.press_sequentially("tier = 'top' AND tear")
    check = page.locator("#condition")
    expect(check).to_contain_text("Line 1, column 18:")
    condition.fill("tier = 'top' AND recency_days < 30")
    expect(check).to_contain_text("This can be used.")
    keep_picture(page, "propose")
    assert serious(page) == []
    fits(page, 390)


def test_a_proposal_reaches_every_gate_and_can_be_withdrawn(world: World, log_in: LogIn) -> None:
    page = log_in("olga")
    page.get_by_role("link", name="Propose an offer").click()
    fill_proposal(page)
    page.get_by_role("button", name="Propose").click()
    expect(page.get_by_role("status")).to_contain_text("Save on pears is proposed")
    made = Offer.objects.get(ref="pears-2025")
    assert (made.face_value_minor, made.redemption_cost_minor) == (100, 20)
    assert made.eligibility_tree is not None
    assert Ruling.objects.filter(offer=made, by_default=True).count() == 2

    page.get_by_role("button", name="Withdraw").click()
    page.get_by_role("dialog").get_by_label("Why?").fill("No pears this year")
    page.get_by_role("dialog").get_by_role("button", name="Withdraw").click()
    expect(page.get_by_role("status")).to_contain_text("withdrawn")
    expect(page.get_by_role("button", name="Withdraw")).to_have_count(0)
    made.refresh_from_db()
    assert made.valid_until is not None


def test_a_bad_proposal_keeps_what_was_written_and_says_what_to_mend(
    world: World, log_in: LogIn
) -> None:
    page = log_in("olga")
    page.get_by_role("link", name="Propose an offer").click()
    fill_proposal(
        page,
        **{"For whom": "tier = ", "Saves the customer": "a lot", "E-mail": ""},
    )
    page.get_by_role("button", name="Propose").click()
    expect(page.get_by_text("Write an amount of USD such as 1.50.")).to_be_visible()
    expect(page.locator("#id_eligibility-errors")).to_contain_text("Line 1, column")
    expect(page.get_by_label("Name", exact=True)).to_have_value("Save on pears")
    fill_proposal(page, **{"E-mail": ""})
    page.get_by_role("button", name="Propose").click()
    expect(page.get_by_text("Say what it says in at least one channel.")).to_be_visible()
    fill_proposal(page, **{"Your reference": "cereal-2024"})
    page.get_by_role("button", name="Propose").click()
    expect(page.get_by_role("alert").first).to_contain_text("proposed before with other content")
    assert not Offer.objects.filter(name="Save on pears").exists()


def test_my_offers_fit_a_narrow_window(world: World, run: DecisionRun, log_in: LogIn) -> None:
    page = log_in("omar")
    fits(page, 390)
    keep_picture(page, "offers-narrow")
    assert serious(page) == []
