"""Logging in with a code beside the password, and at the company's own log-in service."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pyotp
import pytest
import requests
from django.test import Client
from pytest_django import Settings

from patronage.access.actor import actor_of_user
from patronage.access.models import AuditEntry, OpenIdLink, User
from patronage.access.people import close_account, set_password
from patronage.access.roles import SYSTEM, Role
from patronage.access.second_factor import begin, confirm
from patronage.site import clock
from patronage.site.settings import OpenId

from .conftest import PASSWORD, People
from .log_in_service import log_in_service

pytestmark = pytest.mark.django_db
HALF_MINUTE = timedelta(seconds=30)


class Clock:
    """The site's clock, moved by the test."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch, now: datetime) -> Clock:
    moved = Clock(now)
    monkeypatch.setattr(clock, "now", moved)
    return moved


def enter(client: Client, password: str = PASSWORD, query: str = "") -> Any:
    said = {"username": "agent@example.com", "password": password}
    return client.post(f"/login{query}", said)


@pytest.fixture
def device(person: People, time: Clock) -> pyotp.TOTP:
    """The device of an agent who has confirmed it."""
    me = actor_of_user(person(Role.AGENT), time.now)
    secret = begin(actor=me, now=time.now).secret
    made = pyotp.TOTP(secret)
    confirm(actor=me, now=time.now, code=made.at(time.now))
    time.now += HALF_MINUTE
    return made


def is_in(client: Client) -> bool:
    return bool(client.get("/search").status_code == 200)


def test_a_right_password_alone_opens_nothing(client: Client, device: pyotp.TOTP) -> None:
    answer = enter(client, query="?next=/search")
    assert answer.headers["Location"] == "/login/code?next=%2Fsearch"
    assert not is_in(client)
    assert client.get("/api/v1/me").status_code == 401


def test_the_devices_code_lets_in_and_leads_on(
    client: Client, device: pyotp.TOTP, time: Clock
) -> None:
    enter(client)
    wrong = client.post("/login/code", {"code": "000000"})
    assert wrong.status_code == 422
    assert "wrong or was used already" in wrong.content.decode()
    right = client.post("/login/code", {"code": device.at(time.now), "next": "/search"})
    assert right.headers["Location"] == "/search"
    assert is_in(client)


def test_a_code_leads_to_no_other_host(client: Client, device: pyotp.TOTP, time: Clock) -> None:
    enter(client)
    there = {"code": device.at(time.now), "next": "https://evil.example/"}
    assert client.post("/login/code", there).headers["Location"] == "/"


def test_codes_are_not_guessed_even_with_the_right_password_between(
    client: Client, device: pyotp.TOTP, time: Clock
) -> None:
    for _ in range(10):
        enter(client)
        assert client.post("/login/code", {"code": "000000"}).status_code == 422
    enter(client)
    refused = client.post("/login/code", {"code": device.at(time.now)})
    assert refused.status_code == 422
    assert "failed too often" in refused.content.decode()
    assert not is_in(client)


def test_without_a_password_before_it_or_too_late_no_code_is_taken(
    client: Client, device: pyotp.TOTP, time: Clock
) -> None:
    code = {"code": device.at(time.now)}
    assert client.post("/login/code", code).headers["Location"] == "/login"
    enter(client)
    time.now += timedelta(minutes=6)
    late = {"code": device.at(time.now)}
    assert client.post("/login/code", late).headers["Location"] == "/login"
    assert not is_in(client)


def test_a_password_that_somebody_else_chose_is_changed_before_all_else(
    client: Client, person: People, time: Clock
) -> None:
    user = person(Role.AGENT)
    set_password(actor=SYSTEM, now=time.now, user_id=user.id, password="chosen by another")
    enter(client, "chosen by another")
    assert client.get("/search").headers["Location"] == "/profile"
    said = {"present": "chosen by another", "new": "my own long phrase"}
    differs = client.post("/profile/password", said | {"again": "another long phrase"})
    assert differs.status_code == 422
    assert client.get("/search").headers["Location"] == "/profile"
    client.post("/profile/password", said | {"again": "my own long phrase"})
    assert is_in(client)


def test_whoever_found_a_session_open_cannot_guess_its_password(
    client: Client, person: People, time: Clock
) -> None:
    person(Role.AGENT)
    enter(client)
    said = {"new": "my own long phrase", "again": "my own long phrase"}
    for number in range(10):
        guess = {"present": f"guess {number}"}
        assert client.post("/profile/password", said | guess).status_code == 422
    refused = client.post("/profile/password", said | {"present": PASSWORD})
    assert refused.status_code == 422
    assert "wrong too often" in refused.content.decode()
    time.now += timedelta(minutes=16)
    assert client.post("/profile/password", said | {"present": PASSWORD}).status_code == 302


