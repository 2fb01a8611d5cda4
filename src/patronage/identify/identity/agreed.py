"""What did they agree to, once they are one? The stricter word stands, and is taken back with it.

A withdrawal of the absorbed customer is written down for the kept one, naming the merge. What the
absorbed gave and the kept never said is not carried over: silence is the stricter of the two.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db.models import F, Window
from django.db.models.functions import RowNumber

from patronage.access.ports import ConsentWithdrawn, consent_withdrawn
from patronage.access.roles import Actor
from patronage.identify import bulk
from patronage.identify.models import Consent, Merge
from patronage.vocabulary.ids import IdPrefix, new_ids

#: customer, purpose, channel
_Place = tuple[str, str, str]


def tighten(*, actor: Actor, now: datetime, merges: Sequence[Merge]) -> None:
    """Write the withdrawals of the absorbed down for the kept ones who have given their consent."""
    said = _last_words([each for m in merges for each in (m.kept_id, m.absorbed_id)], now)
    written: dict[_Place, str] = {}
    for each in merges:
        for (customer_id, purpose, channel), word in list(said.items()):
            place = (each.kept_id, purpose, channel)
            mine = said.get(place)
            if customer_id != each.absorbed_id or word.state != "withdrawn":
                continue
            objects = purpose == "profiling" and mine is None
            if objects or (mine is not None and mine.state == "given"):
                written[place] = _source(each.id)
                said[place] = word
    _write(actor, now, written, "withdrawn")
    for customer_id, purpose, channel in written:
        consent_withdrawn.announce(
            ConsentWithdrawn(
                customer_id=customer_id, purpose=purpose, channel=channel, actor=actor, now=now
            )
        )


def loosen(*, actor: Actor, now: datetime, merge: Merge) -> None:
    """Take back what the merge wrote and nobody said otherwise since; keep what was said meanwhile.

    A withdrawal that came in while they were one holds for both: nobody knows who said it.
    """
    parts = [merge.kept_id, merge.absorbed_id]
    said = _last_words(parts, now)
    source = _source(merge.id)
    restored = {
        place: f"un-merge {merge.id}: as before"
        for place, word in said.items()
        if place[0] == merge.kept_id and word.source == source
    }
    _write(actor, now, restored, "given")
    meanwhile = {
        (merge.absorbed_id, *place[1:]): f"un-merge {merge.id}: withdrawn while merged"
        for place, word in said.items()
        if place[0] == merge.kept_id
        and word.state == "withdrawn"
        and word.recorded_at > merge.at
        and not word.source.startswith("merge ")
        and (theirs := said.get((merge.absorbed_id, *place[1:]))) is not None
        and theirs.state == "given"
    }
    _write(actor, now, meanwhile, "withdrawn")


def _source(merge_id: str) -> str:
    return f"merge {merge_id}: withdrawn by the absorbed customer"


def _write(actor: Actor, now: datetime, words: dict[_Place, str], state: str) -> None:
    count = len(words)
    bulk.insert(
        Consent,
        {
            "id": new_ids(IdPrefix.CONSENT, count),
            "customer": [customer_id for customer_id, _, _ in words],
            "purpose": [purpose for _, purpose, _ in words],
            "channel": [channel for _, _, channel in words],
            "state": [state] * count,
            "source": list(words.values()),
            "valid_from": [now] * count,
            "recorded_at": [now] * count,
            "actor_id": [actor.id] * count,
        },
    )


def _last_words(customer_ids: Sequence[str], now: datetime) -> dict[_Place, Consent]:
    place = Window(
        RowNumber(),
        partition_by=[F("customer"), F("purpose"), F("channel")],
        order_by=[F("valid_from").desc(), F("recorded_at").desc(), F("id").desc()],
    )
    begun = Consent.objects.filter(customer__in=set(customer_ids), valid_from__lte=now)
    newest = begun.annotate(place=place).filter(place=1)
    return {(each.customer_id, each.purpose, each.channel): each for each in newest}
