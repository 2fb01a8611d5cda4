"""Was this request answered before? What is repeated has one effect and the same answer."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime

from django.utils.translation import gettext as _

from patronage.access.errors import Refused
from patronage.access.models import IdempotencyRecord
from patronage.access.transactions import atomic

_KEY_LENGTH = 200


class KeyReused(Refused):
    """The key came before, with another body."""

    def __init__(self, key: str) -> None:
        super().__init__(
            _(
                "The idempotency key %(key)r was used for a request with another body. Send a "
                "new key with a new request; repeat a request with its own."
            )
            % {"key": key}
        )


class BadKey(Refused):
    """The key cannot be kept."""

    def __init__(self, key: str) -> None:
        super().__init__(
            _(
                "An idempotency key has 1 to %(key_length)s printable characters; found "
                "%(length)s: %(key)r. Send a random one, such as a UUID."
            )
            % {"key_length": _KEY_LENGTH, "length": len(key), "key": key[:40]}
        )


def answer_once(
    caller_id: str, key: str, body: bytes, now: datetime, effect: Callable[[], tuple[int, str]]
) -> tuple[int, str]:
    """Run `effect` once for this caller and key; give its status and body each time.

    The effect and the note of its answer commit together. Of several requests at once, the
    first runs and the others wait for its answer; an effect that fails leaves no note.

    Raises:
        KeyReused: the key came before with another body; nothing was done.
        BadKey: the key is empty, too long or holds control characters.
    """
    if not 1 <= len(key) <= _KEY_LENGTH or not key.isprintable():
        raise BadKey(key)
    digest = hashlib.sha256(body).hexdigest()
    with atomic():
        # The unique pair makes a second request wait here until the first one has committed.
        note, first = IdempotencyRecord.objects.get_or_create(
            caller_id=caller_id,
            key=key,
            defaults={"body_digest": digest, "status": 0, "body": "", "recorded_at": now},
        )
        if first:
            note.status, note.body = effect()
            note.save(update_fields=["status", "body"])
    if note.body_digest != digest:
        raise KeyReused(key)
    return note.status, note.body
