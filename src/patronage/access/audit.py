"""Who did what to what, when, why, under which right: written with the change, then chained.

`record` runs in the change's own transaction and waits for nobody. One sealer numbers the rows
later and chains each to the one before by SHA-256. An exported checkpoint (number and digest of
the last sealed row) makes every later edit, deletion, insertion, reordering, truncation or
rewriting of what came before it visible.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db import connection
from django.utils.translation import gettext as _

from patronage.access.errors import Refused
from patronage.access.models import AuditEntry
from patronage.access.roles import Actor, Right
from patronage.access.texts import checked
from patronage.access.transactions import atomic, take_turns

#: What the first row is chained to.
GENESIS = "0" * 64
_SEALED_AT_ONCE = 10_000
#: A damaged log can differ in every row; a report names this many and counts the rest.
_PROBLEMS_NAMED = 100
#: and the row that says what a check found keeps this many
_PROBLEMS_KEPT = 10
_LONGEST_TEXT = 100_000
_DIGEST = re.compile(r"[0-9a-f]{64}")


class NoCheckpoint(Refused):
    """What was given is no exported checkpoint."""

    def __init__(self, found: Checkpoint) -> None:
        super().__init__(
            _(
                "A checkpoint has the number of a sealed entry, from 1 on, and a digest of 64 "
                "hexadecimal digits; found %(number)s and %(digest)r. Take both from the file "
                "that was exported."
            )
            % {"number": found.number, "digest": found.digest[:70]}
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """The end of the chain at some moment, to be kept outside the database."""

    #: number of the last sealed row; 0 for none
    number: int
    #: its digest, hexadecimal
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One place where the log is not what was sealed."""

    #: number at which it shows
    number: int
    #: what is wrong there, as a sentence
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditReport:
    """What a check of the whole log found."""

    #: rows that have a number
    sealed: int
    #: rows that wait for one
    waiting: int
    #: the first problems, by number
    problems: tuple[Problem, ...]
    #: problems beyond those named
    further_problems: int

    @property
    def intact(self) -> bool:
        """Whether nothing was changed since it was sealed, as far as can be seen."""
        return not self.problems


def record(
    *,
    actor: Actor,
    now: datetime,
    action: str,
    subject_kind: str,
    subject_id: str,
    right: Right | None,
    reason: str = "",
    before: Mapping[str, Any],
    change: Mapping[str, Any] | None = None,
) -> AuditEntry:
    """Write one row in the caller's transaction; a set action is one row with its count.

    Args:
        action: what was done, as a verb phrase ("hand over customers").
        subject_kind: the noun it was done to.
        subject_id: its id.
        right: the right it was done under; None for what everybody may do with what is theirs
            and for what only follows from another change.
        reason: why, in the actor's words; at most 400 characters.
        before: what it was, by the same names as in `change`; empty for what is new, and for what
            changes nothing that stood.
        change: what it is now or what was done, no personal data in it; dates and decimals are
            kept as text.

    Raises:
        UnstorableText: the reason or a text in `before` or `change` cannot be kept.
    """
    for text in _texts([before, change or {}]):
        checked(text, what="change", longest=_LONGEST_TEXT)
    return AuditEntry.objects.create(
        at=now,
        actor_id=actor.id,
        actor_name=actor.name,
        action=action,
        subject_kind=subject_kind,
        subject_id=subject_id,
        right=right.value if right else "",
        role=actor.role_for(right) if right else "",
        reason=checked(reason, what="reason", longest=400),
        before=dict(before),
        change=dict(change or {}),
    )


def seal(now: datetime) -> int:
    """Number and chain the rows recorded up to `now`; return how many there were."""
    total = 0
    while sealed := _seal_some(now):
        total += sealed
    return total


def checkpoint() -> Checkpoint:
    """Give the end of the chain as it stands, to be exported."""
    number, digest = _end_of_chain()
    return Checkpoint(number=number, digest=digest)


def export_checkpoint(*, actor: Actor, now: datetime) -> Checkpoint:
    """Seal what waits and give the end of the chain, to be kept where nobody who writes here can.

    That it was exported, and when, is recorded.
    """
    actor.require(Right.SEE_AUDIT)
    seal(now)
    end = checkpoint()
    record(
        actor=actor,
        now=now,
        action="export checkpoint",
        subject_kind="audit log",
        subject_id=str(end.number),
        right=Right.SEE_AUDIT,
        before={},
        change={"number": end.number, "digest": end.digest},
    )
    return end


