"""`patronage account …`: organisations that belong together."""

from __future__ import annotations

from datetime import date

from cyclopts import App

from patronage.access import company
from patronage.access.errors import NotFound
from patronage.cli.call import act_as, current
from patronage.cli.customer import id_of
from patronage.cli.portfolio import portfolio_id
from patronage.cli.show import rows, say
from patronage.govern import actions, reads
from patronage.govern.reads.accounts import account_trees
from patronage.vocabulary.money import Money

app = App(name="account", help="Organisations that belong together.")


@app.command(name="list")
def list_() -> None:
    """Show the trees of accounts: director, value of each account and of all under it, helpers."""
    call = current()
    currency = company.current().company.currency
    rows(
        "",
        [
            {
                "account": f"{'  ' * each.level}{each.name}",
                "director": each.director,
                "customers": each.customers,
                "value": Money(each.value_minor, currency),
                "tree_customers": each.tree_customers,
                "tree_value": Money(each.tree_value_minor, currency),
                "helpers": ", ".join(helper.manager for helper in each.helpers),
                "id": each.id,
            }
            for each in account_trees(call.actor, call.clock())
        ],
        empty="There is no account. Open one with `patronage account open`.",
    )


@app.command
def customers(account: str, *, search: str = "", limit: int = 50) -> None:
    """Show the customers of an account and of all under it, most valuable first.

    Parameters
    ----------
    account
        Name or id.
    search
        Part of a label, or what a source calls the customer.
    limit
        So many at most.
    """
    call = current()
    page = reads.page_of_account(
        call.actor,
        call.clock(),
        account_id=_account_id(account),
        search=search,
        limit=limit,
    )
    currency = company.current().company.currency
    rows(
        f"{page.total} customers",
        [
            {
                "customer": each.label,
                "value": None if each.value_minor is None else Money(each.value_minor, currency),
                "id": each.customer_id,
            }
            for each in page.rows
        ],
        empty="Nobody belongs to it. Add organisations with `patronage account join`.",
    )


@app.command(name="open")
def open_(name: str, *, reason: str, portfolio: str = "", parent: str = "") -> None:
    """Open an account: on top of a new tree, or under another account.

    Parameters
    ----------
    name
        What it is called.
    reason
        Why, for others to read.
    portfolio
        Name or id of the portfolio that holds a new tree.
    parent
        Name or id of the account that it lies under.
    """
    call = current()
    made = actions.open_account(
        actor=call.actor,
        now=call.clock(),
        name=name,
        reason=reason,
        portfolio_id=portfolio_id(portfolio) if portfolio else "",
        parent_id=_account_id(parent) if parent else "",
    )
    say(f"The account {made.name!r} is open ({made.id}).")


@app.command
def move(account: str, *, under: str, reason: str) -> None:
    """Put an account, with all that lies under it, under another one of its tree.

    Parameters
    ----------
    account
        Name or id.
    under
        Name or id of the account that it shall lie under.
    reason
        Why, for others to read.
    """
    call = current()
    actions.move_account(
        actor=call.actor,
        now=call.clock(),
        account_id=_account_id(account),
        parent_id=_account_id(under),
        reason=reason,
    )
    say("The account lies there now.")


@app.command
def join(account: str, *customers: str, reason: str) -> None:
    """Let organisations belong to an account; the tree's portfolio holds them from now on.

    Parameters
    ----------
    account
        Name or id.
    customers
        Ids, or what a source calls them.
    reason
        Why, for others to read.
    """
    call = current()
    moved = actions.join_account(
        actor=call.actor,
        now=call.clock(),
        account_id=_account_id(account),
        customer_ids=[id_of(each) for each in customers],
        reason=reason,
    )
    say(f"{len(customers)} joined; {moved} changed portfolio.")


@app.command
def leave(customer: str, *, reason: str) -> None:
    """Let a customer belong to no account any more.

    Parameters
    ----------
    customer
        Id, or what a source calls the customer.
    reason
        Why, for others to read.
    """
    call = current()
    actions.leave_account(
        actor=call.actor, now=call.clock(), customer_id=id_of(customer), reason=reason
    )
    say("The customer belongs to no account any more.")


@app.command
def delegate(account: str, *, to: str, reason: str, until: date | None = None) -> None:
    """Let a local manager work with an account's customers; its director stays accountable.

    Parameters
    ----------
    account
        Name or id.
    to
        E-mail address of the manager.
    reason
        Why, for others to read.
    until
        Last day; until it is ended without it.
    """
    call = current()
    made = actions.delegate_account(
        actor=call.actor,
        now=call.clock(),
        account_id=_account_id(account),
        manager_id=act_as(to, call.clock()).id,
        reason=reason,
        until=until,
    )
    say(f"{made.manager.name} works with {made.account.name!r} ({made.id}).")


@app.command(name="end-delegation")
def end_delegation(delegation: str, *, reason: str) -> None:
    """End a delegation before its time.

    Parameters
    ----------
    delegation
        Its id, as `account delegate` said it.
    reason
        Why, for others to read.
    """
    call = current()
    actions.end_account_delegation(
        actor=call.actor, now=call.clock(), delegation_id=delegation, reason=reason
    )
    say("The delegation is over.")


def _account_id(named: str) -> str:
    call = current()
    for each in account_trees(call.actor, call.clock()):
        if named in (each.id, each.name):
            return each.id
    raise NotFound(noun="account", id=named)
