"""A small retailer with managers, valued at quarter ends, whose customers change hands."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import polars as pl

from patronage.access import datasets
from patronage.access.company import current
from patronage.access.models import User
from patronage.access.people import create_user
from patronage.access.ports import CustomersCreated, customers_created
from patronage.access.roles import SYSTEM, Actor, Role
from patronage.access.transactions import atomic
from patronage.differentiate.jobs import value
from patronage.differentiate.models import ValuationRun
from patronage.differentiate.reads import valuations
from patronage.govern.actions import hand_over, set_up_portfolios
from patronage.identify.models import Customer
from patronage.steer.jobs import draft_statement
from patronage.steer.models import Statement

from ..differentiate.history import NOW, History, commit, store

#: before the first purchase
START = datetime(2023, 12, 1, 5, tzinfo=UTC)
#: within the third quarter of 2024
IN_JULY = datetime(2024, 7, 20, 15, tzinfo=UTC)
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


def valued(as_of: date, now: datetime = NOW) -> ValuationRun:
    return value(actor=SYSTEM, now=now, as_of=as_of)


def drafted(as_of: date, by: Actor = SYSTEM) -> Statement:
    return draft_statement(actor=by, now=NOW, as_of=as_of)


def best_of(run: ValuationRun, count: int) -> list[str]:
    """The most valuable customers of a valuation."""
    frame = valuations(run).sort("value_minor", "customer_id", descending=True)
    found: list[str] = frame["customer_id"].head(count).to_list()
    return found


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


def revalued(as_of: date, late: pl.DataFrame) -> ValuationRun:
    """Value a date again, a minute later, after a line came late."""
    known = datasets.warehouse().polars(datasets.read("order_lines"))
    commit("order_lines", pl.concat([known, late], how="diagonal_relaxed"))
    return valued(as_of, NOW + timedelta(minutes=1))
