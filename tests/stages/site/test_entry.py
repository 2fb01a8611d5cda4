"""Who gets in, how, and what everybody else is told."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from patronage.access.keys import create_key
from patronage.access.roles import SYSTEM, Role
from patronage.site import clock
from patronage.site.middleware import CONTENT_POLICY

from .conftest import PASSWORD, People

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("gallery")]


@pytest.fixture(autouse=True)
def the_tests_clock(monkeypatch: pytest.MonkeyPatch, now: datetime) -> None:
    monkeypatch.setattr(clock, "now", lambda: now)


def log_in(client: Client, email: str, password: str = PASSWORD, **more: Any) -> Any:
    return client.post("/login", {"username": email, "password": password}, **more)


def test_somebody_unknown_is_sent_to_the_log_in_page_and_back(client: Client) -> None:
    answer = client.get("/gallery?tab=all")
    assert answer.status_code == 302
    assert answer.headers["Location"] == "/login?next=/gallery%3Ftab%3Dall"


def test_a_part_of_a_page_asked_for_after_the_session_ended_reloads_the_whole_page(
    client: Client,
) -> None:
    answer = client.get("/gallery", headers={"HX-Request": "true"})
    assert (answer.status_code, answer.headers["HX-Refresh"]) == (204, "true")
    assert answer.content == b""


def test_an_e_mail_address_logs_in_whatever_its_case(client: Client, person: People) -> None:
    person(Role.AGENT)
    assert log_in(client, "Agent@Example.com").status_code == 302
    assert client.get("/").headers["Location"] == "/search"


def test_a_wrong_password_and_an_unknown_address_are_told_the_same(
    client: Client, person: People
) -> None:
    person(Role.AGENT)
    wrong = log_in(client, "agent@example.com", "not the phrase").content.decode()
    unknown = log_in(client, "nobody@example.com", "not the phrase").content.decode()
    assert "do not go together" in wrong
    assert "do not go together" in unknown


def test_after_ten_failures_even_the_right_password_waits(client: Client, person: People) -> None:
    person(Role.AGENT)
    for _ in range(9):
        log_in(client, "agent@example.com", "guess")
    assert log_in(client, "agent@example.com").status_code == 302
    client.logout()
    for _ in range(10):
        log_in(client, "agent@example.com", "guess")
    refused = log_in(client, "agent@example.com")
    assert refused.status_code == 422
    assert "failed too often" in refused.content.decode()


def test_logging_in_needs_the_forms_own_token(person: People) -> None:
    person(Role.AGENT)
    strict = Client(enforce_csrf_checks=True)
    assert log_in(strict, "agent@example.com").status_code == 403


def test_every_answer_carries_the_content_policy(client: Client) -> None:
    for address in ("/login", "/nowhere", "/api/v1/openapi.json"):
        policy = client.get(address).headers["Content-Security-Policy"]
        assert policy == CONTENT_POLICY
    assert "unsafe" not in CONTENT_POLICY


def test_a_page_for_somebody_is_never_kept_for_another(client: Client, person: People) -> None:
    client.force_login(person(Role.EXECUTIVE))
    assert client.get("/gallery").headers["Cache-Control"] == "private, no-cache"


@pytest.mark.parametrize(
    ("how", "status", "words"),
    [
        ("not-allowed", 403, "does not have the right to administer"),
        ("not-found", 404, "outside what you are in charge of"),
        ("refused", 422, "The offer ended on 1 May; extend it first."),
    ],
)
def test_an_error_says_what_happened_on_a_page_and_in_a_part(
    client: Client, person: People, how: str, status: int, words: str
) -> None:
    client.force_login(person(Role.EXECUTIVE))
    page = client.get(f"/gallery/broken?how={how}")
    part = client.get(f"/gallery/broken?how={how}", headers={"HX-Request": "true"})
    assert page.status_code == part.status_code == status
    assert words in page.content.decode()
    assert words in part.content.decode()
    assert "<html" in page.content.decode()
    assert "<html" not in part.content.decode()
    assert part.headers["HX-Retarget"] == "#notices"


def test_a_dialog_gets_its_error_inside_but_cannot_name_any_selector(
    client: Client, person: People
) -> None:
    client.force_login(person(Role.EXECUTIVE))
    for asked, used in (("#block-errors", "#block-errors"), ("body > *", "#notices")):
        part = client.get(
            "/gallery/broken?how=refused", headers={"HX-Request": "true", "X-Notices": asked}
        )
        assert part.headers["HX-Retarget"] == used


def test_a_fault_of_ours_is_a_page_without_its_inner_workings(
    client: Client, person: People
) -> None:
    client.raise_request_exception = False
    client.force_login(person(Role.EXECUTIVE))
    broken = client.get("/gallery/broken")
    assert broken.status_code == 500
    assert "09:30:00 UTC" in broken.content.decode()
    assert "ZeroDivision" not in broken.content.decode()


def test_an_unreadable_as_of_date_is_refused_with_an_example(
    client: Client, person: People
) -> None:
    client.force_login(person(Role.EXECUTIVE))
    answer = client.get("/gallery?as_of=yesterday")
    assert answer.status_code == 422
    assert "write it like 2026-12-24" in answer.content.decode()


def test_the_api_answers_errors_as_problems(client: Client) -> None:
    answer = client.get("/api/v1/nothing-here")
    assert answer.status_code == 404
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["status"] == 404


def test_a_key_that_does_not_stand_is_nobody_even_beside_a_session(
    client: Client, person: People, settings: Settings
) -> None:
    client.force_login(person(Role.EXECUTIVE))
    answer = client.get("/gallery/broken?how=refused", headers={"Authorization": "Bearer wrong"})
    assert answer.status_code == 422  # the session opened the page
    person_key = create_key(
        actor=SYSTEM, now=clock.now(), label="shop", role=Role.SERVICE, user=None
    )[1]
    for key, right in ((person_key, "shop"), ("wrong", "Somebody who is not logged in")):
        refused = client.get(
            "/gallery/broken?how=not-allowed", headers={"Authorization": f"Bearer {key}"}
        )
        assert right in refused.content.decode()
