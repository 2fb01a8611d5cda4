"""Accounts of organisations: trees with one director, whose parts may be delegated."""

from __future__ import annotations

from datetime import date, datetime

from ninja import Schema, Status
from pydantic import Field

from patronage.access.requests import CallerRequest
from patronage.govern import actions, reads
from patronage.govern.api.portfolios import CustomerRows
from patronage.govern.api.router import router
from patronage.govern.models import Account, AccountDelegation
from patronage.govern.reads.accounts import AccountRow, account_trees


class NewAccount(Schema):
    """An account on top of a new tree (with its portfolio) or under another (its parent)."""

    name: str = Field(max_length=100)
    portfolio_id: str = Field("", max_length=40)
    parent_id: str = Field("", max_length=40)
    reason: str = Field(max_length=400)


class OpenedAccount(Schema):
    """An account as it is called."""

    id: str
    name: str


class NewParent(Schema):
    """The account under which this one shall lie."""

    parent_id: str = Field(max_length=40)
    reason: str = Field(max_length=400)


class NewMembers(Schema):
    """Organisations that join the account, all or none."""

    customer_ids: list[str] = Field(min_length=1, max_length=10_000)
    reason: str = Field(max_length=400)


class Joined(Schema):
    """How many changed portfolio because the tree's portfolio holds them now."""

    moved: int


class Leaving(Schema):
    """Why the customer belongs to no account any more."""

    reason: str = Field(max_length=400)


class NewAccountDelegation(Schema):
    """A local manager who works with the account's customers, until a date or until ended."""

    manager_id: str = Field(max_length=40)
    reason: str = Field(max_length=400)
    #: last business date
    until: date | None = None


class DelegationRow(Schema):
    """Who helps with which account."""

    id: str
    account_id: str
    manager_id: str
    starts_at: datetime
    ends_at: datetime | None
    reason: str


@router.get("/accounts", response=list[AccountRow], summary="Show the trees of accounts")
def account_list(request: CallerRequest) -> list[AccountRow]:
    return account_trees(request.actor, request.now)


@router.post("/accounts", response={201: OpenedAccount}, summary="Open an account")
def open_account(request: CallerRequest, new: NewAccount) -> Status[Account]:
    return Status(201, actions.open_account(actor=request.actor, now=request.now, **new.dict()))


@router.get(
    "/accounts/{account_id}/customers",
    response=CustomerRows,
    summary="Show the customers of an account and of all under it",
)
def account_customers(
    request: CallerRequest,
    account_id: str,
    search: str = "",
    after: str | None = None,
    limit: int = 50,
) -> reads.Page:
    return reads.page_of_account(
        request.actor,
        request.now,
        account_id=account_id,
        search=search,
        after=after,
        limit=limit,
    )


@router.post(
    "/accounts/{account_id}/parents",
    response={201: OpenedAccount},
    summary="Put an account under another one of its tree",
)
def move_account(request: CallerRequest, account_id: str, new: NewParent) -> Status[Account]:
    moved = actions.move_account(
        actor=request.actor, now=request.now, account_id=account_id, **new.dict()
    )
    return Status(201, moved)


@router.post(
    "/accounts/{account_id}/members",
    response={201: Joined},
    summary="Let organisations belong to an account",
)
def join(request: CallerRequest, account_id: str, new: NewMembers) -> Status[dict[str, int]]:
    moved = actions.join_account(
        actor=request.actor, now=request.now, account_id=account_id, **new.dict()
    )
    return Status(201, {"moved": moved})


@router.post(
    "/customers/{customer_id}/account-leavings",
    response={204: None},
    summary="Let a customer belong to no account",
)
def leave(request: CallerRequest, customer_id: str, why: Leaving) -> Status[None]:
    actions.leave_account(
        actor=request.actor, now=request.now, customer_id=customer_id, reason=why.reason
    )
    return Status(204, None)


@router.post(
    "/accounts/{account_id}/delegations",
    response={201: DelegationRow},
    summary="Let a local manager work with an account's customers",
)
def delegate_account(
    request: CallerRequest, account_id: str, new: NewAccountDelegation
) -> Status[AccountDelegation]:
    made = actions.delegate_account(
        actor=request.actor, now=request.now, account_id=account_id, **new.dict()
    )
    return Status(201, made)


@router.post(
    "/account-delegations/{account_delegation_id}/ends",
    response={201: DelegationRow},
    summary="End an account's delegation early",
)
def end_delegation(
    request: CallerRequest, account_delegation_id: str, why: Leaving
) -> Status[AccountDelegation]:
    ended = actions.end_account_delegation(
        actor=request.actor, now=request.now, delegation_id=account_delegation_id, reason=why.reason
    )
    return Status(201, ended)
