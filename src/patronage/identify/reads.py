"""What may be seen of customers, their consents, and imports? Everything starts from scope."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import polars as pl
import pyarrow as pa
from django.db.models import Exists, F, OuterRef, Q, QuerySet, Window
from django.db.models.functions import RowNumber

from patronage.access import vault
from patronage.access.errors import NotFound
from patronage.access.models import VaultEntry
from patronage.access.roles import Actor, Right
from patronage.access.scope import visible
from patronage.identify import bulk, merged
from patronage.identify.imports.quarantine import csv_lines
from patronage.identify.in_sight import customers_in_sight, require_customer
from patronage.identify.models import (
    THERE,
    Consent,
    Customer,
    Fact,
    Identifier,
    ImportRun,
    Merge,
    Profile,
    QuarantinedRow,
)
from patronage.identify.suppression import suppressed
from patronage.identify.timeline import Timeline, sources

_MOMENT = timedelta(microseconds=1)
_CONSENTS = pa.schema(
    [("customer_id", pa.string()), ("channel", pa.string()), ("consent_id", pa.string())]
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerView:
    """One customer with what is known."""

    customer: Customer
    #: totals of the history; None before the first event
    profile: Profile | None
    #: identifiers that are not personal
    identifiers: Sequence[Identifier]
    #: the newest of each fact, by name
    facts: Sequence[Fact]
    #: the last word for each purpose and channel
    consents: Sequence[Consent]
    #: name, e-mail address and the like, by name, from the vault
    personal: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class QuarantinePage:
    """Some rows that did not fit, in the order of the file."""

    rows: Sequence[QuarantinedRow]
    #: rows in all
    total: int
    #: pass it as `after` for the rows that follow; None at the end
    next: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportPage:
    """Some imports, newest first."""

    runs: Sequence[ImportRun]
    #: pass it as `before` for the imports that follow; None at the end
    next: str | None


def customer(actor: Actor, id: str, now: datetime) -> CustomerView:
    """Give one customer.

    Raises:
        NotFound: absent, erased or outside the actor's scope.
    """
    actor.require(Right.SEE_CUSTOMERS)
    found = require_customer(actor, id, now)
    parts = merged.parts_of([id])
    names = VaultEntry.objects.filter(subject_id__in=parts).exclude(name__contains=":")
    values: dict[str, str | None] = {}
    for part, name in sorted(
        names.values_list("subject_id", "name"), key=lambda e: parts.index(e[0])
    ):
        # what is known of the customer themselves stands before what an absorbed one said
        values.setdefault(name, vault.get(part, name))
    return CustomerView(
        customer=found,
        profile=Profile.objects.filter(customer=found).first(),
        identifiers=list(
            Identifier.objects.filter(customer__in=parts, personal=False).order_by("kind", "value")
        ),
        facts=list(
            _newest(
                Fact.objects.filter(customer__in=parts, observed_at__lte=now), "observed_at", "name"
            )
        ),
        consents=list(_last_words(Consent.objects.filter(customer=found), now)),
        personal={name: text for name, text in sorted(values.items()) if text is not None},
    )


def search(actor: Actor, text: str, now: datetime, limit: int = 20) -> list[Customer]:
    """Find customers by label, by what a source calls them, or by a whole personal value.

    A personal value (an e-mail address, say) is found only as a whole, capitals aside.
    """
    actor.require(Right.SEE_CUSTOMERS)
    wanted = text.strip().replace("\x00", "")
    if not wanted:
        return []
    people = customers_in_sight(actor, now)
    exact = people.filter(Q(id=wanted) | Q(id__in=_known_as(wanted)))
    found = list(exact.order_by("label", "id")[:limit])
    if len(found) < limit:
        ids = [each.id for each in found]
        # The label first, then the scope of those few: joined the other way round, a store that
        # does not know how much a portfolio holds reads each of its customers.
        named = Customer.objects.filter(label__icontains=wanted).exclude(id__in=ids)
        like = named.filter(Exists(people.filter(pk=OuterRef("pk"))))
        found += like.order_by("label", "id")[: limit - len(found)]
    return found


def timeline(
    actor: Actor, id: str, now: datetime, before: datetime | None = None, limit: int = 50
) -> Timeline:
    """Give what happened with a customer, newest first, nothing later than `now`.

    Raises:
        NotFound: absent, erased or outside the actor's scope.
    """
    actor.require(Right.SEE_CUSTOMERS)
    require_customer(actor, id, now)
    latest = now + timedelta(microseconds=1)
    return sources.page(merged.parts_of([id]), min(before or latest, latest), limit)


def standing_consents(
    at: datetime, *, purpose: str = "marketing", channel: str | None = None
) -> Any:
    """Give every consent that stands at an instant, for jobs.

    None to marketing stands of those who bear an erased person's address.

    Returns:
        Arrow table (customer_id, channel, consent_id), at most one row a customer and channel.
    """
    asked = {"consent_id": "id"} | {
        name: name
        for name in ("customer_id", "purpose", "channel", "state", "valid_from", "recorded_at")
    }
    words = bulk.read(Consent, {name: (column, pl.String) for name, column in asked.items()})
    begun = words.filter(
        pl.col("purpose") == purpose, pl.col("valid_from") < bulk.as_stored(at + _MOMENT)
    )
    if channel is not None:
        begun = begun.filter(pl.col("channel") == channel)
    # The last words come first, then the question whether they give consent: asked before, it
    # would revive what a later word withdrew. Most customers have said one word only.
    whose = ["customer_id", "channel"]
    again = begun.select(pl.struct(whose).is_duplicated()).to_series()
    order = ["valid_from", "recorded_at", "consent_id"]
    last = begun.filter(again).sort(order).unique(whose, keep="last")
    gone = set(Customer.objects.exclude(THERE).values_list("id", flat=True))
    if purpose == "marketing":
        gone |= suppressed()
    given = pl.concat([begun.filter(~again), last]).filter(
        pl.col("state") == "given", ~pl.col("customer_id").is_in(list(gone))
    )
    return given.select(_CONSENTS.names).to_arrow().cast(_CONSENTS)


def merges(
    actor: Actor, now: datetime, *, before: int | None = None, limit: int = 50
) -> list[Merge]:
    """Give merges, newest first, undone ones included; those that came before the number `before`.

    Raises:
        NotAllowed: the actor may not merge customers.
    """
    actor.require(Right.MERGE)
    seen = visible(Customer.objects.filter(erased_at__isnull=True), actor, now)
    found = Merge.objects.filter(kept__in=seen).select_related("kept", "absorbed")
    if before is not None:
        found = found.filter(number__lt=before)
    return list(found.order_by("-number")[:limit])


def imports(actor: Actor, *, before: str | None = None, limit: int = 50) -> ImportPage:
    """Give imports, newest first, those that came before the import `before`."""
    actor.require(Right.SEE_IMPORTS)
    runs = ImportRun.objects.order_by("-started_at", "-id")
    if before is not None:
        last = import_run(actor, before)
        runs = runs.filter(
            Q(started_at__lt=last.started_at) | Q(started_at=last.started_at, id__lt=last.id)
        )
    found = list(runs[: limit + 1])
    return ImportPage(runs=found[:limit], next=found[limit - 1].id if len(found) > limit else None)


def import_run(actor: Actor, id: str) -> ImportRun:
    """Give one import.

    Raises:
        NotFound: there is none of that id.
    """
    actor.require(Right.SEE_IMPORTS)
    run = ImportRun.objects.filter(id=id).first()
    if run is None:
        raise NotFound(noun="import", id=id)
    return run


def quarantine(actor: Actor, run_id: str, *, after: int = 0, limit: int = 100) -> QuarantinePage:
    """Give the rows of an import that did not fit, those that stand after line `after`."""
    run = import_run(actor, run_id)
    rows = list(run.quarantine.filter(line__gt=after).order_by("line", "id")[: limit + 1])
    more = len(rows) > limit
    return QuarantinePage(
        rows=rows[:limit],
        total=run.rows_quarantined,
        next=rows[limit - 1].line if more else None,
    )


def quarantine_csv(actor: Actor, run_id: str) -> Iterator[str]:
    """Give all of them as CSV, line by line; no cell can be taken for a formula."""
    run = import_run(actor, run_id)
    rows = run.quarantine.order_by("line", "id").values_list("line", "column", "reason")
    lines = ((run.file_name, *row) for row in rows.iterator(chunk_size=5000))
    return csv_lines(("file", "line", "column", "reason"), lines)


def _known_as(text: str) -> list[str]:
    """Give ids of customers that some source, or the vault, knows by exactly this text."""
    kinds = _kinds()
    names = VaultEntry.objects.exclude(digest="").values_list("name", flat=True).distinct()
    digests = [vault.digest_of(kind, text) for kind in kinds]
    # each kind with each value is one place in the index of identifiers
    places = Identifier.objects.filter(kind__in=kinds, value__in=[text, *digests])
    known = places.filter(Q(personal=False, value=text) | Q(personal=True, value__in=digests))
    found = set(known.values_list("customer_id", flat=True))
    for name in names:
        found.update(vault.find(name, text))
    ends = merged.ends_of(found)
    return sorted({ends.get(each, each) for each in found})


def _kinds() -> list[str]:
    """Every kind of identifier there is: one step in the index each, however many identifiers."""
    kinds: list[str] = []
    ordered = Identifier.objects.order_by("kind").values_list("kind", flat=True)
    while (following := ordered.filter(kind__gt=kinds[-1] if kinds else "").first()) is not None:
        kinds.append(following)
    return kinds


def _last_words(consents: QuerySet[Consent], at: datetime) -> QuerySet[Consent]:
    """Keep the last consent row of each customer, purpose and channel that is valid by `at`."""
    begun = consents.filter(valid_from__lte=at)
    return _newest(begun, "valid_from", "customer_id", "purpose", "channel")


def _newest(rows: QuerySet[Any], at: str, *groups: str) -> QuerySet[Any]:
    place = Window(
        RowNumber(),
        partition_by=[F(name) for name in groups],
        order_by=[F(at).desc(), F("recorded_at").desc(), F("id").desc()],
    )
    newest: QuerySet[Any] = rows.annotate(place=place).filter(place=1).order_by(*groups)
    return newest
