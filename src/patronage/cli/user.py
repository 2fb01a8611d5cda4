"""`patronage user …`: who works here, and in which roles."""

from __future__ import annotations

import secrets
from pathlib import Path

from cyclopts import App

from patronage.access import people, reads, second_factor
from patronage.access.actor import open_roles
from patronage.access.errors import Refused
from patronage.access.models import User
from patronage.access.roles import Role
from patronage.cli.call import act_as, current
from patronage.cli.show import facts, rows, say
from patronage.cli.texts import text_of

app = App(name="user", help="Who works here, and in which roles.")


@app.command
def create(
    email: str,
    *,
    name: str,
    role: list[Role],
    password_file: Path | None = None,
    reason: str = "added from the command line",
) -> None:
    """Add a person.

    Parameters
    ----------
    email
        Address they log in with.
    name
        Name shown to others.
    role
        Role they start with; repeat the option for several.
    password_file
        File whose first line is the password; without it one is made and shown this once.
    reason
        Why; kept with the roles.
    """
    call = current()
    given = text_of(call.path(password_file)).splitlines()[:1] if password_file else []
    password = given[0] if given else secrets.token_urlsafe(12)
    user = people.create_user(
        actor=call.actor,
        now=call.clock(),
        email=email,
        name=name,
        password=password,
        roles=role,
        reason=reason,
        must_change_password=password_file is None,
    )
    shown = {} if password_file else {"password": password}
    facts("", {"id": user.id, "email": user.email, "roles": [each.value for each in role]} | shown)


@app.command
def grant(email: str, role: Role, *, reason: str = "granted from the command line") -> None:
    """Give a person another role.

    Parameters
    ----------
    email
        The person's address.
    role
        The role.
    reason
        Why; kept with the role.
    """
    call = current()
    person = act_as(email, call.clock())
    people.grant_role(
        actor=call.actor, now=call.clock(), user_id=person.id, role=role, reason=reason
    )
    say(f"{person.name} has the role {role.value}.")


@app.command
def revoke(email: str, role: Role, *, reason: str = "revoked from the command line") -> None:
    """End a person's role; their next request no longer has it.

    Parameters
    ----------
    email
        The person's address.
    role
        The role.
    reason
        Why; kept with the role.
    """
    call = current()
    person = act_as(email, call.clock())
    people.revoke_role(
        actor=call.actor, now=call.clock(), user_id=person.id, role=role, reason=reason
    )
    say(f"{person.name} no longer has the role {role.value}.")


@app.command
def close(email: str, *, reason: str) -> None:
    """Close a person's account; they can neither log in nor act, and what they did stays theirs.

    Parameters
    ----------
    email
        The person's address.
    reason
        Why.
    """
    call = current()
    person = _person(email)
    people.close_account(actor=call.actor, now=call.clock(), user_id=person.id, reason=reason)
    say(f"The account of {person.name} is closed.")


@app.command
def reopen(email: str, *, reason: str) -> None:
    """Reopen a person's account, with the roles that were not revoked.

    Parameters
    ----------
    email
        The person's address.
    reason
        Why.
    """
    call = current()
    person = _person(email)
    people.reopen_account(actor=call.actor, now=call.clock(), user_id=person.id, reason=reason)
    say(f"{person.name} can log in again.")


@app.command
def password(email: str, *, password_file: Path | None = None) -> None:
    """Give a person another password, to be changed at the next log-in.

    Parameters
    ----------
    email
        The person's address.
    password_file
        File whose first line is the password; without it one is made and shown this once.
    """
    call = current()
    person = _person(email)
    given = text_of(call.path(password_file)).splitlines()[:1] if password_file else []
    chosen = given[0] if given else secrets.token_urlsafe(12)
    people.set_password(actor=call.actor, now=call.clock(), user_id=person.id, password=chosen)
    facts("", {"email": person.email} | ({} if given else {"password": chosen}))


@app.command(name="remove-second-factor")
def remove_second_factor(email: str, *, reason: str) -> None:
    """Ask a person for no code any more, such as when their device is lost.

    Parameters
    ----------
    email
        The person's address.
    reason
        Why.
    """
    call = current()
    person = _person(email)
    second_factor.remove(actor=call.actor, now=call.clock(), user_id=person.id, reason=reason)
    say(f"{person.name} logs in with the password alone.")


@app.command(name="list")
def list_(*, search: str = "") -> None:
    """Name everybody who works here.

    Parameters
    ----------
    search
        A part of the name or of the address.
    """
    call = current()
    now = call.clock()
    found = reads.people(call.actor, search=search)
    rows("", [_row(user, sorted(open_roles(user, now))) for user in found])


def _person(email: str) -> User:
    """The person of an address, whether or not the account is open."""
    user = User.objects.filter(email=email.strip().lower()).first()
    if user is None:
        raise Refused(f"Nobody has the address {email!r}. `patronage user list` names everybody.")
    return user


def _row(user: User, roles: list[Role]) -> dict[str, object]:
    return {
        "email": user.email,
        "name": user.name,
        "roles": [role.value for role in roles],
        "active": user.is_active,
    }
