"""Can a manager build a rule without its language, by keyboard, and find the same as text?"""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, Page, expect

from patronage.govern.models import Rule

from ..stages.customize.world import World
from ..stages.site.test_gallery import keep_picture, serious
from .conftest import LogIn, fits

pytestmark = pytest.mark.browser


def editor(page: Page) -> Locator:
    """A new draft's first rule, named."""
    page.get_by_role("link", name="Rules", exact=True).click()
    page.get_by_role("link", name="Write a draft").click()
    page.get_by_label("What are these rules for?").fill("Built, not written")
    card = page.locator("#rules-form fieldset").first
    card.get_by_label("Name").fill("built")
    return card.locator("[data-condition=when]")


def test_a_rule_is_built_and_is_the_same_as_text(world: World, log_in: LogIn) -> None:
    page = log_in("ben")
    when = editor(page)
    when.get_by_role("button", name="As conditions").click()
    when.get_by_role("button", name="Add a condition").click()
    first = when.get_by_role("group", name="Condition 1")
    expect(first.get_by_label("What is asked about")).to_be_focused()
    first.get_by_label("What is asked about").select_option("value_minor")
    expect(first).to_contain_text("amount of money")
    expect(first).to_contain_text("latest valuation")
    first.get_by_label("What must hold of it").select_option(label="is more than")
    first.get_by_label("Value", exact=True).fill("lots")
    expect(when.locator("[data-note]")).to_contain_text("Row 1")
    expect(page.locator("#rules-check")).to_contain_text("cannot be kept")
    first.get_by_label("Value", exact=True).fill("12.50")
    expect(when.locator("[data-note]")).to_have_text("It reads: value_minor > 1250")

    when.get_by_role("button", name="Add a group").click()
    group = when.get_by_role("group", name="Group 2")
    second = group.get_by_role("group", name="Condition 2.1")
    expect(second.get_by_label("What is asked about")).to_be_focused()
    second.get_by_label("What is asked about").select_option("entered_on")
    second.get_by_label("What must hold of it").select_option(label="is on or after")
    second.get_by_label("Value", exact=True).fill("2024-07-01")
    group.get_by_role("button", name="Add a condition").click()
    third = group.get_by_role("group", name="Condition 2.2")
    third.get_by_label("What is asked about").select_option("customer_kind")
    third.get_by_label("What must hold of it").select_option(label="is one of")
    third.get_by_label("Value 1", exact=True).select_option("household")
    third.get_by_role("button", name="Add a value").click()
    third.get_by_label("Value 2", exact=True).select_option("organisation")
    built = (
        "value_minor > 1250 AND (entered_on >= DATE '2024-07-01' "
        "OR customer_kind IN ('household', 'organisation'))"
    )
    expect(when.locator("[data-note]")).to_have_text(f"It reads: {built}")
    expect(page.locator("#rules-check")).to_contain_text("1 rule can be kept")
    assert not serious(page)
    keep_picture(page, "rules-built")
    fits(page, 390)

    when.get_by_role("button", name="As text").click()
    expect(page.locator("#when-1")).to_have_value(built)
    when.get_by_role("button", name="As conditions").click()
    expect(when.get_by_role("group", name="Condition 2.2")).to_be_visible()
    when.get_by_role("button", name="Remove the group").click()
    expect(when.locator("[data-note]")).to_have_text("It reads: value_minor > 1250")
    page.get_by_role("button", name="Keep the draft").click()
    expect(page.get_by_role("heading", name="Built, not written")).to_be_visible()
    assert Rule.objects.get().when == "value_minor > 1250"


def test_what_rows_cannot_show_stays_text_and_looking_changes_nothing(
    world: World, log_in: LogIn
) -> None:
    page = log_in("ben")
    when = editor(page)
    text = when.locator("#when-1")
    text.fill("orders_90d * 2 > recency_days")
    when.get_by_role("button", name="As conditions").click()
    expect(when.locator("[data-note]")).to_contain_text("stays as text")
    expect(text).to_be_visible()
    text.fill("tier = 'top' AND teir = 'top'")
    when.get_by_role("button", name="As conditions").click()
    expect(when.locator("[data-note]")).to_contain_text("Did you mean tier?")
    assert text.evaluate("area => area.selectionStart") == 17
    as_written = "(tier = 'top')   and orders_90d*2 > 3"
    text.fill(as_written)
    when.get_by_role("button", name="As conditions").click()
    part = when.get_by_role("group", name="Condition 2").get_by_label("Part as text")
    expect(part).to_have_value("orders_90d * 2 > 3")
    when.get_by_role("button", name="As text").click()
    expect(text).to_have_value(as_written)


def test_a_refused_draft_comes_back_as_it_was_built(world: World, log_in: LogIn) -> None:
    page = log_in("ben")
    when = editor(page)
    when.get_by_role("button", name="As conditions").click()
    when.get_by_role("button", name="Add a condition").click()
    first = when.get_by_role("group", name="Condition 1")
    first.get_by_label("What is asked about").select_option("orders_90d")
    first.get_by_label("Value", exact=True).fill("many")
    page.get_by_role("button", name="Keep the draft").click()
    expect(page.locator("#rules-check")).to_contain_text("Row 1: 'many' is not a number.")
    again = page.locator("[data-condition=when]").first.get_by_role("group", name="Condition 1")
    expect(again.get_by_label("Value", exact=True)).to_have_value("many")
    again.get_by_label("Value", exact=True).fill("3")
    page.get_by_role("button", name="Keep the draft").click()
    expect(page.get_by_role("heading", name="Built, not written")).to_be_visible()
    assert Rule.objects.get().when == "orders_90d = 3"
