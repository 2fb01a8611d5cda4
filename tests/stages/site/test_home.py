"""Where does each person land, what do they find, and what does a page cost to frame?"""

from __future__ import annotations

from datetime import datetime

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from patronage.access.roles import POLICY, Actor, Role
from patronage.identify.models import Customer
from patronage.site.navigation import HOMES, PLACES, address_of, home_of, places_for

from .conftest import People

pytestmark = pytest.mark.django_db


def test_every_role_of_a_person_has_a_home_that_its_rights_open() -> None:
    rights_of = {place.url_name: place.rights for place in PLACES}
    for role in set(Role) - {Role.SERVICE}:
        assert POLICY[role].rights & rights_of[HOMES[role]], role


@pytest.mark.parametrize("role", sorted(set(Role) - {Role.SERVICE}))
def test_a_person_lands_on_the_page_of_their_role(
    client: Client, person: People, role: Role
) -> None:
    client.force_login(person(role))
    wanted = address_of(HOMES[role]) or "/search"
    assert client.get("/").headers["Location"] == wanted


def test_somebody_with_two_roles_starts_where_customers_wait() -> None:
    both = Actor(id="usr_1", name="Ana", roles=frozenset({Role.EXECUTIVE, Role.MANAGER}))
    manager = Actor(id="usr_2", name="Ana", roles=frozenset({Role.MANAGER}))
    assert home_of(both) == home_of(manager)


def test_nobody_is_shown_a_way_they_may_not_go() -> None:
    owner = Actor(id="usr_1", name="Olu", roles=frozenset({Role.OFFER_OWNER}))
    assert "/search" not in {link.href for link in places_for(owner, "/")}


def test_an_offer_owner_who_types_the_address_of_the_search_is_refused(
    client: Client, person: People
) -> None:
    client.force_login(person(Role.OFFER_OWNER))
    assert client.get("/search?q=a").status_code == 403


def test_an_agent_finds_a_customer_by_a_part_of_their_label(
    client: Client, person: People, now: datetime
) -> None:
    for label in ("Household 12", "Household 31"):
        Customer.objects.create(
            kind="household", label=label, entry="panel", entered_at=now, created_at=now
        )
    client.force_login(person(Role.AGENT))
    page = client.get("/search?q=hold 12").content.decode()
    assert "Household 12" in page
    assert "Household 31" not in page
    part = client.get("/search?q=nobody", headers={"HX-Request": "true"}).content.decode()
    assert "Nobody you can see matches" in part
    assert "<html" not in part


def test_the_frame_of_a_page_costs_a_fixed_handful_of_queries(
    client: Client, person: People, company: None, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    client.force_login(person(Role.EXECUTIVE))
    # session, person, roles, company, dates with figures
    with django_assert_num_queries(5):
        client.get("/search")
