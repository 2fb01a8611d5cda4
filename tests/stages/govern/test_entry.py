"""New customers enter one portfolio, from their first event on, or are not created."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.db import IntegrityError, transaction

from patronage.access.checks import mandatory_ports
from patronage.access.company import current, load_company
from patronage.access.roles import SYSTEM, Role
from patronage.govern.actions import set_up_portfolios
from patronage.govern.errors import CannotAppoint, NoManagerYet, NotSetUp, StartsInFuture
from patronage.govern.models import Accountability, Membership, Portfolio, Standing
from patronage.identify.models import Customer

from .world import COMPANY, ENTERED, START, World, add_customers, add_person


def test_every_mandatory_port_is_handled() -> None:
    assert mandatory_ports() == []


def test_customers_enter_the_declared_portfolio_when_they_first_came(world: World) -> None:
    ids = add_customers(3, world.now)
    rows = Membership.objects.filter(customer_id__in=ids)
    assert {(row.portfolio_id, row.starts_at, row.cause) for row in rows} == {
        (world.portfolios["New"], ENTERED, "entry")
    }
    standing = Standing.objects.filter(customer_id__in=ids)
    assert {row.portfolio_id for row in standing} == {world.portfolios["New"]}
    assert rows.count() == standing.count() == 3
    assert {row.value_minor for row in standing} == {None}


def test_without_the_entry_portfolio_nobody_is_created(db: None, now: datetime) -> None:
    load_company(actor=SYSTEM, now=now, text=COMPANY, reason="tests")
    with pytest.raises(NotSetUp, match="patronage portfolio set-up"):
        add_customers(2, now)
    assert not Customer.objects.exists()


def test_nobody_enters_before_somebody_answers_for_them(world: World) -> None:
    early = START - timedelta(days=30)
    with pytest.raises(NoManagerYet, match=r"set-up.*start"):
        add_customers(1, world.now, entered_at=early)
    assert not Customer.objects.exists()
    set_up_portfolios(actor=SYSTEM, now=world.now, company=current().company, starts_at=early)
    assert len(add_customers(1, world.now, entered_at=early)) == 1


def test_nobody_enters_in_the_future(world: World) -> None:
    with pytest.raises(StartsInFuture):
        add_customers(1, world.now, entered_at=world.now + timedelta(seconds=1))
    assert not Customer.objects.exists()


def test_setting_up_again_changes_nothing(world: World) -> None:
    before = list(Accountability.objects.values_list("portfolio", "manager", "starts_at"))
    again = set_up_portfolios(
        actor=SYSTEM, now=world.now, company=current().company, starts_at=START
    )
    assert {each.name: each.id for each in again} == world.portfolios
    assert list(Accountability.objects.values_list("portfolio", "manager", "starts_at")) == before


def test_a_portfolio_is_created_with_its_manager_or_not_at_all(db: None, now: datetime) -> None:
    load_company(actor=SYSTEM, now=now, text=COMPANY, reason="tests")
    add_person("ana", Role.MANAGER, now)
    with pytest.raises(CannotAppoint, match=r"ben@example\.com"):
        set_up_portfolios(actor=SYSTEM, now=now, company=current().company, starts_at=START)
    assert not Portfolio.objects.exists()
    assert not Accountability.objects.exists()


def test_a_second_row_at_one_instant_cannot_be_written_even_by_hand(
    world: World, customer: str
) -> None:
    row = Membership.objects.get(customer_id=customer)
    row.pk, row.portfolio_id, row._state.adding = None, world.portfolios["Top"], True
    with pytest.raises(IntegrityError), transaction.atomic():
        row.save()
    manager = Accountability.objects.filter(portfolio_id=world.portfolios["Top"]).get()
    manager.pk, manager.manager_id = None, world.people["cho"].id
    manager._state.adding = True
    with pytest.raises(IntegrityError), transaction.atomic():
        manager.save()
    assert Membership.objects.filter(customer_id=customer).count() == 1