def check(*, actor: Actor, now: datetime, checkpoints: Iterable[Checkpoint] = ()) -> AuditReport:
    """Verify the log for somebody, and record what was found.

    Raises:
        NoCheckpoint: one has no place in a chain.
    """
    actor.require(Right.SEE_AUDIT)
    kept = list(checkpoints)
    for point in kept:
        if point.number < 1 or not _DIGEST.fullmatch(point.digest):
            raise NoCheckpoint(point)
    report = verify(*kept)
    record(
        actor=actor,
        now=now,
        action="verify audit log",
        subject_kind="audit log",
        subject_id="all",
        right=Right.SEE_AUDIT,
        before={},
        change={
            "intact": report.intact,
            "sealed": report.sealed,
            "waiting": report.waiting,
            "problems": len(report.problems) + report.further_problems,
            "first": [each.what for each in report.problems[:_PROBLEMS_KEPT]],
            "checkpoints": [point.number for point in kept],
        },
    )
    return report


def verify(*checkpoints: Checkpoint) -> AuditReport:
    """Recompute the chain and compare it with what was exported.

    Without a checkpoint, rows cut off at the end and a chain rewritten from some row on cannot
    be told from an honest log; with one, everything up to its number is covered.
    """
    found = _Findings()
    expected = {point.number: point.digest for point in checkpoints if point.number}
    number, digest, sealed = 0, GENESIS, 0
    for entry in AuditEntry.objects.filter(number__isnull=False).order_by("number").iterator(5000):
        sealed += 1
        here = entry.number or 0
        if here != number + 1:
            found.add(here, f"expected row {number + 1}, found row {here}: rows are missing")
        number = here
        if entry.digest != _digest(digest, here, entry):
            found.add(here, f"row {here} or its place in the chain was changed after it was sealed")
        digest = entry.digest
        if expected.pop(here, digest) != digest:
            found.add(here, f"row {here} differs from the exported checkpoint: it was rewritten")
    for missing in sorted(expected):
        found.add(missing, f"row {missing} of an exported checkpoint is gone; last is {number}")
    waiting = AuditEntry.objects.filter(number__isnull=True).count()
    return found.report(sealed=sealed, waiting=waiting)


def _texts(value: Any) -> Iterator[str]:
    """Give every text within a JSON value, names included."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for name, part in value.items():
            yield from _texts(name)
            yield from _texts(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _texts(part)


class _Findings:
    """Problems as they are met, the first ones in words."""

    def __init__(self) -> None:
        self._named: list[Problem] = []
        self._further = 0

    def add(self, number: int, what: str) -> None:
        if len(self._named) < _PROBLEMS_NAMED:
            self._named.append(Problem(number=number, what=what))
        else:
            self._further += 1

    def report(self, *, sealed: int, waiting: int) -> AuditReport:
        return AuditReport(
            sealed=sealed,
            waiting=waiting,
            problems=tuple(self._named),
            further_problems=self._further,
        )


def _seal_some(now: datetime) -> int:
    with atomic():
        take_turns("audit")
        number, digest = _end_of_chain()
        waiting = AuditEntry.objects.filter(number__isnull=True, at__lte=now).order_by("id")
        rows = list(_chained(waiting[:_SEALED_AT_ONCE].iterator(), number, digest))
        with connection.cursor() as cursor:
            cursor.executemany(
                f"UPDATE {AuditEntry._meta.db_table} SET number = %s, digest = %s WHERE id = %s",  # noqa: S608 - a constant
                rows,
            )
    return len(rows)


def _chained(
    entries: Iterator[AuditEntry], number: int, digest: str
) -> Iterator[tuple[int, str, int]]:
    for entry in entries:
        number += 1
        digest = _digest(digest, number, entry)
        yield number, digest, entry.pk


def _end_of_chain() -> tuple[int, str]:
    sealed = AuditEntry.objects.filter(number__isnull=False).order_by("-number")
    last = sealed.values_list("number", "digest").first()
    return (0, GENESIS) if last is None else (last[0] or 0, last[1])


def _digest(previous: str, number: int, entry: AuditEntry) -> str:
    content = {
        "number": number,
        "id": entry.pk,
        "at": entry.at.astimezone(UTC).isoformat(timespec="microseconds"),
        "actor_id": entry.actor_id,
        "actor_name": entry.actor_name,
        "action": entry.action,
        "subject_kind": entry.subject_kind,
        "subject_id": entry.subject_id,
        "right": entry.right,
        "role": entry.role,
        "reason": entry.reason,
        "before": entry.before,
        "change": entry.change,
    }
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(previous.encode() + text.encode("utf-8", "surrogatepass")).hexdigest()
