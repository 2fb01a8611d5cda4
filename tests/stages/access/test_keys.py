"""Keys of other systems: replaced with an overlap, and when they were let in last."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from patronage.access.actor import actor_of_key
from patronage.access.errors import NotAllowed, NotFound, Refused
from patronage.access.keys import create_key, note_use, revoke_key, rotate_key
from patronage.access.models import ApiKey, AuditEntry
from patronage.access.roles import Actor, Role

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


def shop(administrator: Actor, now: datetime) -> tuple[ApiKey, str]:
    return create_key(actor=administrator, now=now, label="shop", role=Role.SERVICE)


def test_a_replaced_key_goes_on_for_the_overlap_and_no_longer(
    administrator: Actor, now: datetime
) -> None:
    old, raw = shop(administrator, now)
    new, fresh = rotate_key(
        actor=administrator, now=now, key_id=old.id, reason="yearly", overlap=24 * HOUR
    )
    assert (new.label, new.role, new.replaces_id) == ("shop", Role.SERVICE, old.id)
    assert actor_of_key(raw, now + 23 * HOUR) is not None
    assert actor_of_key(raw, now + 24 * HOUR) is None
    acting = actor_of_key(fresh, now + 24 * HOUR)
    assert acting is not None
    assert acting.id == new.id
    row = AuditEntry.objects.get(action="rotate key")
    assert row.change["replaced_by"] == new.id
    assert row.before == {"revoked_at": None}


def test_a_key_is_replaced_once(administrator: Actor, now: datetime) -> None:
    old, _ = shop(administrator, now)
    rotate_key(actor=administrator, now=now, key_id=old.id, reason="yearly")
    with pytest.raises(Refused, match="revoked or replaced"):
        rotate_key(actor=administrator, now=now, key_id=old.id, reason="again")
    assert ApiKey.objects.count() == 2


def test_an_overlap_can_be_cut_short(administrator: Actor, now: datetime) -> None:
    old, raw = shop(administrator, now)
    rotate_key(actor=administrator, now=now, key_id=old.id, reason="x", overlap=24 * HOUR)
    revoke_key(actor=administrator, now=now + HOUR, key_id=old.id, reason="leaked")
    assert actor_of_key(raw, now + HOUR) is None


@pytest.mark.parametrize("overlap", [-HOUR, timedelta(days=31)])
def test_an_overlap_out_of_range_is_refused(
    administrator: Actor, now: datetime, overlap: timedelta
) -> None:
    old, _ = shop(administrator, now)
    with pytest.raises(Refused, match="0 to 30 days"):
        rotate_key(actor=administrator, now=now, key_id=old.id, reason="x", overlap=overlap)


def test_nobody_replaces_anothers_key(administrator: Actor, now: datetime) -> None:
    old, _ = shop(administrator, now)
    other = Actor(id="usr_x", name="X", roles=frozenset(Role) - {Role.ADMINISTRATOR})
    with pytest.raises(NotAllowed):
        rotate_key(actor=other, now=now, key_id=old.id, reason="x")
    with pytest.raises(NotFound):
        rotate_key(actor=administrator, now=now, key_id="key_absent", reason="x")


def test_the_last_use_is_kept_to_the_hour(administrator: Actor, now: datetime) -> None:
    key, raw = shop(administrator, now)

    def use(at: datetime) -> datetime | None:
        acting = actor_of_key(raw, at)
        assert acting is not None
        note_use(acting, at)
        key.refresh_from_db()
        return key.last_used_at

    assert use(now) == now
    assert use(now + HOUR / 2) == now
    assert use(now + HOUR) == now + HOUR
