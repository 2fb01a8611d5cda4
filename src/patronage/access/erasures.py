"""How is somebody forgotten everywhere, for good, and how is that proved?

One transaction: every room removes what it holds (`customers_erased`), the vault its values, and
one certificate says what went. Then the key is destroyed, in the key file and in its backup, and a
tombstone stays there: whoever restores an older backup erases again before anybody is served.
"""

from __future__ import annotations

import hashlib
import logging
import sqlite3
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import connection

from patronage.access import audit, vault
from patronage.access.key_file import destroy_in_backup, key_file
from patronage.access.models import Erasure, IdempotencyRecord, VaultEntry
from patronage.access.ports import CustomersErased, customers_erased, one_person
from patronage.access.roles import SYSTEM, Actor, Right
from patronage.access.transactions import after_commit, atomic

_log = logging.getLogger(__name__)


def forget(
    *, actor: Actor, now: datetime, customer_ids: Sequence[str], reason: str, right: Right | None
) -> list[Erasure]:
    """Erase customers in every room; return one certificate each.

    Whom they absorbed is the same person, and goes first: what a crash interrupts is asked for
    again by the customer who is still there.

    The caller has looked whether the actor may. Their keys are destroyed right after the commit
    and at the latest at the next start (`vault.finish_erasures`).

    Args:
        reason: why, in the actor's words; no personal data in it.
        right: the right it is done under; None where it only repeats an erasure.
    """
    return [
        _forget_one(actor, now, customer_id, reason, right)
        for customer_id in one_person.ask(list(dict.fromkeys(customer_ids)))
    ]


def reapply(now: datetime) -> int:
    """Erase again whoever has a tombstone and no certificate in this store; return how many.

    Call it after a restore, before anybody is served.
    """
    buried = key_file().tombstones()
    certified = set(Erasure.objects.values_list("subject_id", flat=True))
    again = sorted(set(buried) - certified)
    forget(
        actor=SYSTEM,
        now=now,
        customer_ids=again,
        reason="erased before; the store was restored from an older backup",
        right=None,
    )
    return len(again)


def _forget_one(
    actor: Actor, now: datetime, customer_id: str, reason: str, right: Right | None
) -> Erasure:
    removed: Counter[str] = Counter()
    with atomic():
        sealed = _sealed_digest(customer_id)
        event = CustomersErased(customer_ids=[customer_id], actor=actor, now=now, removed=removed)
        customers_erased.announce(event)
        removed["vault: values"] += vault.erase(customer_id)
        answers = IdempotencyRecord.objects.filter(body__contains=customer_id)
        removed["access: answers kept for repeats"] += answers.delete()[0]
        kept = {place: count for place, count in sorted(removed.items()) if count}
        certificate = Erasure.objects.create(
            subject_id=customer_id,
            erased_at=now,
            actor_id=actor.id,
            reason=reason,
            removed=kept,
            values_digest=sealed,
        )
        audit.record(
            actor=actor,
            now=now,
            action="erase customer",
            subject_kind="customer",
            subject_id=customer_id,
            right=right,
            reason=reason,
            before={},
            change={"certificate": certificate.id, "removed": kept},
        )
        after_commit(lambda: finish(certificate))
    return certificate


def finish_open() -> int:
    """Complete what a crash, or a keys' backup out of reach, left open; return how many.

    Call it at the start, after `vault.finish_erasures`.
    """
    left = Erasure.objects.filter(keys_backup__in=("open", "not reached"))
    for certificate in left:
        finish(certificate)
    return len(left)


def finish(certificate: Erasure) -> None:
    """Bury the subject, destroy its key in the keys' backup too, and empty the store's log."""
    subjects = [certificate.subject_id]
    key_file().bury(subjects, certificate.erased_at)
    try:
        in_backup = "destroyed" if destroy_in_backup(subjects, certificate.erased_at) else "none"
    except (OSError, sqlite3.Error):
        # the erasure stands; the next backup of the keys destroys it there
        _log.exception("the keys' backup cannot be reached")
        in_backup = "not reached"
    Erasure.objects.filter(pk=certificate.pk).update(
        key_destroyed=not key_file().find(subjects), keys_backup=in_backup
    )
    _empty_log()


def _sealed_digest(customer_id: str) -> str:
    """SHA-256 over the ciphertexts that go: a copy found later can be told to be of this person."""
    digest = hashlib.sha256()
    rows = VaultEntry.objects.filter(subject_id=customer_id).order_by("name")
    for name, nonce, ciphertext in rows.values_list("name", "nonce", "ciphertext"):
        digest.update(name.encode() + bytes(nonce) + bytes(ciphertext))
    return digest.hexdigest()


def _empty_log() -> None:
    """Have SQLite move its log into the file and cut it to nothing, so that no old page stays."""
    own: Any = connection.connection
    if connection.vendor == "sqlite" and own is not None and not connection.in_atomic_block:
        own.checkpoint(truncate=True)
