"""`patronage user …`: who works here, and in which roles."""

from __future__ import annotations

import secrets
from pathlib import Path

from cyclopts import App

from patronage.access import people, reads
from patronage.access.actor import open_roles
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


@app.command(name="list")
def list_() -> None:
    """Name everybody who works here."""
    call = current()
    now = call.clock()
    rows("", [_row(user, sorted(open_roles(user, now))) for user in reads.people(call.actor)])


def _row(user: User, roles: list[Role]) -> dict[str, object]:
    return {
        "email": user.email,
        "name": user.name,
        "roles": [role.value for role in roles],
        "active": user.is_active,
    }
