"""Does a customer's page say who is in charge, what they are worth and why, and what happened?"""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from playwright.sync_api import Page, expect

from patronage.access.roles import SYSTEM
from patronage.customize.jobs import decide
from patronage.customize.models import Decision, DecisionRun
from patronage.differentiate import reads as differentiate
from patronage.differentiate.jobs import value
from patronage.govern.models import Standing
from patronage.identify.models import Customer
from patronage.learn.jobs import read_out

from ..stages.customize.world import AS_OF, World
from ..stages.differentiate.history import NOW
from ..stages.site.test_gallery import charts_drawn, keep_picture, serious
from .conftest import LogIn, fits

pytestmark = pytest.mark.browser

EARLIER = date(2024, 9, 30)


@pytest.fixture
def run(world: World) -> DecisionRun:
    """Everybody is valued a quarter earlier too, and decided once."""
    value(actor=SYSTEM, now=NOW, as_of=EARLIER)
    return decide(actor=SYSTEM, now=NOW, as_of=AS_OF)


@pytest.fixture
def hers(world: World, run: DecisionRun) -> Customer:
    """A customer of Ana's who came before the earlier date, and for whom something was chosen."""
    chosen = Decision.objects.filter(
        run=run,
        outcome="offered",
        portfolio=world.portfolios["Top"],
        customer__entered_at__date__lt=EARLIER,
    ).select_related("customer")
    decision = chosen.order_by("id").first()
    assert decision is not None
    return decision.customer


def address_of(page: Page, path: str) -> str:
    root = "/".join(page.url.split("/")[:3])
    return root + path


def test_a_customers_page_agrees_with_the_figures_and_says_what_they_rest_on(
    world: World, hers: Customer, log_in: LogIn
) -> None:
    page = log_in("ana")
    page.goto(address_of(page, f"/customers/{hers.id}"))
    charts_drawn(page)
    expect(page.locator(".page-head").first).to_contain_text("Ana is in charge (Top)")
    history = differentiate.value_history(world.ana, hers.id, NOW + timedelta(days=1))
    assert [each.as_of for each in history] == [EARLIER, AS_OF]
    figure = page.locator(".figure", has_text="Worth over 3 years")
    expect(figure.locator("[title]").first).to_have_attribute(
        "title", f"${history[-1].value_minor / 100:,.2f}"
    )
    expect(figure).to_contain_text("estimate, likely")
    figure.locator(".assumption").focus()
    expect(figure.get_by_role("note")).to_contain_text("discounted at 10.0% a year")
    expect(page.locator(".figure", has_text="Buys next quarter")).to_contain_text("%")
    expect(page.locator(".figure", has_text="Objective")).to_contain_text("Room to grow")

    profit = differentiate.profit_and_loss(world.ana, hers.id, NOW + timedelta(days=1))
    ledger = page.locator("table.ledger")
    expect(ledger.locator("tfoot")).to_contain_text(f"${abs(profit.margin_minor) / 100:,.2f}")
    expect(page.locator("#needs")).to_contain_text("They have told us nothing yet.")
    expect(page.locator("dt", has_text="E-mail")).to_be_visible()
    keep_picture(page, "customer")
    assert serious(page) == []


def test_winners_and_losers_have_a_reason_in_plain_words(
    world: World, hers: Customer, log_in: LogIn
) -> None:
    page = log_in("ana")
    page.goto(address_of(page, f"/customers/{hers.id}"))
    page.get_by_text("Why this, and why not the others").click()
    rows = page.locator("#next tbody tr")
    expect(rows).to_have_count(4)
    expect(rows.first).to_contain_text("This offer is expected to earn the most.")
    for row in rows.all()[1:]:
        assert row.locator(".small").last.inner_text().endswith(".")
    page.get_by_role("region", name="Contacts").get_by_role("link").first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(f"was chosen for {hers.label}")
    expect(page.get_by_text("comes out the same")).to_be_visible()
    keep_picture(page, "decision")
    assert serious(page) == []
    fits(page, 390)


