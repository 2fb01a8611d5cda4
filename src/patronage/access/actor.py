"""Who is calling: from a logged-in person or an API key to the actor that rights are asked of."""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime, timedelta

from django.db.models import Q

from patronage.access.models import ApiKey, RoleGrant, User
from patronage.access.roles import Actor, Role

#: the last use of a key is kept to this
USE_KEPT_TO = timedelta(hours=1)


def actor_of_user(user: User, now: datetime) -> Actor:
    """Give the person as an actor with the roles open at `now`; a closed account has none."""
    return Actor(id=user.id, name=user.name, roles=open_roles(user, now))


def actor_of_key(raw_key: str, now: datetime) -> Actor | None:
    """Give the actor a key stands for; None for a key that is unknown or revoked.

    A person's key acts as that person, in the key's role, for as long as the person holds it.
    """
    digest = digest_of_key(raw_key)
    key = ApiKey.objects.select_related("user").filter(digest=digest).first()
    if key is None or not hmac.compare_digest(key.digest, digest):
        return None
    if key.revoked_at is not None and key.revoked_at <= now:
        return None
    role = Role(key.role)
    stale = key.last_used_at is None or now - key.last_used_at >= USE_KEPT_TO
    noted = key.id if stale else ""
    if key.user is None:
        return Actor(id=key.id, name=key.label, roles=frozenset({role}), key_to_note=noted)
    if role not in open_roles(key.user, now):
        return None
    name = f"{key.user.name} ({key.label})"[:200]
    return Actor(id=key.user.id, name=name, roles=frozenset({role}), key_to_note=noted)


def open_roles(user: User, now: datetime) -> frozenset[Role]:
    """Give the roles that a person holds at `now`."""
    if not user.is_active:
        return frozenset()
    grants = RoleGrant.objects.filter(Q(ends_at__isnull=True) | Q(ends_at__gt=now))
    held = grants.filter(user=user, starts_at__lte=now).values_list("role", flat=True)
    return frozenset(Role(role) for role in held)


def digest_of_key(raw_key: str) -> str:
    """Give what is kept of a key: it has 256 random bits, so one SHA-256 cannot be searched."""
    return hashlib.sha256(raw_key.encode("utf-8", "surrogatepass")).hexdigest()
