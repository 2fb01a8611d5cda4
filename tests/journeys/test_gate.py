"""Can a manager rule on what reaches their customers, and see what it forgoes first?"""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from patronage.access.roles import SYSTEM
from patronage.customize.jobs import decide
from patronage.customize.models import Decision, DecisionRun, Ruling

from ..stages.customize.world import AS_OF, World
from ..stages.differentiate.history import NOW
from ..stages.site.test_gallery import keep_picture, serious
from .conftest import LogIn, fits

pytestmark = pytest.mark.browser


@pytest.fixture
def run(world: World) -> DecisionRun:
    """Everybody is decided once, so that there is something at stake."""
    return decide(actor=SYSTEM, now=NOW, as_of=AS_OF)


def test_a_blocked_offer_leaves_her_customers_next_decision_and_its_owner_reads_why(
    world: World, run: DecisionRun, log_in: LogIn
) -> None:
    chosen = Decision.objects.filter(
        run=run, outcome="offered", portfolio=world.portfolios["Top"]
    ).select_related("treatment__offer", "customer")
    decision = chosen.order_by("id").first()
    assert decision is not None
    assert decision.treatment is not None
    offer = decision.treatment.offer

    page = log_in("ana")
    page.goto(page.url.replace("/portfolio", "") + f"/customers/{decision.customer_id}")
    expect(page.locator("#next")).to_be_visible()

    page.get_by_role("link", name="Gate", exact=True).click()
    row = page.locator("tr[data-row]", has_text=offer.name)
    row.get_by_role("button", name="Block").or_(row.get_by_role("link", name="Block")).click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Forgone value, net")
    forgone = dialog.locator("dd strong").first.inner_text().strip()
    assert re.fullmatch(r"\$\d[\d,]*\.\d\d", forgone)
    assert forgone != "$0.00"
    keep_picture(page, "gate-block")
    dialog.get_by_label("In your words").fill("They are on a diet")
    dialog.get_by_role("button", name="It does not suit these customers.").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(row).to_contain_text("Blocked")
    expect(row).to_contain_text("They are on a diet")
    expect(page.get_by_role("heading", name="3 offers wait for your ruling")).to_be_visible()

    page.goto(page.url.split("/gate")[0] + f"/customers/{decision.customer_id}")
    action = page.locator("#next")
    expect(action.locator(".lead").first).not_to_contain_text(offer.name)
    action.locator("details").first.evaluate("each => each.open = true")
    for more in action.locator("details").all():
        more.evaluate("each => each.open = true")
    expect(action.locator("tr", has_text=offer.name)).to_contain_text(
        "The customer's manager has not allowed this offer."
    )

    owner = "olga" if offer.team.name == "Fresh" else "omar"
    page = log_in(owner)
    page.get_by_role("link", name=offer.name).click()
    line = page.locator("tr", has_text="Top").first
    expect(line).to_contain_text("Blocked")
    expect(line).to_contain_text("It does not suit these customers.")
    expect(line).to_contain_text("They are on a diet")
    expect(line).to_contain_text(forgone)


def test_an_adaptation_shows_before_and_after_and_what_it_forgoes_while_it_is_written(
    world: World, run: DecisionRun, log_in: LogIn
) -> None:
    offer = world.offers["CEREAL"]
    page = log_in("ana")
    page.get_by_role("link", name="Gate", exact=True).click()
    page.locator("tr[data-row]", has_text=offer.name).get_by_role("link", name="Adapt").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Change something to see what it forgoes.")
    dialog.get_by_label("Saving, USD").fill("0.50")
    expect(dialog.locator("tr", has_text="Saving")).to_contain_text("1.50 USD → 0.50 USD")
    expect(dialog).to_contain_text("Forgone value, net")
    dialog.get_by_text("Mail", exact=True).click()
    expect(dialog.locator("tr", has_text="Channels")).to_contain_text("E-mail")
    keep_picture(page, "gate-adapt")
    dialog.get_by_role("button", name="The saving is too high").click()
    row = page.locator("tr[data-row]", has_text=offer.name)
    expect(row).to_contain_text("Adapted")
    ruling = Ruling.objects.get(offer=offer, portfolio=world.portfolios["Top"], by_default=False)
    assert ruling.adaptation == {"face_value_minor": 50, "channels": ["app", "email"]}


def test_a_saving_above_the_owners_is_refused_inside_the_dialog(
    world: World, run: DecisionRun, log_in: LogIn
) -> None:
    page = log_in("ana")
    page.get_by_role("link", name="Gate", exact=True).click()
    page.locator("tr[data-row]").first.get_by_role("link", name="Adapt").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Saving, USD").fill("99")
    expect(dialog.get_by_role("alert").first).to_contain_text("which the owner proposed")
    dialog.get_by_role("button", name="The saving is too high").click()
    expect(dialog).to_be_visible()
    assert not Ruling.objects.filter(by_default=False).exists()


