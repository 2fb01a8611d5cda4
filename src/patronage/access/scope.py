"""Whose customers may this actor see? Every read of customers starts here; nothing by default."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from django.db.models import Model, Q, QuerySet

from patronage.access.ports import Question
from patronage.access.roles import IN_CHARGE, SYSTEM_ID, Actor, reaching_all_customers

M = TypeVar("M", bound=Model)

_SEE_EVERYBODY = reaching_all_customers()


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Every customer, or those of some portfolios and accounts, or (neither) nobody."""

    #: whether no customer is out of sight
    everything: bool = False
    #: the portfolios whose customers are in sight
    portfolio_ids: frozenset[str] = frozenset()
    #: the accounts whose customers are in sight beside those
    account_ids: frozenset[str] = frozenset()

    def __or__(self, other: Scope) -> Scope:
        return Scope(
            everything=self.everything or other.everything,
            portfolio_ids=self.portfolio_ids | other.portfolio_ids,
            account_ids=self.account_ids | other.account_ids,
        )

    @property
    def nothing(self) -> bool:
        """Whether no customer is in sight."""
        return not (self.everything or self.portfolio_ids or self.account_ids)

    def holds(self, portfolio_id: str) -> bool:
        """Whether the customers of this portfolio are in sight."""
        return self.everything or portfolio_id in self.portfolio_ids


#: The portfolios a manager is accountable for at an instant; the room of portfolios answers.
customer_scope: Question[[Actor, datetime], Scope] = Question("customer_scope")
#: The condition on customers that a scope means; the room that keeps their standing answers.
visible_customers: Question[[Scope], Q] = Question("visible_customers")
#: Id and name of the portfolios that a scope holds, in their order; the same room answers.
portfolio_names: Question[[Scope], Sequence[tuple[str, str]]] = Question("portfolio_names")
#: Customer, portfolio and start of every membership that began before an instant; the same room
#: answers.
memberships_until: Question[[datetime], Sequence[tuple[str, str, datetime]]] = Question(
    "memberships_until"
)


def scope_of(actor: Actor, now: datetime) -> Scope:
    """Give the union of what the actor's roles let them see at `now`."""
    if actor.id == SYSTEM_ID or actor.roles & _SEE_EVERYBODY:
        return Scope(everything=True)
    if actor.roles & IN_CHARGE:
        return customer_scope.ask(actor, now)
    return Scope()


def visible(customers: QuerySet[M], actor: Actor, now: datetime) -> QuerySet[M]:
    """Narrow a query on customers to those the actor may see at `now`."""
    scope = scope_of(actor, now)
    if scope.everything:
        return customers
    if scope.nothing:
        return customers.none()
    condition: Any = visible_customers.ask(scope)
    return customers.filter(condition)
