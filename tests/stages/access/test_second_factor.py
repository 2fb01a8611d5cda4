"""Codes of a device beside the password: RFC 6238, each taken once, with a way back in."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pyotp
import pytest

from patronage.access import vault
from patronage.access.actor import actor_of_user
from patronage.access.errors import NotAllowed, Refused
from patronage.access.models import AuditEntry, RecoveryCode, SecondFactor, User, VaultEntry
from patronage.access.people import create_user
from patronage.access.roles import SYSTEM, Actor, Role
from patronage.access.second_factor import (
    RECOVERY_CODES,
    STEP,
    WrongCode,
    begin,
    begun,
    confirm,
    is_asked_for,
    is_right,
    recovery_codes_left,
    remove,
    renew_recovery_codes,
)

pytestmark = pytest.mark.django_db
HALF_MINUTE = timedelta(seconds=STEP)


@pytest.fixture
def mia(now: datetime) -> User:
    return create_user(
        actor=SYSTEM,
        now=now,
        email="mia@example.com",
        name="Mia",
        password="another long phrase",
        roles=[Role.AGENT],
        reason="joins",
    )


def code_at(secret: str, at: datetime) -> str:
    return pyotp.TOTP(secret).at(at)


def enrolled(user: User, now: datetime) -> tuple[str, list[str]]:
    """Add a device; give its secret and the recovery codes."""
    me = actor_of_user(user, now)
    secret = begin(actor=me, now=now).secret
    return secret, confirm(actor=me, now=now, code=code_at(secret, now))


@pytest.mark.parametrize(
    ("at", "code"),
    # RFC 6238, appendix B: SHA-1 and the secret "12345678901234567890", the last six digits
    [
        (59, "287082"),
        (1111111109, "081804"),
        (1111111111, "050471"),
        (1234567890, "005924"),
        (2000000000, "279037"),
        (20000000000, "353130"),
    ],
)
def test_codes_are_those_of_the_standard(mia: User, now: datetime, at: int, code: str) -> None:
    secret, _ = enrolled(mia, now)
    then = datetime.fromtimestamp(at, UTC)
    vault.put(mia.id, "totp", "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", now)
    mia.second_factor.last_step = 0
    mia.second_factor.save()
    assert secret
    assert is_right(mia, code, then)
    assert not is_right(mia, code, then + 4 * HALF_MINUTE)


def test_a_code_is_asked_for_only_once_a_device_was_confirmed(mia: User, now: datetime) -> None:
    me = actor_of_user(mia, now)
    assert begun(me) is None
    made = begin(actor=me, now=now)
    assert begun(me) == made
    assert made.address.startswith("otpauth://totp/Patronage:mia%40example.com?secret=")
    assert not is_asked_for(mia)
    with pytest.raises(WrongCode):
        confirm(actor=me, now=now, code="000000")
    assert not is_asked_for(mia)
    codes = confirm(actor=me, now=now, code=code_at(made.secret, now))
    assert is_asked_for(mia)
    assert len(set(codes)) == RECOVERY_CODES
    assert begun(me) is None
    with pytest.raises(Refused, match="already"):
        begin(actor=me, now=now)


def test_the_same_code_never_counts_twice(mia: User, now: datetime) -> None:
    secret, _ = enrolled(mia, now)
    assert not is_right(mia, code_at(secret, now), now)
    later = now + HALF_MINUTE
    assert is_right(mia, code_at(secret, later), later)
    assert not is_right(mia, code_at(secret, later), later)
    # nor does one from before it
    assert not is_right(mia, code_at(secret, now), later)


def test_a_devices_clock_may_be_wrong_by_half_a_minute_and_no_more(
    mia: User, now: datetime
) -> None:
    secret, _ = enrolled(mia, now)
    at = now + 10 * HALF_MINUTE
    assert not is_right(mia, code_at(secret, at + 2 * HALF_MINUTE), at)
    assert not is_right(mia, code_at(secret, at - 2 * HALF_MINUTE), at)
    assert is_right(mia, code_at(secret, at + HALF_MINUTE), at)


def test_a_recovery_code_lets_in_once_however_it_is_typed(mia: User, now: datetime) -> None:
    _, codes = enrolled(mia, now)
    assert is_right(mia, f" {codes[0].upper()} ", now)
    assert not is_right(mia, codes[0], now)
    assert is_right(mia, codes[1].replace("-", ""), now)
    assert recovery_codes_left(mia.id) == RECOVERY_CODES - 2
    fresh = renew_recovery_codes(actor=actor_of_user(mia, now), now=now)
    assert not is_right(mia, codes[2], now)
    assert is_right(mia, fresh[0], now)


@pytest.mark.parametrize("code", ["", "x", "12345", "ü" * 6, "\ud800", "0" * 10_000])
def test_what_is_no_code_lets_nobody_in(mia: User, now: datetime, code: str) -> None:
    enrolled(mia, now)
    assert not is_right(mia, code, now)


def test_neither_secret_nor_recovery_codes_are_readable_in_the_store(
    mia: User, now: datetime
) -> None:
    secret, codes = enrolled(mia, now)
    kept = f"{list(VaultEntry.objects.values())}{list(RecoveryCode.objects.values())}"
    kept += str(list(AuditEntry.objects.values()))
    assert secret not in kept
    assert not any(code in kept or code.replace("-", "") in kept for code in codes)


def test_it_is_removed_by_oneself_or_an_administrator_and_by_nobody_else(
    mia: User, administrator: Actor, now: datetime
) -> None:
    enrolled(mia, now)
    other = Actor(id="usr_other", name="Other", roles=frozenset(Role) - {Role.ADMINISTRATOR})
    with pytest.raises(NotAllowed):
        remove(actor=other, now=now, user_id=mia.id, reason="")
    remove(actor=administrator, now=now, user_id=mia.id, reason="lost her telephone")
    assert not is_asked_for(mia)
    assert not VaultEntry.objects.filter(subject_id=mia.id).exists()
    last = AuditEntry.objects.order_by("-id")[0]
    assert (last.action, last.right, last.role, last.reason) == (
        "remove second factor",
        "administer",
        "administrator",
        "lost her telephone",
    )
    with pytest.raises(Refused, match="no second factor"):
        remove(actor=administrator, now=now, user_id=mia.id, reason="")
    enrolled(mia, now)
    remove(actor=actor_of_user(mia, now), now=now, user_id=mia.id, reason="")
    assert AuditEntry.objects.order_by("-id")[0].right == ""


def test_without_the_memory_of_the_last_code_one_would_count_twice(
    mia: User, now: datetime
) -> None:
    """The broken twin."""
    secret, _ = enrolled(mia, now)
    assert not is_right(mia, code_at(secret, now), now)
    SecondFactor.objects.update(last_step=0)
    assert is_right(mia, code_at(secret, now), now)
