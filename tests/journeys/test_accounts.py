"""Can a manager build a tree of accounts on screen, and does a delegate find its customers?"""

from __future__ import annotations

from datetime import timedelta

import pyarrow as pa
import pytest
from playwright.sync_api import expect

from patronage.access.roles import SYSTEM
from patronage.govern.actions import hand_over
from patronage.govern.models import AccountMember
from patronage.identify.actions import create_customers

from ..stages.customize.world import World
from ..stages.differentiate.history import NOW
from .conftest import LogIn, fits, keep_picture, serious

pytestmark = pytest.mark.browser


def _wholesalers(world: World) -> list[str]:
    entered = NOW - timedelta(days=1)
    made = create_customers(
        actor=SYSTEM,
        now=NOW,
        rows=pa.table(
            {
                "source_kind": ["vat"] * 2,
                "source_value": ["vat-north", "vat-south"],
                "kind": ["organisation"] * 2,
                "label": ["Wholesaler North", "Wholesaler South"],
                "entry": ["acquired"] * 2,
                "entered_at": pa.array([entered] * 2, pa.timestamp("us", "UTC")),
            }
        ),
    )
    ids: list[str] = made["customer_id"].to_pylist()
    top = world.portfolios["Top"].id
    hand_over(actor=SYSTEM, now=NOW, customer_ids=ids, to_portfolio_id=top, reason="key accounts")
    return ids


def test_a_tree_is_opened_filled_and_delegated_and_the_delegate_sees_its_list(
    world: World, log_in: LogIn
) -> None:
    north, _south = _wholesalers(world)
    page = log_in("ana")
    heading, dialog = page.get_by_role("heading", level=1), page.get_by_role("dialog")
    page.get_by_role("link", name="Accounts", exact=True).click()
    expect(page.get_by_text("There are no accounts yet")).to_be_visible()
    for name, place in (("Wholesalers", "Top · Ana"), ("Northern ones", "Wholesalers")):
        page.get_by_role("button", name="Open an account").click()
        dialog.get_by_label("What is it called?").fill(name)
        dialog.get_by_label("Where does it lie?").select_option(label=place)
        dialog.get_by_label("Why?").fill("one contract for all")
        dialog.get_by_role("button", name="Open it").click()
        expect(heading).to_contain_text(f"{name}: 0 customers")
    page.get_by_role("button", name="Add a customer").click()
    field = dialog.get_by_label("Customer (name or number)")
    field.press_sequentially("Wholes")
    expect(page.locator("#join-account-customer-names option")).to_have_count(2)
    field.fill("Wholesaler North")
    dialog.get_by_label("Why?").fill("signed the contract")
    dialog.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_role("row", name="Wholesaler North")).to_be_visible()
    page.get_by_role("button", name="Delegate").click()
    dialog.get_by_label("Who helps").select_option(label="Ben")
    dialog.get_by_label("Why?").fill("lives in the north")
    dialog.get_by_role("button", name="Delegate").click()
    expect(page.get_by_text("Ben works with this account now")).to_be_visible()
    keep_picture(page, "account")
    assert serious(page) == []

    page = log_in("ben")
    page.get_by_role("link", name="Accounts", exact=True).click()
    expect(heading).to_contain_text("You help with 1 account")
    page.get_by_role("link", name="Northern ones").click()
    expect(page.get_by_role("row", name="Wholesaler North")).to_be_visible()
    expect(page.get_by_role("button", name="Take out")).to_have_count(0)
    fits(page, 390)

    page = log_in("ana")
    page.goto(page.url.split("/portfolio")[0] + "/accounts")
    page.get_by_role("link", name="Northern ones").click()
    page.get_by_role("button", name="Take out").click()
    dialog.get_by_label("Why?").fill("left the contract")
    dialog.get_by_role("button", name="Take out").click()
    expect(page.get_by_text("Nobody belongs to this account yet")).to_be_visible()
    assert not AccountMember.objects.filter(customer=north, ends_at__isnull=True).exists()
