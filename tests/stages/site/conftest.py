"""People and a company for the tests of the web face, and the gallery beside its pages."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from playwright.sync_api import Page
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from patronage.access.company import load_company
from patronage.access.models import User
from patronage.access.people import create_user
from patronage.access.roles import SYSTEM, Role

from . import gallery as gallery_addresses
from .browsing import browser, page

__all__ = ["browser", "page"]

PASSWORD = "a long enough phrase"
People = Callable[[Role], User]
LogIn = Callable[[Role], Page]


@pytest.fixture
def gallery(settings: Settings) -> None:
    """The product's addresses and the gallery's."""
    settings.ROOT_URLCONF = gallery_addresses.__name__


@pytest.fixture
def company(db: None, now: datetime) -> None:
    """A declared company, whose days are New York's."""
    text = Path(__file__).with_name("company.toml").read_text(encoding="utf-8")
    load_company(actor=SYSTEM, now=now, text=text, reason="test")


@pytest.fixture
def person(db: None, now: datetime) -> People:
    """Makes a person with one role."""

    def make(role: Role) -> User:
        return create_user(
            actor=SYSTEM,
            now=now,
            email=f"{role.value}@example.com",
            name=f"{role.value.title()} Ruiz",
            password=PASSWORD,
            roles=[role],
            reason="test",
        )

    return make


@pytest.fixture
def logged_in(
    transactional_db: None, live_server: LiveServer, company: None, person: People, page: Page
) -> LogIn:
    """Logs a new person of a role in through the log-in page."""

    def enter(role: Role) -> Page:
        person(role)
        page.goto(f"{live_server.url}/login")
        page.get_by_label("E-mail address").fill(f"{role.value}@example.com")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Log in").click()
        page.wait_for_url(lambda address: "/login" not in address)
        return page

    return enter