# --- the company's own log-in service -------------------------------------------------------------


@pytest.fixture(scope="module")
def service() -> Iterator[OpenId]:
    claims = [
        {"sub": "one", "email": "agent@example.com", "email_verified": True},
        {"sub": "two", "email": "agent@example.com", "email_verified": False},
        {"sub": "three", "email": "nobody@example.com", "email_verified": True},
    ]
    with log_in_service(claims) as running:
        yield running


@pytest.fixture
def agent(person: People, time: Clock, service: OpenId, settings: Settings) -> User:
    settings.OPEN_ID = service
    user = person(Role.AGENT)
    # the provider's answers are dated by its own clock
    time.now = datetime.now(UTC)
    return user


def asked(client: Client, wanted: str = "/search") -> str:
    """The address at the service to which somebody is sent."""
    answer = client.post("/login/service", {"next": wanted})
    assert answer.status_code == 302
    address: str = answer.headers["Location"]
    return address


def said_by_service(address: str, subject: str) -> str:
    """Somebody says at the service who they are; the address that it sends them back to."""
    answer = requests.post(address, data={"sub": subject}, allow_redirects=False, timeout=30)
    assert answer.status_code == 302, answer.text
    back = urlsplit(answer.headers["Location"])
    assert (back.netloc, back.path) == ("testserver", "/login/service/answer")
    return f"{back.path}?{back.query}"


def test_the_service_lets_in_whom_it_has_verified(client: Client, agent: User) -> None:
    assert "Log in with Company" in client.get("/login").content.decode()
    address = asked(client)
    question = parse_qs(urlsplit(address).query)
    assert question["code_challenge_method"] == ["S256"]
    assert {"state", "nonce", "code_challenge"} <= question.keys()
    answer = client.get(said_by_service(address, "one"))
    assert answer.headers["Location"] == "/search"
    assert is_in(client)
    assert OpenIdLink.objects.get().user == agent
    assert AuditEntry.objects.filter(action="link log-in service", actor_id=agent.id).exists()


def test_who_is_known_is_let_in_whatever_their_address_becomes(client: Client, agent: User) -> None:
    client.get(said_by_service(asked(client), "one"))
    client.logout()
    User.objects.filter(pk=agent.id).update(email="moved@example.com")
    client.get(said_by_service(asked(client), "one"))
    assert is_in(client)
    assert OpenIdLink.objects.count() == 1


@pytest.mark.parametrize("subject", ["two", "three", "somebody the service just met"])
def test_an_address_that_is_not_verified_or_not_known_here_lets_nobody_in(
    client: Client, agent: User, subject: str
) -> None:
    client.get(said_by_service(asked(client), subject))
    assert not is_in(client)
    assert not OpenIdLink.objects.exists()
    assert "no open account here" in client.get("/login").content.decode()


def test_a_closed_account_stays_closed(client: Client, agent: User, time: Clock) -> None:
    client.get(said_by_service(asked(client), "one"))
    client.logout()
    close_account(actor=SYSTEM, now=time.now, user_id=agent.id, reason="left")
    client.get(said_by_service(asked(client), "one"))
    assert not is_in(client)


def test_an_answer_to_another_log_in_is_none(client: Client, agent: User) -> None:
    """Neither a stranger's answer, nor one twice, nor one with another state."""
    answer = said_by_service(asked(client), "one")
    stranger = Client()
    assert stranger.get(answer).headers["Location"] == "/login"
    path, query = answer.split("?")
    forged = {name: values[0] for name, values in parse_qs(query).items()} | {"state": "forged"}
    assert client.get(f"{path}?{urlencode(forged)}").headers["Location"] == "/login"
    assert not is_in(client)
    client.get(answer)
    assert is_in(client)
    client.logout()
    assert client.get(answer).headers["Location"] == "/login"
    assert not is_in(client)


def test_the_service_leads_to_no_other_host(client: Client, agent: User) -> None:
    back = said_by_service(asked(client, "https://evil.example/"), "one")
    assert client.get(back).headers["Location"] == "/"


def test_while_the_service_is_away_the_password_still_lets_in(
    client: Client, agent: User, settings: Settings
) -> None:
    settings.OPEN_ID = OpenId(issuer="http://127.0.0.1:1", client_id="x", secret="y", name="Gone")
    assert client.post("/login/service").headers["Location"] == "/login"
    assert "does not answer" in client.get("/login").content.decode()
    enter(client)
    assert is_in(client)


def test_without_a_service_there_is_none(client: Client) -> None:
    assert client.post("/login/service").status_code == 404
    assert client.get("/login/service/answer").status_code == 404
    assert "Log in with" not in client.get("/login").content.decode()
