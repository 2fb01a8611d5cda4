"""R18: a customer moved or a role revoked mid-session counts from the very next request on.

Every route that was open is asked again, with the session and the key that were open before, the
cursors that were given out before included. Each test has a twin in which the change is not
looked at again, and which has to leak.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Final

import pytest
from django.test import Client

from patronage.access.actor import actor_of_key, actor_of_user
from patronage.access.keys import revoke_key
from patronage.access.models import ApiKey, User
from patronage.access.people import close_account, revoke_role
from patronage.access.roles import SYSTEM, Actor, Role
from patronage.edge.app import create_app
from patronage.govern.actions import appoint, hand_over
from patronage.govern.models import Standing
from patronage.site import callers

from ..stages.edge.served import serving
from .company import CALLED, PEOPLE, Company, set_up, undone
from .matrix import Answer, ask
from .routes import ROWS
from .rows import API, Row

pytestmark = [pytest.mark.trial]
SECOND: Final = timedelta(seconds=1)
CUSTOMER: Final = re.compile(r"cus_\w+")


class Clock:
    """The site's clock, moved by the test."""

    def __init__(self) -> None:
        self.now = CALLED

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    moved = Clock()
    monkeypatch.setattr("patronage.site.clock.now", moved)
    return moved


@pytest.fixture
def company(db: None, clock: Clock) -> Company:
    return set_up()


def open_rows(role: Role) -> list[Row]:
    """What a role may do."""
    return [row for row in ROWS if row.cell(role) in "as"]


def clients_of(company: Company, role: Role) -> tuple[Client, Client]:
    """A session and a key, both used once already."""
    session, key = company.by_session(role), company.by_key(company.keys[role])
    assert session.get("/profile").status_code == 200
    assert key.get(f"{API}me").status_code == 200
    return session, key


def answers(
    company: Company, role: Role, clients: tuple[Client, Client], rows: list[Row]
) -> Iterator[tuple[Row, Answer]]:
    session, key = clients
    for row in rows:
        with undone():
            yield row, ask(company, key if row.is_api else session, row, company.own)


# ---------------------------------------------------------------------------------- moved away


def move(company: Company, clock: Clock) -> str:
    """Hand one of Ana's customers over to Ben, a second later."""
    clock.now += SECOND
    customer_id = company.own.customer_id
    hand_over(
        actor=SYSTEM,
        now=clock.now,
        customer_ids=[customer_id],
        to_portfolio_id=company.foreign.portfolio_id,
        reason="tests",
    )
    return customer_id


def leaks_of(company: Company, clients: tuple[Client, Client], customer_id: str) -> set[str]:
    """Routes whose answer to Ana still names the customer, or what is kept of them."""
    reads = [row for row in open_rows(Role.MANAGER) if row.method == "GET"]
    kept = {customer_id, company.own.decision_id, company.own.need_id, company.own.contact_id}
    found = set()
    for row, answer in answers(company, Role.MANAGER, clients, reads):
        text = answer.content.decode()
        if answer.status_code < 400 and any(each in text for each in kept):
            found.add(row.name)
        is_about_them = "{customer_id}" in row.path or "{decision_id}" in row.path
        if is_about_them and answer.status_code != 404:
            found.add(row.name)
    return found


def test_a_customer_moved_away_is_gone_from_every_answer(company: Company, clock: Clock) -> None:
    clients = clients_of(company, Role.MANAGER)
    assert len(leaks_of(company, clients, company.own.customer_id)) > 10, "she saw them before"
    customer_id = move(company, clock)
    assert leaks_of(company, clients, customer_id) == set()


def test_a_scope_that_is_not_looked_at_again_leaks(company: Company, clock: Clock) -> None:
    """The broken twin: the customer stands where they stood when the session began."""
    clients = clients_of(company, Role.MANAGER)
    customer_id = move(company, clock)
    Standing.objects.filter(customer_id=customer_id).update(portfolio_id=company.own.portfolio_id)
    assert len(leaks_of(company, clients, customer_id)) > 10


def pages_of(key: Client, path: str, after: str | None = None) -> Iterator[dict[str, Any]]:
    """The pages of a list, two rows each, from a cursor on."""
    cursor = after
    while True:
        query = {"limit": 2} | ({"after": cursor} if cursor else {})
        page = key.get(f"{API}{path}", query).json()
        yield page
        cursor = page["next"]
        if cursor is None:
            return


@pytest.mark.parametrize("path", ["portfolios/{portfolio_id}/customers", "value/customers"])
def test_a_cursor_given_out_before_leads_to_nobody_who_moved(
    company: Company, clock: Clock, path: str
) -> None:
    _, key = clients_of(company, Role.MANAGER)
    address = path.format(portfolio_id=company.own.portfolio_id)
    pages = list(pages_of(key, address))
    ids = [CUSTOMER.findall(str(page)) for page in pages]
    at = next(place for place, found in enumerate(ids) if company.own.customer_id in found)
    cursors = [None, *(page["next"] for page in pages if page["next"])]
    move(company, clock)
    for cursor in cursors[: at + 1]:
        found = CUSTOMER.findall(str(list(pages_of(key, address, cursor))))
        assert company.own.customer_id not in found
        assert len(set(found)) >= 1 or cursor == cursors[-1]


