"""How often may a log-in fail? A brake on guessing, per account and per address."""

from __future__ import annotations

from hashlib import sha256

from django.core.cache import cache

from patronage.access.errors import Refused

WINDOW_SECONDS = 15 * 60
FAILURES_PER_ACCOUNT = 5
#: an office may share one address
FAILURES_PER_ADDRESS = 50


class TooManyAttempts(Refused):
    """Log-in failed too often; even the right password is not tried for a while."""

    def __init__(self) -> None:
        super().__init__(
            "Logging in failed too often for this account or from this network. "
            f"Wait {WINDOW_SECONDS // 60} minutes, or ask an administrator for a new password."
        )


def check_attempts(*, email: str, address: str) -> None:
    """Refuse when the account or the address has failed too often within the window.

    Raises:
        TooManyAttempts: wait, then try again.
    """
    for key, limit in _counters(email, address):
        if cache.get(key, 0) >= limit:
            raise TooManyAttempts


def count_failure(*, email: str, address: str) -> None:
    """Remember one failed log-in; the window starts at the first failure."""
    for key, _limit in _counters(email, address):
        if not cache.add(key, 1, WINDOW_SECONDS):
            cache.incr(key)


def forget_failures(*, email: str) -> None:
    """A right password clears its account, never the address it came from."""
    cache.delete(_account_key(email))


def _counters(email: str, address: str) -> tuple[tuple[str, int], ...]:
    return (
        (_account_key(email), FAILURES_PER_ACCOUNT),
        (f"login:address:{_digest(address)}", FAILURES_PER_ADDRESS),
    )


def _account_key(email: str) -> str:
    return f"login:account:{_digest(email.strip().lower())}"


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()
