"""How do accounts lie under each other, and whose customers are in them? Trees are small.

A room of its own because the scope, rules, actions and reads must mean the same by a tree.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import polars as pl
from django.db.models import Q, QuerySet

from patronage.govern.models import Account, AccountDelegation, AccountMember, AccountPlace

#: the deepest tree that is built
MOST_LEVELS: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Trees:
    """Every account with its parent at an instant."""

    #: by id
    accounts: dict[str, Account]
    #: id of the parent by id; accounts on top are missing
    parent: dict[str, str]

    def root(self, account_id: str) -> Account:
        """The account on top of its tree."""
        return self.accounts[self.path(account_id)[-1]]

    def path(self, account_id: str) -> list[str]:
        """From the account up to the one on top."""
        steps = [account_id]
        while steps[-1] in self.parent and len(steps) <= MOST_LEVELS:
            steps.append(self.parent[steps[-1]])
        return steps

    def names_down_to(self, account_id: str) -> list[str]:
        """From the name on top down to the account's own: sorts a tree as it is read."""
        return [self.accounts[key].name for key in reversed(self.path(account_id))]

    def below(self, account_ids: Sequence[str]) -> set[str]:
        """These accounts and all that lie under them."""
        wanted = set(account_ids)
        return {key for key in self.accounts if wanted.intersection(self.path(key))}


def lasting(rows: QuerySet[Any], instant: datetime) -> QuerySet[Any]:
    """The rows that last at the instant."""
    return rows.filter(Q(ends_at__isnull=True) | Q(ends_at__gt=instant), starts_at__lte=instant)


def trees_at(instant: datetime) -> Trees:
    """All accounts as they lie at the instant."""
    places = lasting(AccountPlace.objects.all(), instant)
    return Trees(
        accounts={each.id: each for each in Account.objects.all()},
        parent=dict(places.values_list("account_id", "parent_id")),
    )


def delegated_to(person_id: str, instant: datetime) -> set[str]:
    """Ids of the accounts whose customers were delegated to a person, all below them included."""
    mine = lasting(AccountDelegation.objects.filter(manager=person_id), instant)
    ids = list(mine.values_list("account_id", flat=True))
    return trees_at(instant).below(ids) if ids else set()


def members_of(account_ids: Collection[str]) -> QuerySet[AccountMember]:
    """Who belongs to these accounts now."""
    return AccountMember.objects.filter(ends_at__isnull=True, account__in=account_ids)


def with_account(customers: pl.DataFrame, instant: datetime) -> pl.DataFrame:
    """Add `account` and `account_root`, names at the instant; empty for who is in none: known.

    Args:
        customers: with `customer_id`, in an order that stays.
    """
    rows = lasting(AccountMember.objects.all(), instant).values_list("customer_id", "account_id")
    told = _named(list(rows), instant)
    frame = pl.DataFrame(
        [(key, *names) for key, names in told.items()],
        schema=dict.fromkeys(("customer_id", "account", "account_root"), pl.String),
        orient="row",
    )
    joined = customers.join(frame, on="customer_id", how="left", maintain_order="left")
    return joined.with_columns(pl.col("account", "account_root").fill_null(""))


def of_some(customer_ids: Sequence[str], instant: datetime) -> dict[str, dict[str, str]]:
    """The same fields of some customers, by id."""
    rows = lasting(AccountMember.objects.filter(customer__in=customer_ids), instant)
    told = _named(list(rows.values_list("customer_id", "account_id")), instant)
    nothing = ("", "")
    return {
        key: dict(zip(("account", "account_root"), told.get(key, nothing), strict=True))
        for key in customer_ids
    }


def _named(rows: list[tuple[str, str]], instant: datetime) -> dict[str, tuple[str, str]]:
    if not rows:
        return {}
    trees = trees_at(instant)
    names = {key: (each.name, trees.root(key).name) for key, each in trees.accounts.items()}
    return {customer_id: names[account_id] for customer_id, account_id in rows}
