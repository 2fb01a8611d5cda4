"""A channel that is a folder: one JSON line a contact, for whoever prints, mails or shows it.

Lines stand in `<root>/<channel>/<date>.jsonl`, the date being the company's date of the hand-over.
One sender at a time holds the folder's lock; it looks whether its token was shut out, appends,
and forces the lines to the disk before it reports them. Only identifiers that are not personal
are written, so that erasing a person leaves nothing to find here.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date
from pathlib import Path
from typing import Any, Final

from django.conf import settings

from patronage.interact.channels import Batch, Found, Handed, Message, Takeover
from patronage.interact.errors import LeaseLost
from patronage.vocabulary.periods import BusinessCalendar

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,19}")
_SHUT_OUT: Final = "shut_out"


class FileChannel:
    """Appends contacts to dated files of JSON lines."""

    def __init__(self, *, name: str, root: Path, calendar: BusinessCalendar) -> None:
        if _NAME.fullmatch(name) is None:
            raise ValueError(
                f"{name!r} cannot name a folder. Name the channel in company.toml with 1 to 20 "
                "lower-case letters, digits, hyphens or underscores."
            )
        self._name = name
        self._folder = root / name
        self._calendar = calendar

    @property
    def name(self) -> str:
        return self._name

    def hand_over(self, batch: Batch) -> Sequence[Handed]:
        """Append one line a message; on return they are on the disk."""
        lines = b"".join(_line(self._name, message) for message in batch.messages)
        with self._alone():
            if batch.token in self._shut_out():
                raise LeaseLost(token=batch.token)
            self._append(self._file(self._calendar.date_of(batch.at)), lines)
        return [Handed(contact_id=each.contact_id, outcome="sent") for each in batch.messages]

    def take_over(self, takeover: Takeover) -> Mapping[str, Found]:
        """Shut the tokens out, then look the contacts up in the files since they were due."""
        since = self._calendar.date_of(takeover.since)
        with self._alone():
            self._shut_out_also(takeover.tokens)
            sent: set[str] = set()
            for file in sorted(self._folder.glob("*.jsonl")):
                if date.fromisoformat(file.stem) >= since:
                    sent |= self._contacts_in(file) & takeover.contact_ids
        return {each: "sent" if each in sent else "unsent" for each in takeover.contact_ids}

    def forget(self, customer_ids: frozenset[str]) -> None:
        """Rewrite the lines of these customers without what sources call them."""
        with self._alone():
            for file in sorted(self._folder.glob("*.jsonl")):
                before = file.read_bytes()
                lines = before.splitlines(keepends=True)
                after = b"".join(_nameless(line, customer_ids) for line in lines)
                if after != before:
                    _replace(file, after)

    def _file(self, day: date) -> Path:
        return self._folder / f"{day.isoformat()}.jsonl"

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Hold the folder's lock; it ends with the process that holds it."""
        _make_folder(self._folder)
        descriptor = os.open(self._folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def _append(self, file: Path, lines: bytes) -> None:
        new = not file.exists()
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            _cut_torn_line(descriptor)
            _write_all(descriptor, lines)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        if new:
            _force_folder(self._folder)

    def _shut_out(self) -> frozenset[str]:
        try:
            return frozenset((self._folder / _SHUT_OUT).read_text("ascii").split())
        except FileNotFoundError:
            return frozenset()

    def _shut_out_also(self, tokens: frozenset[str]) -> None:
        missing = sorted(tokens - self._shut_out())
        if missing:
            self._append(self._folder / _SHUT_OUT, "".join(f"{t}\n" for t in missing).encode())

    @staticmethod
    def _contacts_in(file: Path) -> set[str]:
        """Ids of the whole lines of a file, which are on the disk from here on."""
        descriptor = os.open(file, os.O_RDWR | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as lines:
            # A sender killed before its own fsync left lines that only memory holds.
            os.fsync(lines.fileno())
            return {json.loads(line)["contact"] for line in lines if line.endswith(b"\n")}


def _line(channel: str, message: Message) -> bytes:
    content: dict[str, Any] = {
        "contact": message.contact_id,
        "customer": message.customer_id,
        "identifiers": [{"kind": kind, "value": value} for kind, value in message.identifiers],
        "channel": channel,
        "treatment": message.treatment_id,
        "offer": message.offer,
        "wording": message.wording,
        "terms": dict(message.terms),
        "due_at": message.due_at.astimezone(UTC).isoformat(),
    }
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _nameless(line: bytes, customer_ids: frozenset[str]) -> bytes:
    if not line.endswith(b"\n"):
        return line  # torn by a kill; the next sender takes it away
    content = json.loads(line)
    if content["customer"] not in customer_ids:
        return line
    content["identifiers"] = []
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _replace(file: Path, content: bytes) -> None:
    """Put new content under a file's name at once, the old one never half gone."""
    draft = file.with_suffix(".draft")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        _write_all(descriptor, content)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    draft.replace(file)
    _force_folder(file.parent)


def forget(customer_ids: frozenset[str]) -> None:
    """Rewrite what was handed over to any channel without what sources call these customers."""
    root = Path(settings.OUTBOX_ROOT)
    if not root.is_dir():
        return
    for folder in sorted(path for path in root.iterdir() if _NAME.fullmatch(path.name)):
        FileChannel(name=folder.name, root=root, calendar=BusinessCalendar("UTC")).forget(
            customer_ids
        )


def _cut_torn_line(descriptor: int) -> None:
    """Take away what a killed sender wrote of a line that it never finished."""
    end = os.fstat(descriptor).st_size
    start = end
    while start and os.pread(descriptor, 1, start - 1) != b"\n":
        start -= 1
    if start != end:
        os.ftruncate(descriptor, start)


def _write_all(descriptor: int, content: bytes) -> None:
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _make_folder(folder: Path) -> None:
    if not folder.exists():
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        _force_folder(folder.parent)


def _force_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
