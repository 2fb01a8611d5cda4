"""What may be done to customers: create them, and record what they agreed to."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import pyarrow as pa
from django.db import IntegrityError

from patronage.access import audit
from patronage.access.errors import Refused
from patronage.access.ports import (
    ConsentWithdrawn,
    consent_withdrawn,
)
from patronage.access.roles import Actor, Right
from patronage.access.transactions import atomic
from patronage.access.vault import digests_of
from patronage.identify import bulk
from patronage.identify.errors import IdentifierTaken
from patronage.identify.identity.entering import enter
from patronage.identify.in_sight import require_customer
from patronage.identify.models import THERE, Consent, Customer, Identifier
from patronage.vocabulary.ids import IdPrefix, new_ids
from patronage.vocabulary.periods import as_utc

PURPOSES = ("marketing", "profiling")
STATES = ("given", "withdrawn")


def create_customers(*, actor: Actor, now: datetime, rows: Any, personal: bool = False) -> Any:
    """Create customers with one identifier each, in one go.

    Args:
        rows: Arrow table (source_kind, source_value, kind, label, entry, entered_at) and, where
            the caller has drawn ids already, customer_id.
        personal: whether the identifiers are personal; they are then kept as keyed digests only.

    Returns:
        Arrow table (source_value, customer_id) in the order of the rows.

    Raises:
        NotAllowed: the actor may not import.
        IdentifierTaken: an identifier is another customer's; nothing was created.
    """
    actor.require(Right.IMPORT)
    count = rows.num_rows
    drawn = "customer_id" in rows.column_names
    ids = rows["customer_id"].to_pylist() if drawn else new_ids(IdPrefix.CUSTOMER, count)
    try:
        with atomic():
            enter(
                actor=actor,
                now=now,
                customer_ids=ids,
                kinds=rows["kind"].to_pylist(),
                labels=rows["label"].to_pylist(),
                entries=rows["entry"].to_pylist(),
                entered_at=rows["entered_at"].to_pylist(),
                right=Right.IMPORT,
            )
            _name(rows, ids, now, personal=personal)
    except IntegrityError as error:
        raise IdentifierTaken(kind=rows["source_kind"][0].as_py(), count=count) from error
    return pa.table(
        {"source_value": rows["source_value"], "customer_id": pa.array(ids, pa.string())}
    )


def _name(rows: Any, ids: Sequence[str], now: datetime, *, personal: bool) -> None:
    """Write what their source calls the customers."""
    given, kinds = rows["source_value"].to_pylist(), rows["source_kind"].to_pylist()
    values = digests_of(list(zip(kinds, given, strict=True))) if personal else given
    bulk.insert(
        Identifier,
        {
            "customer": ids,
            "kind": kinds,
            "value": values,
            "personal": [personal] * len(ids),
            "place": [0] * len(ids),
            "recorded_at": [now] * len(ids),
        },
    )


def record_consent(
    *,
    actor: Actor,
    now: datetime,
    customer_id: str,
    purpose: str,
    channel: str,
    state: str,
    source: str,
    valid_from: datetime,
) -> Consent:
    """Record that a customer gave or withdrew consent; a withdrawal is announced at once.

    Raises:
        NotFound: there is no such customer in the actor's scope.
        Refused: a word is not known, or the consent begins in the future.
    """
    actor.require(Right.RECORD_NEED)
    _check_words(purpose, state, source, channel)
    starts = as_utc(valid_from)
    if starts > now:
        raise Refused(
            f"A consent cannot begin in the future: found {starts:%Y-%m-%d %H:%M} UTC. "
            "Record it when it begins."
        )
    with atomic():
        require_customer(actor, customer_id, now)
        said = Consent.objects.filter(
            customer=customer_id, purpose=purpose, channel=channel, valid_from__lte=starts
        )
        last = said.order_by("-valid_from", "-recorded_at", "-id").first()
        consent = _written(
            customer_id=customer_id,
            purpose=purpose,
            channel=channel,
            state=state,
            source=source,
            valid_from=starts,
            recorded_at=now,
            actor_id=actor.id,
        )
        if state == "withdrawn":
            consent_withdrawn.announce(
                ConsentWithdrawn(
                    customer_id=customer_id,
                    purpose=purpose,
                    channel=channel,
                    actor=actor,
                    now=now,
                )
            )
        audit.record(
            actor=actor,
            now=now,
            action="record consent",
            subject_kind="customer",
            subject_id=customer_id,
            right=Right.RECORD_NEED,
            reason=source,
            before={} if last is None else {"state": last.state, "source": last.source},
            change={"purpose": purpose, "channel": channel, "state": state, "source": source},
        )
    return consent


def _written(**columns: Any) -> Consent:
    try:
        with atomic():
            return Consent.objects.create(**columns)
    except IntegrityError as error:
        raise Refused(
            "A consent for this purpose, channel and instant was recorded a moment ago. "
            "Look at the customer again before changing it."
        ) from error


def declare_consents(
    *,
    actor: Actor,
    now: datetime,
    purpose: str,
    channels: Sequence[str],
    source: str,
    valid_from: datetime,
) -> int:
    """Assume consent of every customer who has said nothing for a channel; return the rows written.

    `source` becomes "assumption: …", so that nobody takes it for the customer's word.

    Raises:
        NotAllowed: the actor may not import.
        Refused: a word is not known.
    """
    actor.require(Right.IMPORT)
    for channel in channels:
        _check_words(purpose, "given", source, channel)
    stated = source if source.startswith("assumption: ") else f"assumption: {source}"
    total = 0
    with atomic():
        for channel in channels:
            spoken = Consent.objects.filter(purpose=purpose, channel=channel)
            silent = Customer.objects.filter(THERE).exclude(id__in=spoken.values("customer_id"))
            ids = list(silent.order_by("id").values_list("id", flat=True))
            total += bulk.insert(
                Consent,
                {
                    "id": new_ids(IdPrefix.CONSENT, len(ids)),
                    "customer": ids,
                    "purpose": [purpose] * len(ids),
                    "channel": [channel] * len(ids),
                    "state": ["given"] * len(ids),
                    "source": [stated] * len(ids),
                    "valid_from": [as_utc(valid_from)] * len(ids),
                    "recorded_at": [now] * len(ids),
                    "actor_id": [actor.id] * len(ids),
                },
            )
        if total:
            audit.record(
                actor=actor,
                now=now,
                action="declare consents",
                subject_kind="consent",
                subject_id=f"{total} consents",
                right=Right.IMPORT,
                reason=stated,
                before={},
                change={"purpose": purpose, "channels": list(channels), "consents": total},
            )
    return total


def _check_words(purpose: str, state: str, source: str, channel: str) -> None:
    if purpose not in PURPOSES:
        raise Refused(f"Purpose {purpose!r} is not known. Use one of {', '.join(PURPOSES)}.")
    if state not in STATES:
        raise Refused(f"State {state!r} is not known. Use one of {', '.join(STATES)}.")
    if not channel.strip() or len(channel) > 20:
        raise Refused(f"Channel {channel!r} is no channel's name: 1 to 20 characters.")
    if not source.strip() or len(source) > 180:
        raise Refused("Say where the consent comes from, in 1 to 180 characters.")
