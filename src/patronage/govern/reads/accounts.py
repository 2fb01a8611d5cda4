"""What is each tree of accounts worth, who directs it, and who helps where?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Sum

from patronage.access.errors import NotFound
from patronage.access.roles import Actor, Right
from patronage.access.scope import scope_of
from patronage.govern import accounts
from patronage.govern.models import AccountDelegation
from patronage.govern.reads.portfolios import in_charge_of
from patronage.govern.service_tiers import MOMENT
from patronage.identify.models import THERE, Customer


@dataclass(frozen=True, slots=True, kw_only=True)
class Helper:
    """A local manager to whom an account's customers are delegated."""

    id: str
    manager_id: str
    manager: str
    starts_at: datetime
    #: exclusive; None: until it is ended
    ends_at: datetime | None
    reason: str

    @property
    def last_instant(self) -> datetime | None:
        """An instant of the last day; None: until it is ended."""
        return None if self.ends_at is None else self.ends_at - MOMENT


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountRow:
    """An account in its tree; money in minor units."""

    id: str
    name: str
    parent_id: str | None
    #: 0 for the account on top of a tree
    level: int
    #: the one person who answers for the whole tree
    director: str
    portfolio_id: str
    portfolio: str
    #: in this account itself
    customers: int
    #: of those whose value is known
    value_minor: int
    #: in it and all that lie under it, each customer once
    tree_customers: int
    tree_value_minor: int
    helpers: tuple[Helper, ...]


def account_trees(actor: Actor, now: datetime) -> list[AccountRow]:
    """Give the trees whose portfolio is in scope and the parts delegated to the actor.

    Each tree from its top down, by name; what a row sums up lies in the rows under it.

    Raises:
        NotAllowed: the actor may not see profitability.
    """
    actor.require(Right.SEE_PROFITABILITY)
    scope = scope_of(actor, now)
    trees = accounts.trees_at(now)
    seen = [
        key
        for key in trees.accounts
        if key in scope.account_ids or scope.holds(trees.root(key).portfolio_id or "")
    ]
    own = _own(seen)
    helpers = _helpers(seen, now)
    roots = {trees.root(key).portfolio_id or "" for key in seen}
    charge = {each.id: each for each in in_charge_of(roots, now)}
    rows = []
    for key in sorted(
        seen, key=lambda each: [trees.accounts[k].name for k in trees.path(each)][::-1]
    ):
        below = [own.get(each, (0, 0)) for each in trees.below([key])]
        portfolio = charge[trees.root(key).portfolio_id or ""]
        rows.append(
            AccountRow(
                id=key,
                name=trees.accounts[key].name,
                parent_id=trees.parent.get(key),
                level=len(trees.path(key)) - 1,
                director=portfolio.manager,
                portfolio_id=portfolio.id,
                portfolio=portfolio.name,
                customers=own.get(key, (0, 0))[0],
                value_minor=own.get(key, (0, 0))[1],
                tree_customers=sum(count for count, _ in below),
                tree_value_minor=sum(value for _, value in below),
                helpers=tuple(helpers.get(key, ())),
            )
        )
    return rows


def account(actor: Actor, now: datetime, account_id: str) -> AccountRow:
    """Give one of them.

    Raises:
        NotAllowed: the actor may not see profitability.
        NotFound: absent or outside the actor's scope, which look the same.
    """
    for each in account_trees(actor, now):
        if each.id == account_id:
            return each
    raise NotFound(noun="account", id=account_id)


def places_for(actor: Actor, now: datetime, account_id: str) -> list[AccountRow]:
    """Give the accounts that it may be put under: of its own tree, not under it, not where it is.

    Raises:
        NotAllowed: the actor may not see profitability.
        NotFound: absent or outside the actor's scope, which look the same.
    """
    here, trees = account(actor, now, account_id), accounts.trees_at(now)
    if here.parent_id is None:
        return []
    root, under = trees.root(here.id).id, trees.below([here.id])
    return [
        each
        for each in account_trees(actor, now)
        if trees.root(each.id).id == root and each.id not in under and each.id != here.parent_id
    ]


def _own(account_ids: list[str]) -> dict[str, tuple[int, int]]:
    """Customers and value of each account itself; nobody is in two."""
    there = accounts.members_of(account_ids).filter(customer__in=Customer.objects.filter(THERE))
    summed = there.values_list("account_id").annotate(
        number=Count("pk"), minor=Sum("customer__standing__value_minor")
    )
    return {key: (number, int(minor or 0)) for key, number, minor in summed}


def _helpers(account_ids: list[str], now: datetime) -> dict[str, list[Helper]]:
    found: dict[str, list[Helper]] = {}
    lasting = accounts.lasting(AccountDelegation.objects.filter(account__in=account_ids), now)
    for each in lasting.select_related("manager").order_by("starts_at", "id"):
        found.setdefault(each.account_id, []).append(
            Helper(
                id=each.id,
                manager_id=each.manager_id,
                manager=each.manager.name,
                starts_at=each.starts_at,
                ends_at=each.ends_at,
                reason=each.reason,
            )
        )
    return found
