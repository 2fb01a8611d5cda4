"""A small retailer with managers, valued at quarter ends, whose customers change hands."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime

import polars as pl

from patronage.access.company import current
from patronage.access.models import User
from patronage.access.people import create_user
from patronage.access.ports import CustomersCreated, customers_created
from patronage.access.roles import SYSTEM, Actor, Role
from patronage.access.transactions import atomic
from patronage.differentiate.jobs import value
from patronage.differentiate.models import ValuationRun
from patronage.govern.actions import hand_over, set_up_portfolios
from patronage.identify.models import Customer

from ..differentiate.history import NOW, History, store

#: before the first purchase
START = datetime(2023, 12, 1, 5, tzinfo=UTC)
JUNE, SEPTEMBER, DECEMBER = date(2024, 6, 30), date(2024, 9, 30), date(2024, 12, 31)


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What the tests act in."""

    #: portfolio ids by name: Top (Ana's), New (Ben's)
    portfolios: dict[str, str]
    #: people by first name: ana, ben (managers), eve, zoe (executives), ada (administrator)
    people: dict[str, User]

    def actor(self, name: str) -> Actor:
        user = self.people[name]
        return Actor(id=user.id, name=user.name, roles=frozenset({_ROLES[name]}))


_ROLES = {
    "ana": Role.MANAGER,
    "ben": Role.MANAGER,
    "eve": Role.EXECUTIVE,
    "zoe": Role.EXECUTIVE,
    "ada": Role.ADMINISTRATOR,
    "gus": Role.AGENT,
}


def build(history: History) -> World:
    """Store the history, add the people, and let every customer enter with their first purchase."""
    store(history)
    people = {name: _person(name, role) for name, role in _ROLES.items()}
    made = set_up_portfolios(actor=SYSTEM, now=NOW, company=current().company, starts_at=START)
    first = history.lines.group_by("customer_id").agg(pl.col("ordered_at").min()).sort("ordered_at")
    rows = list(first.iter_rows())
    entering = [(customer_id, f"Household {customer_id[-4:]}", at) for customer_id, at in rows]
    with atomic():
        customers_created.announce(CustomersCreated(customers=entering, actor=SYSTEM, now=NOW))
        # Who shopped in the first week was there before recording began.
        panel = [customer_id for customer_id, at in rows if at < datetime(2024, 1, 8, tzinfo=UTC)]
        Customer.objects.filter(id__in=panel).update(entry="panel")
    return World(portfolios={each.name: each.id for each in made}, people=people)


def valued(as_of: date) -> ValuationRun:
    return value(actor=SYSTEM, now=NOW, as_of=as_of)


def hand(world: World, customer_ids: list[str], to: str, at: datetime) -> None:
    """Move customers to a portfolio from an instant on."""
    hand_over(
        actor=SYSTEM,
        now=at,
        customer_ids=customer_ids,
        to_portfolio_id=world.portfolios[to],
        reason="tests",
    )


def _person(name: str, role: Role) -> User:
    return create_user(
        actor=SYSTEM,
        now=NOW,
        email=f"{name}@example.com",
        name=name.title(),
        password="a long enough phrase",
        roles=[role],
        reason="tests",
    )
