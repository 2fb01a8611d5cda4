"""What happened with a customer, newest first, whichever stage knows of it?

Higher stages add what they know: `sources.register(function)` in their `AppConfig.ready`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from heapq import merge
from itertools import takewhile
from typing import Any, Final, TypeAlias

import ibis
from ibis import _

from patronage.access import datasets
from patronage.access.company import current
from patronage.identify.models import Consent


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineEntry:
    """One thing that happened."""

    #: when
    at: datetime
    #: "orders", "contact", "redemption", "consent", or a word of the stage that adds it
    kind: str
    #: in a few words
    title: str
    #: id of what it is about, to link to; empty where there is nothing to open
    subject_id: str = ""
    #: amount in minor units of the company's currency, where money moved
    amount_minor: int | None = None
    #: further figures and words, by name
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """Some entries, newest first."""

    entries: tuple[TimelineEntry, ...]
    #: pass it as `before` for the entries that follow; None at the end
    next: datetime | None


#: Asked with (customer id, before, limit): gives the newest `limit` entries before that instant,
#: newest first, and every further one at the same instant as the last of them.
TimelineSource: TypeAlias = Callable[[str, datetime, int], Sequence[TimelineEntry]]


class TimelineSources:
    """Everybody who knows of something that happened with customers."""

    def __init__(self) -> None:
        self._known: list[TimelineSource] = []

    def register(self, source: TimelineSource) -> None:
        """Add a source; adding the same one again changes nothing."""
        if source not in self._known:
            self._known.append(source)

    def page(self, customer_ids: Sequence[str], before: datetime, limit: int) -> Timeline:
        """Give the newest entries before an instant; entries of one instant stay together.

        Args:
            customer_ids: the customer, and whom they absorbed.
        """
        streams = [source(each, before, limit) for each in customer_ids for source in self._known]
        merged = list(merge(*streams, key=lambda entry: entry.at, reverse=True))
        shown = merged[:limit]
        if len(merged) <= limit:
            more = any(len(stream) >= limit for stream in streams)
            return Timeline(entries=tuple(shown), next=shown[-1].at if more and shown else None)
        last = shown[-1].at
        shown += takewhile(lambda entry: entry.at == last, merged[limit:])
        return Timeline(entries=tuple(shown), next=last)


sources: Final = TimelineSources()


def newest(rows: Any, at: str, before: datetime, limit: int) -> list[dict[str, Any]]:
    """Give the newest rows of an Ibis table before an instant, ties with the last included."""
    earlier = rows.filter(_[at] < ibis.literal(before, type="timestamp('UTC')"))
    ranked = earlier.mutate(place=ibis.rank().over(order_by=ibis.desc(at)))
    kept = ranked.filter(_.place < limit).order_by(ibis.desc(at)).drop("place")
    found: list[dict[str, Any]] = datasets.warehouse().arrow(kept).to_pylist()
    return found


def _orders(customer_id: str, before: datetime, limit: int) -> list[TimelineEntry]:
    """What the customer bought and returned, one entry a date of the company."""
    zone = current().company.time_zone
    lines = datasets.read("order_lines").filter(_.customer_id == customer_id)
    dated = lines.mutate(day=_local(zone, lines.ordered_at).date())
    days = dated.group_by("day").aggregate(
        at=_.ordered_at.max(),
        orders=_.order_id.nunique(),
        lines=_.count(),
        amount_minor=_.amount_minor.sum().cast("int64"),
        returned_minor=(-ibis.ifelse(_.kind == "return", _.amount_minor, 0)).sum().cast("int64"),
    )
    return [
        TimelineEntry(
            at=day["at"],
            kind="orders",
            title="1 order" if day["orders"] == 1 else f"{day['orders']} orders",
            amount_minor=day["amount_minor"],
            details={name: day[name] for name in ("day", "orders", "lines", "returned_minor")},
        )
        for day in newest(days, "at", before, limit)
    ]


def _contacts(customer_id: str, before: datetime, limit: int) -> list[TimelineEntry]:
    rows = datasets.read("past_contacts").filter(_.customer_id == customer_id)
    return [
        TimelineEntry(
            at=row["contacted_at"],
            kind="contact",
            title=f"Campaign {row['campaign_id']}",
            details={name: row[name] for name in ("campaign_kind", "channel", "ended_at")},
        )
        for row in newest(rows, "contacted_at", before, limit)
    ]


def _redemptions(customer_id: str, before: datetime, limit: int) -> list[TimelineEntry]:
    rows = datasets.read("redemptions").filter(_.customer_id == customer_id)
    return [
        TimelineEntry(
            at=row["redeemed_at"],
            kind="redemption",
            title=f"Offer {row['offer_ref']} taken up",
            details={"offer_ref": row["offer_ref"], "campaign_id": row["campaign_id"]},
        )
        for row in newest(rows, "redeemed_at", before, limit)
    ]


def _consents(customer_id: str, before: datetime, limit: int) -> list[TimelineEntry]:
    rows = Consent.objects.filter(customer_id=customer_id, valid_from__lt=before)
    ordered = rows.order_by("-valid_from", "-recorded_at", "id")
    found = list(ordered[:limit])
    if len(found) == limit:
        shown = [consent.id for consent in found]
        found += ordered.filter(valid_from=found[-1].valid_from).exclude(id__in=shown)
    return [
        TimelineEntry(
            at=consent.valid_from,
            kind="consent",
            title=f"Consent to {consent.purpose} by {consent.channel} {consent.state}",
            subject_id=consent.id,
            details={"source": consent.source, "recorded_at": consent.recorded_at},
        )
        for consent in found
    ]


def _local_time(zone: str, instant: Any) -> Any:
    """Give what clocks in a zone show at an instant."""


_local: Final = ibis.udf.scalar.builtin(
    _local_time, name="timezone", signature=(("string", "timestamp('UTC')"), "timestamp")
)

for _source in (_orders, _contacts, _redemptions, _consents):
    sources.register(_source)