def test_counts_and_searches_no_longer_hold_who_moved(company: Company, clock: Clock) -> None:
    session, key = clients_of(company, Role.MANAGER)
    customer_id = company.own.customer_id

    def counted() -> tuple[int, int, int]:
        worth = key.get(f"{API}value").json()
        found = key.get(f"{API}customers", {"search": customer_id}).json()
        file: Any = session.get("/value/customers.csv")
        lines = b"".join(file.streaming_content).splitlines()
        return worth["customers"], len(found), len(lines)

    before = counted()
    move(company, clock)
    assert before[1] == 1
    assert counted() == (before[0] - 1, 0, before[2] - 1)


# ------------------------------------------------------------------------------------- revoked


def revoke(company: Company, clock: Clock, role: Role) -> None:
    """End a person's role a second later; whoever is in charge hands that on first."""
    clock.now += SECOND
    user = User.objects.get(email=f"{PEOPLE[role]}@example.com")
    others = {Role.MANAGER, Role.KEY_ACCOUNT_MANAGER} if role is Role.MANAGER else {role}
    if role is Role.MANAGER:
        appoint(
            actor=SYSTEM,
            now=clock.now,
            portfolio_id=company.own.portfolio_id,
            manager_id=company.world.ben.id,
            starts_at=clock.now,
            reason="tests",
        )
    if role is Role.ADMINISTRATOR:
        another = User.objects.get(email="nina@example.com")
        another.grants.create(
            role=role.value, starts_at=clock.now, granted_by="system", reason="tests"
        )
    for each in sorted(others):
        revoke_role(actor=SYSTEM, now=clock.now, user_id=user.id, role=each, reason="tests")


def still_open(company: Company, role: Role, clients: tuple[Client, Client]) -> set[str]:
    """Routes that let in, of those that not everybody who is logged in may use."""
    nobodys = {row.name for row in ROWS if set(row.cells[:-1]) == {"a"}}
    rows = [row for row in open_rows(role) if row.is_api or row.name not in nobodys]
    return {
        row.name
        for row, answer in answers(company, role, clients, rows)
        if answer.status_code not in (401, 403)
    }


_OF_PEOPLE: Final = [role for role in PEOPLE if role is not Role.KEY_ACCOUNT_MANAGER]


@pytest.mark.parametrize("role", _OF_PEOPLE)
def test_a_revoked_role_opens_nothing_any_more(company: Company, clock: Clock, role: Role) -> None:
    clients = clients_of(company, role)
    assert still_open(company, role, clients), "it opened something before"
    revoke(company, clock, role)
    assert still_open(company, role, clients) == set()


def test_roles_kept_from_the_log_in_leak(
    company: Company, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The broken twin: who acts is looked up once a session and once a key."""
    kept: dict[str, Actor | None] = {}

    def user_of(user: User, now: datetime) -> Actor:
        found = kept.setdefault(user.id, actor_of_user(user, now))
        assert found is not None
        return found

    monkeypatch.setattr(callers, "actor_of_user", user_of)
    monkeypatch.setattr(
        callers, "actor_of_key", lambda raw, now: kept.setdefault(raw, actor_of_key(raw, now))
    )
    clients = clients_of(company, Role.AGENT)
    revoke(company, clock, Role.AGENT)
    assert len(still_open(company, Role.AGENT, clients)) > 10


def test_a_closed_account_and_a_revoked_key_open_nothing(company: Company, clock: Clock) -> None:
    session, key = clients_of(company, Role.AGENT)
    service = company.by_key(company.keys[Role.SERVICE])
    assert service.get(f"{API}offers").status_code == 200
    clock.now += SECOND
    agent = User.objects.get(email="agent@example.com")
    close_account(actor=SYSTEM, now=clock.now, user_id=agent.id, reason="left")
    own = ApiKey.objects.get(role=Role.SERVICE, label=Role.SERVICE, revoked_at=None)
    revoke_key(actor=SYSTEM, now=clock.now, key_id=own.id, reason="leaked")
    assert session.get("/search").status_code == 302
    assert key.get(f"{API}customers").status_code == 401
    assert service.get(f"{API}offers").status_code == 401


# ---------------------------------------------------------------------------- decisions by key


@pytest.mark.django_db(transaction=True)
def test_decisions_in_front_look_at_key_and_scope_each_time(clock: Clock) -> None:
    company = set_up()
    with serving(create_app(clock=clock), "") as server:

        def asked(role: Role) -> int:
            headers = {"Authorization": f"Bearer {company.keys[role]}"}
            body = {"customer": company.own.customer_id}
            status: int = server.decide(body, **headers).status
            return status

        assert (asked(Role.MANAGER), asked(Role.AGENT)) == (200, 200)
        move(company, clock)
        assert (asked(Role.MANAGER), asked(Role.AGENT)) == (404, 200)
        revoke(company, clock, Role.AGENT)
        assert asked(Role.AGENT) == 401
