"""Which person here is it whom the company's log-in service has let in?"""

from __future__ import annotations

from datetime import datetime

from django.utils.translation import gettext as _

from patronage.access import audit
from patronage.access.actor import actor_of_user
from patronage.access.errors import Refused
from patronage.access.models import OpenIdLink, User
from patronage.access.transactions import atomic, take_turns


class NoAccount(Refused):
    """The log-in service knows somebody for whom nobody made an account here."""

    def __init__(self) -> None:
        super().__init__(
            _(
                "There is no open account here for who you are at the log-in service. Ask an "
                "administrator to add you with the e-mail address you have there."
            )
        )


def person_of(
    *, now: datetime, issuer: str, subject: str, email: str, is_email_verified: bool
) -> User:
    """Give the person whom the service calls `subject`.

    At the first log-in they are found by an e-mail address that the service has verified; from
    then on by `subject`, whatever their address becomes.

    Raises:
        NoAccount: nobody here is that person, or their account is closed.
    """
    with atomic():
        take_turns("people")
        link = OpenIdLink.objects.select_related("user").filter(issuer=issuer, subject=subject)
        known = link.first()
        user = known.user if known else _by_address(email, is_email_verified)
        if user is None or not user.is_active:
            raise NoAccount
        if known is None:
            OpenIdLink.objects.create(user=user, issuer=issuer, subject=subject, linked_at=now)
            audit.record(
                actor=actor_of_user(user, now),
                now=now,
                action="link log-in service",
                subject_kind="person",
                subject_id=user.id,
                right=None,
                before={},
                change={"issuer": issuer},
            )
    return user


def _by_address(email: str, is_verified: bool) -> User | None:
    if not is_verified or not email:
        return None
    return User.objects.filter(email=email.strip().lower()).first()
