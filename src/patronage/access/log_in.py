"""May this person try to log in from there again? Guessing is slowed down, not people."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from patronage.access import vault
from patronage.access.models import LogInFailure
from patronage.access.transactions import atomic

FAILURES_ALLOWED = 10
WITHIN = timedelta(minutes=15)
REFUSED_FOR = timedelta(minutes=15)
#: The same person from many addresses, and many persons from one address (an office behind one).
FAILURES_ALLOWED_PERSON = 50
FAILURES_ALLOWED_ADDRESS = 100
_KEPT_FOR = timedelta(days=1)


def log_in_allowed(email: str, address: str, now: datetime) -> bool:
    """Say whether a log-in may be tried; ask before looking at the password.

    After 10 failures within 15 minutes for one person from one address it is refused for 15
    minutes. Wider limits hold for a person from all addresses and for an address.
    """
    person, place = _digests(email, address)
    recent = LogInFailure.objects.filter(at__gt=now - WITHIN - REFUSED_FOR, at__lte=now)
    limits = (
        (recent.filter(person_digest=person, address_digest=place), FAILURES_ALLOWED),
        (recent.filter(person_digest=person), FAILURES_ALLOWED_PERSON),
        (recent.filter(address_digest=place), FAILURES_ALLOWED_ADDRESS),
    )
    return not any(
        _is_refused(list(failures.order_by("at").values_list("at", flat=True)), allowed, now)
        for failures, allowed in limits
    )


def record_failed_log_in(email: str, address: str, now: datetime) -> None:
    """Note a wrong password or an unknown person; forget what is older than a day."""
    person, place = _digests(email, address)
    with atomic():
        LogInFailure.objects.filter(at__lt=now - _KEPT_FOR).delete()
        LogInFailure.objects.create(person_digest=person, address_digest=place, at=now)


def record_log_in(email: str, address: str, now: datetime) -> None:
    """Note a log-in that succeeded: the person's failures from there no longer count."""
    person, place = _digests(email, address)
    with atomic():
        LogInFailure.objects.filter(
            person_digest=person, address_digest=place, at__lte=now
        ).delete()


def _is_refused(failures: Sequence[datetime], allowed: int, now: datetime) -> bool:
    """Whether some failure completed a series of `allowed` not long enough ago."""
    return any(
        last - first < WITHIN and now - last < REFUSED_FOR
        for first, last in zip(failures, failures[allowed - 1 :], strict=False)
    )


def _digests(email: str, address: str) -> tuple[str, str]:
    return vault.digest_of("log-in person", email), vault.digest_of("log-in address", address)
