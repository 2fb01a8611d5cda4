"""Which contacts does this sender take, so that no other sender takes them too?

A contact that waits is leased; one whose sender is gone is taken over: its channel shuts the old
token out and says what became of it, before the new lease commits.
"""

from __future__ import annotations

import secrets
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Q

from patronage.access.transactions import atomic
from patronage.customize.models import Contact
from patronage.interact.channels import Channel, Found, Takeover

#: A sender that has not finished a batch after so long is taken for gone.
LEASE: Final = timedelta(minutes=10)
#: SQLite takes about 32,000 values in one statement; a batch also bounds how long rows are locked.
AT_ONCE: Final = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """Contacts that this sender alone may send."""

    #: fencing token
    token: str
    #: ids in ascending order
    contact_ids: tuple[str, ...]
    #: what became of those that another sender had leased before
    found: Mapping[str, Found]


def take_some(
    *, at: datetime, now: datetime, after: str, channels: Mapping[str, Channel]
) -> Lease | None:
    """Lease the next contacts that are due, by id after `after`; None when there are none.

    Args:
        at: business instant: what is due by then is taken.
        now: the clock's instant: leases that ended by then are taken over.
    """
    waits = Q(state="queued", due_at__lte=at) | in_doubt(now)
    with atomic():
        rows = list(
            Contact.objects.select_for_update(skip_locked=True)
            .filter(waits, pk__gt=after)
            .order_by("pk")
            .values_list("pk", "state", "channel", "lease_token", "due_at")[:AT_ONCE]
        )
        if not rows:
            return None
        lost = [row[2:] + row[:1] for row in rows if row[1] == "sending"]
        found = _take_over(lost, channels)
        ids = tuple(row[0] for row in rows)
        token = secrets.token_hex(16)
        Contact.objects.filter(pk__in=ids).update(
            state="sending", state_at=at, lease_token=token, lease_until=now + LEASE
        )
    return Lease(token=token, contact_ids=ids, found=found)


def in_doubt(now: datetime) -> Q:
    """Contacts that a sender took and never said how they ended."""
    return Q(state="sending", lease_until__lte=now)


def _take_over(
    lost: list[tuple[str, str, datetime, str]], channels: Mapping[str, Channel]
) -> dict[str, Found]:
    by_channel: dict[str, list[tuple[str, datetime, str]]] = defaultdict(list)
    for name, token, due_at, contact_id in lost:
        by_channel[name].append((token, due_at, contact_id))
    found: dict[str, Found] = {}
    for name, rows in by_channel.items():
        ids = frozenset(contact_id for _, _, contact_id in rows)
        channel = channels.get(name)
        if channel is None:
            # Nobody can say any more whether it went out.
            found.update(dict.fromkeys(ids, "unknown"))
            continue
        takeover = Takeover(
            tokens=frozenset(token for token, _, _ in rows),
            contact_ids=ids,
            since=min(due_at for _, due_at, _ in rows),
        )
        found.update(channel.take_over(takeover))
    return found
