"""Whose customers an actor sees: nothing by default, the union of the roles otherwise."""

from __future__ import annotations

from datetime import datetime

import pytest
from django.db.models import Q

from patronage.access.models import User
from patronage.access.ports import (
    CustomersCreated,
    Port,
    PortUnhandled,
    Question,
    customers_created,
    require_handlers,
)
from patronage.access.roles import SYSTEM, Actor, Role
from patronage.access.scope import Scope, customer_scope, scope_of, visible, visible_customers

MINE = Scope(portfolio_ids=frozenset({"prt_1"}))


def acting(*roles: Role) -> Actor:
    return Actor(id="usr_1", name="X", roles=frozenset(roles))


@pytest.mark.parametrize("role", [Role.EXECUTIVE, Role.ANALYST, Role.AGENT, Role.SERVICE])
def test_these_roles_see_everybody(role: Role, now: datetime) -> None:
    assert scope_of(acting(role), now) == Scope(everything=True)


@pytest.mark.parametrize("roles", [(), (Role.ADMINISTRATOR,), (Role.OFFER_OWNER,)])
def test_these_roles_see_nobody(roles: tuple[Role, ...], now: datetime) -> None:
    assert scope_of(acting(*roles), now).nothing


def test_jobs_see_everybody(now: datetime) -> None:
    assert scope_of(SYSTEM, now).everything


def test_a_manager_sees_the_portfolios_the_higher_room_names(now: datetime) -> None:
    asked: list[tuple[Actor, datetime]] = []

    def answer(actor: Actor, at: datetime) -> Scope:
        asked.append((actor, at))
        return MINE

    with customer_scope.answered_by(answer):
        scope = scope_of(acting(Role.MANAGER, Role.OFFER_OWNER), now)
        both = scope_of(acting(Role.MANAGER, Role.ANALYST), now)
    assert scope == MINE
    assert scope.holds("prt_1")
    assert not scope.holds("prt_2")
    assert both.everything
    assert asked == [(acting(Role.MANAGER, Role.OFFER_OWNER), now)]


def test_scopes_join() -> None:
    other = Scope(portfolio_ids=frozenset({"prt_2"}))
    assert (MINE | other).portfolio_ids == {"prt_1", "prt_2"}
    assert (MINE | Scope(everything=True)).everything
    assert (Scope() | Scope()).nothing


@pytest.mark.django_db
def test_a_query_is_narrowed_to_the_scope(administrator_user: User, now: datetime) -> None:
    people = User.objects.all()
    names_mine = visible_customers.answered_by(lambda scope: Q(name__in=scope.portfolio_ids))
    in_charge = customer_scope.answered_by(
        lambda actor, at: Scope(portfolio_ids=frozenset({actor.name}))
    )
    with names_mine, in_charge:
        ada = Actor(id="usr_1", name="Ada", roles=frozenset({Role.MANAGER}))
        assert list(visible(people, ada, now)) == [administrator_user]
        assert not visible(people, acting(Role.MANAGER), now).exists()
    assert list(visible(people, acting(Role.AGENT), now)) == [administrator_user]
    assert not visible(people, acting(Role.ADMINISTRATOR), now).exists()


def test_every_handler_hears_in_order_and_registering_twice_changes_nothing() -> None:
    heard: list[str] = []
    port: Port[str] = Port("heard")

    def first(event: str) -> None:
        heard.append(f"first {event}")

    port.register(first)
    port.register(lambda event: heard.append(f"second {event}"))
    port.register(first)
    port.announce("x")
    assert heard == ["first x", "second x"]


def test_an_optional_port_may_go_unheard() -> None:
    port: Port[str] = Port("unheard")
    port.announce("x")


def test_a_mandatory_port_without_handler_stops_the_change_and_the_start(now: datetime) -> None:
    event = CustomersCreated(customers=[("cus_1", "Household 1", now)], actor=SYSTEM, now=now)
    with customers_created.handled_by():
        with pytest.raises(PortUnhandled, match="customers_created"):
            customers_created.announce(event)
        with pytest.raises(PortUnhandled, match="INSTALLED_APPS"):
            require_handlers()


def test_a_system_check_names_each_mandatory_port_without_handler() -> None:
    from patronage.access.checks import mandatory_ports

    with customers_created.handled_by(), customer_scope.answered_by(None):
        named = [error.msg for error in mandatory_ports()]
    assert any("customers_created" in message for message in named)
    assert any("customer_scope" in message for message in named)
    assert not any("consent_withdrawn" in message for message in named)


def test_a_question_has_one_answerer() -> None:
    question: Question[[int], int] = Question("double", mandatory=False)
    with pytest.raises(PortUnhandled):
        question.ask(2)
    question.register(lambda n: 2 * n)
    assert question.ask(2) == 4
    with pytest.raises(ValueError, match="already has a handler"):
        question.register(lambda n: 3 * n)
