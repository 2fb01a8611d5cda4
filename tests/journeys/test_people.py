"""Can an administrator keep people, rights and keys, and can everybody keep their own log-in?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pyotp
import pytest
from playwright.sync_api import Browser, expect
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from patronage.access.actor import actor_of_key, open_roles
from patronage.access.models import AuditEntry, User
from patronage.access.roles import Role
from patronage.site import clock
from patronage.site.settings import OpenId

from ..stages.customize.world import PASSWORD, World
from ..stages.site.log_in_service import log_in_service
from ..stages.site.test_gallery import keep_picture, serious
from .conftest import LogIn, fits

pytestmark = pytest.mark.browser


def by_address(address: str) -> User:
    return User.objects.get(email=address)


def test_an_administrator_adds_a_person_who_then_chooses_a_password(
    world: World, log_in: LogIn, live_server: LiveServer
) -> None:
    page = log_in("adam")
    page.get_by_role("link", name="People", exact=True).first.click()
    keep_picture(page, "people")
    assert serious(page) == []
    page.get_by_label("Name", exact=True).fill("Mia Ruiz")
    page.get_by_label("E-mail address", exact=True).fill("mia@example.com")
    page.get_by_label("Role", exact=True).select_option("agent")
    page.get_by_label("Why?").fill("joins the call centre")
    page.get_by_role("button", name="Add", exact=True).click()
    password = page.locator("[data-secret]").inner_text()
    mia = by_address("mia@example.com")
    assert open_roles(mia, clock.now()) == {Role.AGENT}
    assert AuditEntry.objects.filter(action="create person", subject_id=mia.id).exists()

    page.context.clear_cookies()
    page.goto(f"{live_server.url}/login")
    page.get_by_label("E-mail address").fill("mia@example.com")
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_text("Choose a password of your own to go on.")).to_be_visible()
    page.goto(f"{live_server.url}/search")
    expect(page).to_have_url(f"{live_server.url}/profile")
    page.get_by_label("Present password").first.fill(password)
    page.get_by_label("New password", exact=True).fill("my own long phrase")
    page.get_by_label("New password again").fill("my own long phrase")
    page.get_by_role("button", name="Change password").click()
    expect(page.get_by_role("status")).to_contain_text("Your password is changed")
    page.goto(f"{live_server.url}/search")
    expect(page.get_by_role("heading", name="Find a customer")).to_be_visible()


def test_roles_are_granted_and_revoked_with_a_reason_and_found_in_the_history(
    world: World, log_in: LogIn
) -> None:
    page = log_in("adam")
    page.goto(page.url.split("/imports")[0] + "/people?q=nina")
    expect(page.locator("#people tbody tr")).to_have_count(1)
    page.get_by_role("link", name="Nina").click()
    page.get_by_label("Role", exact=True).select_option("complaint_handler")
    page.locator("#why").fill("covers complaints in May")
    page.get_by_role("button", name="Grant", exact=True).click()
    expect(page.get_by_role("status")).to_contain_text("Nina now works as: Complaint handler")
    keep_picture(page, "person")
    assert serious(page) == []
    row = page.locator("tr", has=page.get_by_role("rowheader", name="Analyst"))
    row.get_by_role("button", name="Revoke").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Why?").fill("complaints only")
    dialog.get_by_role("button", name="Revoke").click()
    expect(page.get_by_role("status")).to_contain_text("no longer works as: Analyst")
    nina = by_address("nina@example.com")
    assert open_roles(nina, clock.now()) == {Role.COMPLAINT_HANDLER}
    page.get_by_role("link", name="What was changed about this person").click()
    entry = page.locator("tr", has_text="complaints only")
    expect(entry).to_contain_text("Administrator: administer")
    expect(entry.locator("del")).to_contain_text("analyst, complaint_handler")
    expect(entry.locator("ins").first).to_contain_text("complaint_handler")


def test_nobody_leaves_on_whom_something_rests_and_the_page_says_what_to_do_first(
    world: World, log_in: LogIn
) -> None:
    page = log_in("adam")
    root = page.url.split("/imports")[0]
    for address, words in (
        ("adam@example.com", "Make another person administrator first"),
        ("ana@example.com", "Appoint another manager there first"),
    ):
        user = by_address(address)
        page.goto(f"{root}/people/{user.id}")
        page.get_by_role("button", name="Close account").click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_label("Why?").fill("leaves")
        dialog.get_by_role("button", name="Close account").click()
        expect(page.get_by_text(words)).to_be_visible()
        user.refresh_from_db()
        assert user.is_active
    agent = by_address("agent@example.com")
    for button, is_active in (("Close account", False), ("Reopen account", True)):
        page.goto(f"{root}/people/{agent.id}")
        page.get_by_role("button", name=button).click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_label("Why?").fill("a year abroad")
        dialog.get_by_role("button", name=button).click()
        expect(page.get_by_role("status")).to_be_visible()
        agent.refresh_from_db()
        assert agent.is_active == is_active


def test_a_key_is_shown_once_replaced_and_revoked(world: World, log_in: LogIn) -> None:
    page = log_in("adam")
    root = page.url.split("/imports")[0]
    page.goto(f"{root}/keys")
    page.get_by_label("What calls with it").fill("web shop")
    page.get_by_label("Role", exact=True).select_option("service")
    page.get_by_role("button", name="Make", exact=True).click()
    first = page.locator("[data-secret]").inner_text()
    assert actor_of_key(first, clock.now()) is not None
    page.get_by_role("link", name="Done").click()
    assert first not in page.content()
    expect(page.locator("tr", has_text="web shop")).to_contain_text("never")
    keep_picture(page, "keys")
    assert serious(page) == []
    page.get_by_role("button", name="Rotate").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("The old key").select_option("24")
    dialog.get_by_label("Why?").fill("every year")
    dialog.get_by_role("button", name="Rotate").click()
    second = page.locator("[data-secret]").inner_text()
    assert second != first
    now = clock.now()
    assert actor_of_key(first, now) is not None
    assert actor_of_key(first, now + timedelta(days=2)) is None
    page.get_by_role("link", name="Done").click()
    row = page.locator("tr", has_text="ends soon")
    row.get_by_role("button", name="Revoke").click()
    page.get_by_role("dialog").get_by_label("Why?").fill("leaked")
    page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
    expect(page.get_by_role("status")).to_contain_text("no longer opens anything")
    assert actor_of_key(first, clock.now()) is None
    assert actor_of_key(second, clock.now()) is not None


def test_an_agent_adds_a_device_and_logs_in_with_its_code_or_a_recovery_code(
    world: World, log_in: LogIn, live_server: LiveServer
) -> None:
    page = log_in("agent")
    page.get_by_label("Menu of Agent").click()
    page.get_by_role("link", name="My log-in").click()
    page.get_by_role("button", name="Add a device").click()
    picture = page.get_by_alt_text("The same secret as below, for a camera")
    expect(picture).to_be_visible()
    assert picture.evaluate("image => image.naturalWidth") > 50
    device = pyotp.TOTP(page.locator("[data-secret]").inner_text())
    keep_picture(page, "second-factor")
    assert serious(page) == []
    page.get_by_label("The code your device shows").fill(device.at(clock.now()))
    page.get_by_role("button", name="Confirm").click()
    codes = page.locator("[data-codes] code").all_inner_texts()
    assert len(codes) == 10

    def log_in_with(code: str) -> None:
        page.context.clear_cookies()
        page.goto(f"{live_server.url}/login")
        page.get_by_label("E-mail address").fill("agent@example.com")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Log in").click()
        page.get_by_label("Code", exact=True).fill(code)
        page.get_by_role("button", name="Log in").click()

    log_in_with("000000")
    expect(page.get_by_text("This code is wrong or was used already.")).to_be_visible()
    log_in_with(codes[0])
    expect(page.get_by_role("heading", name="Find a customer")).to_be_visible()
    log_in_with(device.at(clock.now() + timedelta(seconds=30)))
    expect(page.get_by_role("heading", name="Find a customer")).to_be_visible()


@pytest.fixture
def service(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[OpenId]:
    # the provider's answers are dated by its own clock
    monkeypatch.setattr("patronage.site.clock.now", lambda: datetime.now(UTC))
    claims = {"sub": "agent-7", "email": "agent@example.com", "email_verified": True}
    with log_in_service([claims]) as running:
        settings.OPEN_ID = running
        yield running


def test_an_agent_logs_in_at_the_companys_own_service(
    world: World, service: OpenId, live_server: LiveServer, browser: Browser
) -> None:
    # a window of its own: what the provider's page complains of is not ours
    page = browser.new_page()
    page.goto(f"{live_server.url}/login?next=/search")
    page.get_by_role("button", name="Log in with Company").click()
    page.get_by_role("button", name="agent-7").click()
    expect(page).to_have_url(re.compile(f"^{re.escape(live_server.url)}/search"))
    expect(page.get_by_role("heading", name="Find a customer")).to_be_visible()
    page.close()


def test_the_pages_of_people_fit_a_narrow_window(world: World, log_in: LogIn) -> None:
    page = log_in("adam")
    root = page.url.split("/imports")[0]
    for place in ("people", "keys", "roles", "profile"):
        page.goto(f"{root}/{place}")
        fits(page, 390)
        keep_picture(page, f"{place}-narrow")
