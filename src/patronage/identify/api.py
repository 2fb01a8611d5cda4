"""Imports and customers as REST resources."""

from __future__ import annotations

import tempfile
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from django.http import StreamingHttpResponse
from ninja import File, Form, Query, Router, Schema, Status, UploadedFile
from pydantic import AwareDatetime, Field

from patronage.access.requests import CallerRequest
from patronage.access.roles import Right
from patronage.identify import actions, erasing, reads
from patronage.identify.errors import ImportRefused, MappingError
from patronage.identify.identity import merge_customers, unmerge_customers
from patronage.identify.imports import import_file
from patronage.identify.mapping import Mapping, packaged, parse_mapping
from patronage.identify.models import Customer, ImportRun, Merge

router = Router(tags=["identify"])


class ImportOut(Schema):
    """One import: read = landed + repeated + quarantined once it is applied."""

    id: str
    state: Literal["running", "applied", "refused"]
    mapping: str
    dataset: str
    file_name: str
    rows_read: int
    rows_landed: int
    rows_repeated: int
    rows_quarantined: int
    customers_created: int
    step: str
    done: float
    error: str
    started_at: datetime
    finished_at: datetime | None


class ImportsOut(Schema):
    """Some imports, newest first; pass `next` as `before` for the ones that follow."""

    runs: list[ImportOut]
    next: str | None


class QuarantinedRowOut(Schema):
    """A row that did not fit: where it stands and why."""

    line: int
    column: str
    reason: str


class QuarantineOut(Schema):
    """Some such rows, in the order of the file; pass `next` as `after` for those that follow."""

    rows: list[QuarantinedRowOut]
    total: int
    next: int | None


class CustomerOut(Schema):
    """A customer in a list."""

    id: str
    kind: str
    label: str
    entry: str
    entered_at: datetime


class IdentifierOut(Schema):
    """What a source calls the customer."""

    kind: str
    value: str


class FactOut(Schema):
    """One thing known of the customer."""

    name: str
    value: str
    source: str
    observed_at: datetime


class ConsentOut(Schema):
    """What the customer agreed to or withdrew."""

    id: str
    purpose: str
    channel: str
    state: str
    source: str
    valid_from: datetime
    recorded_at: datetime


class ProfileOut(Schema):
    """Totals of the history."""

    orders: int
    order_lines: int
    return_lines: int
    spend_minor: int
    returned_minor: int
    first_order_at: datetime | None
    last_order_at: datetime | None
    contacts: int
    last_contact_at: datetime | None
    redemptions: int
    last_redemption_at: datetime | None


class CustomerDetailOut(Schema):
    """One customer with what is known."""

    customer: CustomerOut
    profile: ProfileOut | None
    identifiers: list[IdentifierOut]
    facts: list[FactOut]
    consents: list[ConsentOut]
    personal: dict[str, str]


class TimelineEntryOut(Schema):
    """One thing that happened."""

    at: datetime
    kind: str
    title: str
    subject_id: str
    amount_minor: int | None
    details: dict[str, Any]


class TimelineOut(Schema):
    """Some of them, newest first; pass `next` as `before` for those that follow."""

    entries: list[TimelineEntryOut]
    next: datetime | None


class NewConsent(Schema):
    """What a customer says about being contacted or profiled."""

    purpose: Literal["marketing", "profiling"]
    channel: str = Field(min_length=1, max_length=20)
    state: Literal["given", "withdrawn"]
    source: str = Field(min_length=1, max_length=180)
    #: from when on; now where it is left out
    valid_from: AwareDatetime | None = None


class NewErasure(Schema):
    """Why a customer is to be forgotten."""

    reason: Literal["asked", "court", "retention", "mistake"]


class ErasureOut(Schema):
    """That somebody was forgotten: what went, and that the key is no more."""

    id: str
    subject_id: str
    erased_at: datetime
    actor_id: str
    reason: str
    #: how much went, by room and what it was
    removed: dict[str, int]
    #: SHA-256 over the sealed values that went
    values_digest: str
    key_destroyed: bool
    #: what became of the key in the keys' backup: destroyed, none, not reached
    keys_backup: str


class MergeOut(Schema):
    """Two customers who are, or were, one; pass the lowest `number` as `before` for older ones."""

    id: str
    number: int
    kept_id: str
    absorbed_id: str
    cause: Literal["adopted", "named", "steward", "likely"]
    reason: str
    at: datetime
    undone_at: datetime | None
    undone_reason: str


class NewMerge(Schema):
    """Who turned out to be the customer of the address, and why one thinks so."""

    absorbed_id: str = Field(min_length=1, max_length=40)
    reason: str = Field(min_length=1, max_length=400)


class Undoing(Schema):
    """Why two are not the same."""

    reason: str = Field(min_length=1, max_length=400)


@router.post("/imports", response={201: ImportOut, 422: ImportOut}, summary="Import a file")
def create_import(
    request: CallerRequest,
    file: File[UploadedFile],
    mapping: Annotated[str, Form(max_length=100_000)],
    joined: File[UploadedFile | None] = None,
) -> Status[ImportRun]:
    """Import a CSV or Parquet file by a packaged mapping's name or by the text of a mapping.

    The same file by the same mapping again gives the earlier import. Where nothing was
    imported, the answer is 422 with the import that says why.
    """
    request.actor.require(Right.IMPORT)
    rule = _mapping(mapping)
    with tempfile.TemporaryDirectory(prefix="patronage-import-") as folder:
        path = _saved(file, Path(folder) / "file")
        if joined is not None and rule.join is not None:
            _saved(joined, Path(folder) / rule.join.file)
        try:
            run = import_file(
                actor=request.actor,
                now=request.now,
                mapping=rule,
                path=path,
                file_name=Path(file.name or "file").name[:255],
            )
        except ImportRefused as refused:
            return Status(422, refused.run)
    return Status(201, run)


