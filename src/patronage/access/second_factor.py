"""Does a person log in with a code from a device of theirs too? RFC 6238, with recovery codes."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime

import pyotp
from django.utils.translation import gettext as _

from patronage.access import audit, vault
from patronage.access.errors import NotFound, Refused
from patronage.access.models import RecoveryCode, SecondFactor, User
from patronage.access.roles import Actor, Right
from patronage.access.transactions import atomic

RECOVERY_CODES = 10
#: seconds that a code of a device lasts
STEP = 30
_ISSUER = "Patronage"
_VALUE = "totp"
#: a device's clock may be wrong by one step either way
_STEPS = (0, -1, 1)


class WrongCode(Refused):
    """The code is none of the device, or was used already."""

    def __init__(self) -> None:
        super().__init__(
            _(
                "This is not the code that your device shows now, or it was used already. Wait "
                "for the next one and try again."
            )
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolment:
    """What a device needs to know to make codes; shown to the person only."""

    #: the secret in base 32, to be typed where no picture can be taken
    secret: str
    #: the same as an `otpauth://` address
    address: str


def is_asked_for(user: User) -> bool:
    """Whether the person has to give a code to log in."""
    return SecondFactor.objects.filter(user=user, confirmed_at__isnull=False).exists()


def begin(*, actor: Actor, now: datetime) -> Enrolment:
    """Make the actor a new secret; codes are asked for once one was confirmed.

    Raises:
        Refused: the actor is no person, or has a second factor already.
    """
    with atomic():
        user = _person(actor.id)
        if is_asked_for(user):
            raise Refused(_("You log in with a second factor already. Remove it first."))
        secret = pyotp.random_base32()
        vault.put(user.id, _VALUE, secret, now)
        SecondFactor.objects.update_or_create(user=user, defaults={"begun_at": now, "last_step": 0})
    return _enrolment(user, secret)


def begun(actor: Actor) -> Enrolment | None:
    """The secret that the actor has not confirmed yet; None where none waits."""
    found = SecondFactor.objects.select_related("user").filter(
        user_id=actor.id, confirmed_at__isnull=True
    )
    factor = found.first()
    secret = vault.get(actor.id, _VALUE) if factor else None
    return None if factor is None or secret is None else _enrolment(factor.user, secret)


def confirm(*, actor: Actor, now: datetime, code: str) -> list[str]:
    """Ask for codes from now on; give the recovery codes, shown this once only.

    Raises:
        WrongCode: the code is not the device's.
        Refused: nothing was begun.
    """
    with atomic():
        user = _person(actor.id)
        factor = SecondFactor.objects.select_for_update().filter(user=user).first()
        if factor is None or factor.confirmed_at is not None:
            raise Refused(_("No second factor waits to be confirmed. Begin with a new one."))
        if not _take(factor, code, now):
            raise WrongCode
        factor.confirmed_at = now
        factor.save(update_fields=["confirmed_at"])
        _record(actor, now, "add second factor", user, was=False)
        return _new_codes(user)


def is_right(user: User, code: str, now: datetime) -> bool:
    """Take a code of the person's device, or a recovery code; each counts once."""
    code = "".join(code.split()).lower()
    with atomic():
        factor = SecondFactor.objects.select_for_update().filter(user=user).first()
        if factor is None or factor.confirmed_at is None:
            return False
        if _take(factor, code, now):
            return True
        digest = _digest(code)
        unused = RecoveryCode.objects.filter(user=user, digest=digest, used_at__isnull=True)
        return unused.update(used_at=now) == 1


def renew_recovery_codes(*, actor: Actor, now: datetime) -> list[str]:
    """Give the actor new recovery codes; the old ones no longer count.

    Raises:
        Refused: the actor has no second factor.
    """
    with atomic():
        user = _person(actor.id)
        if not is_asked_for(user):
            raise Refused(_("You have no second factor. Add one first."))
        _record(actor, now, "renew recovery codes", user)
        return _new_codes(user)


def recovery_codes_left(user_id: str) -> int:
    """How many recovery codes the person has not used."""
    return RecoveryCode.objects.filter(user_id=user_id, used_at__isnull=True).count()


def remove(*, actor: Actor, now: datetime, user_id: str, reason: str) -> None:
    """Ask for no code any more: the actor's own, or anybody's for an administrator.

    Raises:
        Refused: the person has no second factor.
    """
    is_own = actor.id == user_id
    if not is_own:
        actor.require(Right.ADMINISTER)
    with atomic():
        user = _person(user_id)
        if not is_asked_for(user):
            raise Refused(_("%(name)s has no second factor.") % {"name": user.name})
        SecondFactor.objects.filter(user=user).delete()
        RecoveryCode.objects.filter(user=user).delete()
        vault.forget(user.id, _VALUE)
        right = None if is_own else Right.ADMINISTER
        _record(actor, now, "remove second factor", user, right=right, reason=reason, was=True)


def _take(factor: SecondFactor, code: str, now: datetime) -> bool:
    secret = vault.get(factor.user_id, _VALUE)
    if secret is None:
        return False
    device, here = pyotp.TOTP(secret), int(now.timestamp()) // STEP
    for step in (here + away for away in _STEPS):
        shown = device.generate_otp(step).encode()
        same = hmac.compare_digest(shown, code.strip().encode("utf-8", "surrogatepass"))
        if same and step > factor.last_step:
            factor.last_step = step
            factor.save(update_fields=["last_step"])
            return True
    return False


def _new_codes(user: User) -> list[str]:
    RecoveryCode.objects.filter(user=user).delete()
    codes = [_readable(secrets.token_hex(10)) for _ in range(RECOVERY_CODES)]
    RecoveryCode.objects.bulk_create(
        RecoveryCode(user=user, digest=_digest(code)) for code in codes
    )
    return codes


def _readable(code: str) -> str:
    return "-".join(code[at : at + 5] for at in range(0, len(code), 5))


def _digest(code: str) -> str:
    """A code has 80 random bits, so one SHA-256 cannot be searched."""
    return hashlib.sha256(code.replace("-", "").encode("utf-8", "surrogatepass")).hexdigest()


def _enrolment(user: User, secret: str) -> Enrolment:
    address = pyotp.TOTP(secret).provisioning_uri(name=user.email, issuer_name=_ISSUER)
    return Enrolment(secret=secret, address=address)


def _person(user_id: str) -> User:
    user = User.objects.select_for_update().filter(pk=user_id).first()
    if user is None:
        raise NotFound(noun="person", id=user_id)
    return user


def _record(
    actor: Actor,
    now: datetime,
    action: str,
    user: User,
    *,
    right: Right | None = None,
    reason: str = "",
    was: bool | None = None,
) -> None:
    """Note it; `was`: whether the person had a second factor before, where that changes."""
    audit.record(
        actor=actor,
        now=now,
        action=action,
        subject_kind="person",
        subject_id=user.id,
        right=right,
        reason=reason,
        before={} if was is None else {"second_factor": was},
        change={} if was is None else {"second_factor": not was},
    )