def test_keys_alone_block_an_offer(world: World, run: DecisionRun, log_in: LogIn) -> None:
    page = log_in("ana")
    page.keyboard.press("g")
    page.keyboard.press("t")
    expect(page.get_by_role("heading", name="4 offers wait")).to_be_visible()
    page.wait_for_load_state("load")
    page.keyboard.press("j")
    page.keyboard.press("j")
    second = page.locator("tr[data-row]").nth(1)
    expect(second.get_by_role("link").first).to_be_focused()
    page.keyboard.press("b")
    expect(page.get_by_role("dialog").locator("button[autofocus]")).to_be_focused()
    page.keyboard.press("Enter")
    expect(second).to_contain_text("Blocked")
    expect(second.get_by_role("link").first).to_be_focused()
    assert Ruling.objects.filter(by_default=False, effect="block").count() == 1


def test_typing_enter_in_the_words_does_not_rule(
    world: World, run: DecisionRun, log_in: LogIn
) -> None:
    page = log_in("ana")
    page.get_by_role("link", name="Gate", exact=True).click()
    page.locator("tr[data-row]").first.get_by_role("link", name="Block").click()
    words = page.get_by_role("dialog").get_by_label("In your words")
    words.fill("not yet")
    words.press("Enter")
    words.press("Control+Enter")
    expect(page.get_by_role("dialog").get_by_role("alert").first).to_contain_text("Say why")
    assert not Ruling.objects.filter(by_default=False).exists()


def test_a_ruling_can_be_changed_and_both_stay_on_record(
    world: World, run: DecisionRun, log_in: LogIn
) -> None:
    offer = world.offers["SOAP"]
    page = log_in("ana")
    page.get_by_role("link", name="Gate", exact=True).click()
    page.get_by_role("link", name=offer.name, exact=True).click()
    page.get_by_role("link", name="Block").click()
    page.get_by_role("button", name="It comes at the wrong time.").click()
    expect(page.get_by_role("status")).to_contain_text("Blocked for Top")
    page.get_by_role("link", name="Allow").click()
    page.get_by_role("button", name="It fits what these customers need.").click()
    history = page.locator("ol.timeline li")
    expect(history).to_have_count(3)
    expect(history.nth(0)).to_contain_text("Allowed")
    expect(history.nth(1)).to_contain_text("Blocked")
    keep_picture(page, "ruling")
    assert serious(page) == []


def test_search_and_filters_stay_in_the_address(
    world: World, run: DecisionRun, log_in: LogIn
) -> None:
    page = log_in("ana")
    page.get_by_role("link", name="Gate", exact=True).click()
    expect(page.get_by_role("heading", name="wait for your ruling")).to_be_visible()
    page.wait_for_load_state("load")
    page.get_by_label("Offer, team or category").fill("soap")
    expect(page.locator("tr[data-row]")).to_have_count(1)
    assert "q=soap" in page.url
    page.reload()
    expect(page.locator("tr[data-row]")).to_have_count(1)
    page.get_by_label("Offer, team or category").fill("nothing like it")
    expect(page.get_by_text("No offer matches")).to_be_visible()


def test_each_manager_sees_their_own_gate_only(
    world: World, run: DecisionRun, log_in: LogIn
) -> None:
    page = log_in("ana")
    foreign = world.portfolios["Everybody else"].id
    address = f"{page.url.split('/portfolio')[0]}/gate/{world.offers['SOAP'].id}/{foreign}"
    answer = page.goto(address)
    assert answer is not None
    assert answer.status == 404
    page = log_in("olga")
    answer = page.goto(page.url.split("/offers")[0] + "/gate")
    assert answer is not None
    assert answer.status == 403


def test_the_gate_before_any_run_says_that_stakes_are_not_known(
    world: World, log_in: LogIn
) -> None:
    page = log_in("ana")
    page.get_by_role("link", name="Gate", exact=True).click()
    expect(page.get_by_text("No decision run yet: stakes are not known.")).to_be_visible()
    page.locator("tr[data-row]").first.get_by_role("link", name="Block").click()
    expect(page.get_by_role("dialog")).to_contain_text("is not known yet")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_gate_passes_axe_wide_and_narrow(
    world: World, run: DecisionRun, log_in: LogIn, scheme: object
) -> None:
    page = log_in("ana")
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]  # the two names it knows
    page.get_by_role("link", name="Gate", exact=True).click()
    page.locator("tr[data-row]").first.wait_for()
    assert serious(page) == []
    fits(page, 390)
    keep_picture(page, f"gate-narrow-{scheme}")
    assert serious(page) == []
    page.locator("tr[data-row]").first.get_by_role("link", name="Block").click()
    expect(page.get_by_role("dialog")).to_contain_text("Forgone value, net")
    keep_picture(page, f"gate-narrow-block-{scheme}")
    assert serious(page) == []