def test_the_timeline_pages_to_its_end_and_shows_every_order_once(
    world: World, hers: Customer, log_in: LogIn
) -> None:
    page = log_in("ana")
    page.goto(address_of(page, f"/customers/{hers.id}"))
    entries = page.locator("ol.timeline li:not(.more)")
    entries.first.wait_for()
    while page.get_by_role("button", name="Show earlier").count():
        before = entries.count()
        page.get_by_role("button", name="Show earlier").click()
        expect(entries.nth(before)).to_be_visible()
    lines = world.history.lines.filter(world.history.lines["customer_id"] == hers.id)
    days = lines["ordered_at"].dt.convert_time_zone("America/New_York").dt.date().n_unique()
    expect(page.locator("ol.timeline li", has_text="order")).to_have_count(days)


def test_as_of_an_earlier_date_the_page_shows_what_was_known_then(
    world: World, hers: Customer, log_in: LogIn
) -> None:
    page = log_in("ana")
    page.goto(address_of(page, f"/customers/{hers.id}?as_of={EARLIER}"))
    expect(page.get_by_text("As of 30 Sep 2024:")).to_be_visible()
    history = differentiate.value_history(world.ana, hers.id, NOW + timedelta(days=1))
    figure = page.locator(".figure", has_text="Worth over 3 years")
    expect(figure.locator("[title]").first).to_have_attribute(
        "title", f"${history[0].value_minor / 100:,.2f}"
    )
    expect(page.get_by_role("heading", name="Next best action")).to_have_count(0)
    first = page.locator("ol.timeline li time").first
    assert (first.get_attribute("datetime") or "") < "2024-10-01"


def test_a_foreign_customers_page_is_the_page_of_an_absent_one(
    world: World, run: DecisionRun, log_in: LogIn
) -> None:
    foreign = Standing.objects.filter(portfolio=world.portfolios["Everybody else"]).first()
    assert foreign is not None
    page = log_in("ana")
    pages = []
    for customer_id in (foreign.customer_id, "cus_zzzzzzzzzzzzzzzzzzzzzz"):
        answer = page.goto(address_of(page, f"/customers/{customer_id}"))
        assert answer is not None
        shown = page.locator("body").inner_text().replace(customer_id, "…")
        pages.append((answer.status, page.title(), shown))
    assert pages[0] == pages[1]
    assert pages[0][0] == 404
    page = log_in("ben")
    answer = page.goto(address_of(page, f"/customers/{foreign.customer_id}"))
    assert answer is not None
    assert answer.status == 200


def test_a_customer_nobody_valued_yet_has_a_page_that_says_so(world: World, log_in: LogIn) -> None:
    unvalued = Customer.objects.exclude(id__in=world.customers).first()
    if unvalued is None:
        pytest.fail("every generated customer shopped before the date; nobody is left unvalued")
    page = log_in("agent")
    page.goto(address_of(page, f"/customers/{unvalued.id}"))
    expect(page.get_by_text("Not valued yet")).to_be_visible()
    assert serious(page) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_customers_page_is_readable_narrow_and_in_both_schemes(
    world: World, hers: Customer, log_in: LogIn, scheme: object
) -> None:
    page = log_in("ana")
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]  # the two names it knows
    page.goto(address_of(page, f"/customers/{hers.id}"))
    page.locator("ol.timeline li").first.wait_for()
    charts_drawn(page)
    fits(page, 390)
    keep_picture(page, f"customer-narrow-{scheme}")
    assert serious(page) == []


def test_a_read_out_says_plainly_what_it_is_not(
    world: World, run: DecisionRun, log_in: LogIn
) -> None:
    found = read_out(actor=SYSTEM, now=NOW, as_of=AS_OF)
    page = log_in("ana")
    page.goto(address_of(page, "/read-outs"))
    page.locator("tr[data-row] a").first.click()
    if found.state == "read":
        charts_drawn(page)
        expect(page.locator("main")).to_contain_text(
            "Replayed history: the retailer never made these offers, so this is not an effect."
        )
    else:
        expect(page.get_by_text("Outcomes pending")).to_be_visible()
    keep_picture(page, f"read-out-{found.state}")
    assert serious(page) == []
    fits(page, 390)
