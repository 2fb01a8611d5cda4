"""`patronage key …`: what other systems call with."""

from __future__ import annotations

from datetime import timedelta

from cyclopts import App

from patronage.access import keys, reads
from patronage.access.models import User
from patronage.access.roles import Role
from patronage.cli.call import act_as, current
from patronage.cli.show import facts, rows, say

app = App(name="key", help="What other systems call with.")


@app.command
def create(label: str, *, role: Role = Role.SERVICE, person: str | None = None) -> None:
    """Make a key; it is shown this once.

    Parameters
    ----------
    label
        What calls with it, such as "web shop".
    role
        The role it has.
    person
        Address of the person it acts for; a system's own key without it.
    """
    call = current()
    now = call.clock()
    user = User.objects.get(pk=act_as(person, now).id) if person else None
    key, raw = keys.create_key(actor=call.actor, now=now, label=label, role=role, user=user)
    facts("", {"id": key.id, "label": key.label, "role": key.role, "key": raw})


@app.command
def rotate(key: str, *, reason: str, overlap_hours: int = 0) -> None:
    """Make a key in the place of another; it is shown this once.

    Parameters
    ----------
    key
        Id of the key to replace, as `patronage key list` shows it.
    reason
        Why.
    overlap_hours
        How long the old key still opens.
    """
    call = current()
    made, raw = keys.rotate_key(
        actor=call.actor,
        now=call.clock(),
        key_id=key,
        reason=reason,
        overlap=timedelta(hours=overlap_hours),
    )
    facts("", {"id": made.id, "label": made.label, "role": made.role, "key": raw})


@app.command
def revoke(key: str, *, reason: str) -> None:
    """End a key; the next call with it is refused.

    Parameters
    ----------
    key
        The key's id, as `patronage key list` shows it.
    reason
        Why.
    """
    call = current()
    keys.revoke_key(actor=call.actor, now=call.clock(), key_id=key, reason=reason)
    say(f"{key} no longer opens anything.")


@app.command(name="list")
def list_() -> None:
    """Name the keys, without the keys themselves."""
    rows(
        "",
        [
            {
                "id": key.id,
                "label": key.label,
                "role": key.role,
                "person": key.user.email if key.user else None,
                "created_at": key.created_at,
                "last_used_at": key.last_used_at,
                "revoked_at": key.revoked_at,
            }
            for key in reads.keys(current().actor)
        ],
        empty="There is no key yet. Make one with `patronage key create`.",
    )