@router.get("/imports", response=ImportsOut, summary="List imports")
def list_imports(
    request: CallerRequest,
    before: Annotated[str | None, Query(max_length=40)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> reads.ImportPage:
    return reads.imports(request.actor, before=before, limit=limit)


@router.get("/imports/{import_id}", response=ImportOut, summary="Read an import")
def read_import(request: CallerRequest, import_id: str) -> ImportRun:
    return reads.import_run(request.actor, import_id)


@router.get(
    "/imports/{import_id}/quarantine", response=QuarantineOut, summary="List rows that did not fit"
)
def list_quarantine(
    request: CallerRequest,
    import_id: str,
    after: Annotated[int, Query(ge=0, lt=2**63)] = 0,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> reads.QuarantinePage:
    return reads.quarantine(request.actor, import_id, after=after, limit=limit)


@router.get("/imports/{import_id}/quarantine.csv", summary="Take all of them as CSV")
def export_quarantine(request: CallerRequest, import_id: str) -> StreamingHttpResponse:
    lines = reads.quarantine_csv(request.actor, import_id)
    return StreamingHttpResponse(
        lines,
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="quarantine.csv"'},
    )


@router.get("/customers", response=list[CustomerOut], summary="Find customers")
def find_customers(
    request: CallerRequest,
    search: Annotated[str, Query(max_length=200)] = "",
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
) -> list[Customer]:
    return reads.search(request.actor, search, request.now, limit)


@router.get("/customers/{customer_id}", response=CustomerDetailOut, summary="Read a customer")
def read_customer(request: CallerRequest, customer_id: str) -> reads.CustomerView:
    return reads.customer(request.actor, customer_id, request.now)


@router.get("/customers/{customer_id}/timeline", response=TimelineOut, summary="Read what happened")
def read_timeline(
    request: CallerRequest,
    customer_id: str,
    before: AwareDatetime | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Any:
    return reads.timeline(request.actor, customer_id, request.now, before, limit)


@router.post(
    "/customers/{customer_id}/consents", response={201: ConsentOut}, summary="Record a consent"
)
def create_consent(request: CallerRequest, customer_id: str, new: NewConsent) -> Status[Any]:
    consent = actions.record_consent(
        actor=request.actor,
        now=request.now,
        customer_id=customer_id,
        purpose=new.purpose,
        channel=new.channel,
        state=new.state,
        source=new.source,
        valid_from=new.valid_from or request.now,
    )
    return Status(201, consent)


@router.post(
    "/customers/{customer_id}/erasure", response={201: ErasureOut}, summary="Erase a customer"
)
def create_erasure(request: CallerRequest, customer_id: str, new: NewErasure) -> Status[Any]:
    """Forget a customer everywhere, for good. The answer is the certificate."""
    made = erasing.erase_customer(
        actor=request.actor, now=request.now, customer_id=customer_id, reason=new.reason
    )
    return Status(201, made)


@router.get("/merges", response=list[MergeOut], summary="List merges of customers")
def list_merges(
    request: CallerRequest,
    before: Annotated[int | None, Query(ge=1, lt=2**63)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> list[Merge]:
    return reads.merges(request.actor, request.now, before=before, limit=limit)


@router.post(
    "/customers/{customer_id}/merges",
    response={201: MergeOut},
    summary="Make one customer of two",
)
def create_merge(request: CallerRequest, customer_id: str, new: NewMerge) -> Status[Merge]:
    made = merge_customers(
        actor=request.actor,
        now=request.now,
        kept_id=customer_id,
        absorbed_id=new.absorbed_id,
        reason=new.reason,
    )
    return Status(201, made)


@router.get("/erasures", response=list[ErasureOut], summary="List erasures")
def list_erasures(
    request: CallerRequest,
    before: AwareDatetime | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Any:
    return erasing.certificates(request.actor, before=before, limit=limit)


@router.post("/merges/{merge_id}/undoing", response=MergeOut, summary="Part two customers again")
def undo_merge(request: CallerRequest, merge_id: str, new: Undoing) -> Merge:
    return unmerge_customers(
        actor=request.actor, now=request.now, merge_id=merge_id, reason=new.reason
    )


def _mapping(text: str) -> Mapping:
    """Take a packaged mapping by its name; anything that looks like TOML is a mapping itself."""
    if "=" in text or "\n" in text:
        return parse_mapping(text, name="uploaded mapping")
    found = packaged(text.strip())
    if len(found) > 1:
        names = ", ".join(each.name for each in found)
        raise MappingError(
            mapping=text.strip(), key="name", found="it names several", mend=f"Name one: {names}."
        )
    return found[0]


def _saved(upload: UploadedFile, path: Path) -> Path:
    with path.open("wb") as target:
        for chunk in upload.chunks():
            target.write(chunk)
    return path
