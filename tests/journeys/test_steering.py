"""Can somebody see where value is at stake, who is leaving, and what winning one may cost?"""

from __future__ import annotations

from datetime import UTC, date, datetime

import polars as pl
import pytest
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from patronage.access.roles import SYSTEM
from patronage.differentiate.jobs import value
from patronage.differentiate.models import Ranking
from patronage.differentiate.reads import valuations
from patronage.differentiate.reads.in_sight import in_scope, labels_of
from patronage.steer.lever_tree import lever_tree

from ..stages.customize.world import World
from ..stages.differentiate.history import NOW, commit
from .conftest import LogIn, charts_drawn, fits, keep_picture, serious

pytestmark = pytest.mark.browser

BEFORE = date(2024, 9, 30)


@pytest.fixture
def steered(world: World) -> World:
    """Valued a quarter earlier too; everybody said how satisfied they are."""
    run = value(actor=SYSTEM, now=NOW, as_of=BEFORE)
    ids = valuations(run)["customer_id"].to_list()
    commit(
        "customer_facts",
        pl.DataFrame(
            {
                "customer_id": ids * 2,
                "name": ["satisfaction"] * len(ids) + ["age"] * len(ids),
                "value_text": [None] * len(ids)
                + ["18-34" if place % 3 else "65+" for place in range(len(ids))],
                "value_number": [9.0 if place % 2 else 4.0 for place in range(len(ids))]
                + [None] * len(ids),
                "observed_at": [datetime(2024, 12, 1, tzinfo=UTC)] * 2 * len(ids),
                "source": ["survey"] * 2 * len(ids),
                "import_id": ["imp_tests"] * 2 * len(ids),
            }
        ),
    )
    return world


def looked_at(page: Page, name: str) -> None:
    """Nothing serious in it, and it fits a telephone; pictures are kept where asked for."""
    keep_picture(page, f"{name}-1440")
    assert serious(page) == []
    page.emulate_media(color_scheme="dark")
    keep_picture(page, f"{name}-1440-dark")
    assert serious(page) == []
    fits(page, 390)
    keep_picture(page, f"{name}-390-dark")
    page.emulate_media(color_scheme="light")
    keep_picture(page, f"{name}-390")
    page.set_viewport_size({"width": 1440, "height": 900})


def test_an_executive_sees_what_a_point_is_worth_and_a_manager_their_part(
    steered: World, log_in: LogIn, live_server: LiveServer
) -> None:
    page = log_in("eva")
    page.goto(f"{live_server.url}/levers")
    charts_drawn(page)
    tree = lever_tree(SYSTEM, NOW)
    best = tree.total.worth_minor[tree.levers[0]]
    assert best is not None
    expect(page.get_by_role("heading", level=1)).to_contain_text("One point more")
    table = page.get_by_role("region", name="Portfolio by portfolio")
    expect(table).to_contain_text(f"{best / 100:,.2f}")
    looked_at(page, "levers")
    page.get_by_role("link", name="Old and new metrics").first.click()
    expect(page.get_by_text("Products earned")).to_be_visible()
    looked_at(page, "metrics")
    page = log_in("ana")
    page.goto(f"{live_server.url}/levers")
    table = page.get_by_role("region", name="Portfolio by portfolio")
    expect(table).to_contain_text("Your portfolios")
    expect(table).not_to_contain_text("Everybody else")


def test_an_analyst_sees_who_leaves_how_customers_differ_and_what_winning_one_may_cost(
    steered: World, log_in: LogIn, live_server: LiveServer
) -> None:
    page = log_in("nina")
    page.goto(f"{live_server.url}/value/loyalty")
    expect(page.get_by_role("heading", level=1)).to_contain_text("bought again")
    expect(page.get_by_role("heading", name="Satisfied and leaving")).to_be_visible()
    looked_at(page, "loyalty")
    page.goto(f"{live_server.url}/value/segments")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Demographics are known of")
    looked_at(page, "segments")
    page.goto(f"{live_server.url}/value/acquisition")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    looked_at(page, "acquisition")


def test_clients_are_scored_moved_and_reviewed_by_a_second_person(
    steered: World, log_in: LogIn, live_server: LiveServer
) -> None:
    valued = valuations(value(actor=SYSTEM, now=NOW, as_of=BEFORE))
    ids = in_scope(valued, steered.ana, NOW)["customer_id"][:2].to_list()
    first, second = (labels_of(ids)[each] for each in ids)
    page = log_in("ana")
    page.goto(f"{live_server.url}/rankings")
    expect(page.get_by_text("There is no ranking yet")).to_be_visible()
    looked_at(page, "rankings-empty")
    page.get_by_role("button", name="Open a ranking").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name", exact=True).fill("Key accounts")
    dialog.get_by_label("What is it for").fill("One contract a decade")
    dialog.get_by_label("Criterion 1", exact=True).fill("fit")
    dialog.get_by_label("Weight of criterion 1").fill("3")
    dialog.get_by_label("Clients, one a line").fill(f"{first}\nNobody at all")
    dialog.get_by_role("button", name="Open it").click()
    # what is wrong is said beside the form, which keeps what was typed
    expect(dialog.locator("[data-errors]")).to_contain_text("No client of yours is called “Nobody")
    dialog.get_by_label("Clients, one a line").fill(f"{first}\n{second}")
    dialog.get_by_role("button", name="Open it").click()
    expect(page.get_by_text("The ranking is open.")).to_be_visible()
    made = Ranking.objects.get(name="Key accounts")
    assert made.opened_by == steered.ana.id
    for place in range(2):
        page.locator("#vote-customer").select_option(index=place)
        page.get_by_label("fit, 0 to 10").fill("7" if place else "3")
        page.get_by_role("button", name="Score", exact=True).click()
        expect(page.get_by_text("Your scores count.")).to_be_visible()
    page.locator("#move-customer").select_option(label=first)
    page.get_by_label("New place").fill("1")
    page.locator("#move-reason").fill("Its new owner buys for the whole group")
    page.get_by_role("button", name="Change the rank").click()
    expect(page.locator("tbody tr").first).to_contain_text(first)
    expect(page.locator("tbody tr").first).to_contain_text("buys for the whole group")
    looked_at(page, "ranking")
    page.get_by_role("button", name="Review: freeze it").click()
    expect(page.get_by_text("Ask a person who did neither to review it")).to_be_visible()
    page = log_in("eva")
    page.goto(f"{live_server.url}/rankings")
    page.get_by_role("link", name="Key accounts").click()
    page.get_by_role("button", name="Review: freeze it").click()
    expect(page.get_by_text("It does not change any more.").first).to_be_visible()
    expect(page.get_by_role("button", name="Score", exact=True)).to_have_count(0)
    made.refresh_from_db()
    assert made.reviewed_at is not None
