"""What is known about a person by name: kept encrypted, found again, and erased for good.

Each value is sealed with AES-256-GCM under its subject's own key, which stands in the key file;
subject and name of the value are sealed in with it, so that a value moved to another place does
not open. A value that may be searched also has an HMAC-SHA256 of its normalised text. Erasing
destroys the key, so that every copy of the ciphertext, old backups included, is unreadable.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.db import connection
from django.utils.translation import gettext as _

from patronage.access.errors import PatronageError, Refused
from patronage.access.key_file import key_file
from patronage.access.models import VaultEntry
from patronage.access.texts import UnstorableText, is_encodable
from patronage.access.transactions import after_commit, atomic

T = TypeVar("T")

_NONCE_BYTES = 12
_ROWS_AT_ONCE = 10_000
_ELSEWHERE: list[Callable[[Sequence[str]], Iterable[str]]] = []
_INTO = "INSERT INTO access_vaultentry (subject_id, name, nonce, ciphertext, digest, recorded_at)"
_REPLACE = (
    " ON CONFLICT (subject_id, name) DO UPDATE SET nonce = excluded.nonce,"
    " ciphertext = excluded.ciphertext, digest = excluded.digest,"
    " recorded_at = excluded.recorded_at"
)
_ONE_ROW = f"{_INTO} VALUES (%s, %s, %s, %s, %s, %s){_REPLACE}"
#: The same for a whole lot in one statement, where the store takes columns.
_COLUMNS = (
    f"{_INTO} SELECT *, %s::timestamptz FROM"  # noqa: S608 - constants only
    f" unnest(%s::varchar[], %s::varchar[], %s::bytea[], %s::bytea[], %s::varchar[]){_REPLACE}"
)


class VaultUnreadable(PatronageError):
    """A value is there and does not open."""

    def __init__(self, *, subject_id: str, name: str, found: str) -> None:
        super().__init__(
            _(
                "The vault's %(name)r of %(subject_id)s cannot be read: %(found)s. Restore the "
                "key file and the database of one and the same backup."
            )
            % {"name": name, "subject_id": subject_id, "found": found}
        )


class BeingErased(Refused):
    """The subject is being forgotten; nothing new is written about it."""

    def __init__(self, subject_id: str) -> None:
        super().__init__(
            _("%(subject_id)s is being erased; nothing can be written about it any more.")
            % {"subject_id": subject_id}
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class VaultRow:
    """One value to keep."""

    #: id of the customer or person it is about
    subject_id: str
    #: what it is: name, email, note:…
    name: str
    #: the value
    text: str
    #: whether it can be found by its whole text
    searchable: bool = False


def put(subject_id: str, name: str, text: str, now: datetime, *, searchable: bool = False) -> None:
    """Keep one value; an earlier one under the same name is replaced."""
    row = VaultRow(subject_id=subject_id, name=name, text=text, searchable=searchable)
    put_many([row], now)


def put_many(rows: Iterable[VaultRow], now: datetime) -> int:
    """Keep many values in the caller's transaction; return how many.

    Of several values of one subject under one name the last is kept. Keys are on the disk
    before the first value is written, so that what commits can be read.

    Raises:
        BeingErased: a subject is being erased; nothing was written.
    """
    latest = list({(row.subject_id, row.name): row for row in rows}.values())
    keys = key_file().make(list({row.subject_id for row in latest}))
    search_key = key_file().search_key()
    with atomic():
        for lot in _lots(latest):
            _store(list(_sealed(lot, keys, search_key)), now)
    return len(latest)


def get(subject_id: str, name: str) -> str | None:
    """Give one value; None when there is none.

    Raises:
        VaultUnreadable: it is there, but its key is not or is another one.
    """
    return get_many([subject_id], name).get(subject_id)


def get_many(subject_ids: Sequence[str], name: str) -> dict[str, str]:
    """Give the values called `name` that there are, by subject.

    Raises:
        VaultUnreadable: one is there and cannot be opened.
    """
    found: list[tuple[str, bytes | memoryview, bytes | memoryview]] = []
    for some in _lots(subject_ids):
        entries = VaultEntry.objects.filter(name=name, subject_id__in=some)
        found.extend(entries.values_list("subject_id", "nonce", "ciphertext"))
    keys = key_file().find(subject for subject, _, _ in found)
    return {
        subject: _opened(keys.get(subject), subject, name, bytes(nonce), bytes(ciphertext))
        for subject, nonce, ciphertext in found
    }


def find(name: str, text: str) -> list[str]:
    """Give the subjects whose searchable value `name` is `text`, case and spacing aside."""
    digest = _digest(key_file().search_key(), name, text)
    entries = VaultEntry.objects.filter(name=name, digest=digest).order_by("subject_id")
    return list(entries.values_list("subject_id", flat=True))


def digest_of(name: str, text: str) -> str:
    """Give the keyed digest that a searchable value `name` with this text is found by."""
    return _digest(key_file().search_key(), name, text)


def digests_of(named: Sequence[tuple[str, str]]) -> list[str]:
    """Give the digests of many values, each with the name it goes by."""
    key = key_file().search_key()
    return [_digest(key, name, text) for name, text in named]


def forget(subject_id: str, name: str) -> None:
    """Delete one value of a subject, whose other values stay."""
    VaultEntry.objects.filter(subject_id=subject_id, name=name).delete()


def seal_many(values: Sequence[tuple[str, str, bytes]]) -> list[bytes]:
    """Seal values that their own table keeps: (subject, name, value) of each, in this order.

    Keys are on the disk before this returns. Erasing a subject makes them unreadable too.

    Raises:
        BeingErased: a subject is being erased.
    """
    keys = key_file().keys(dict.fromkeys(subject for subject, _, _ in values))
    sealers = {subject: AESGCM(key) for subject, key in keys.items()}
    nonces = secrets.token_bytes(_NONCE_BYTES * len(values))
    sealed = []
    for at, (subject, name, value) in enumerate(values):
        if subject not in sealers:
            raise BeingErased(subject)
        nonce = nonces[at * _NONCE_BYTES : (at + 1) * _NONCE_BYTES]
        sealed.append(nonce + sealers[subject].encrypt(nonce, value, _place(subject, name)))
    return sealed


def open_many(values: Sequence[tuple[str, str, bytes]]) -> list[bytes | None]:
    """Open what `seal_many` sealed; None where the subject was erased.

    Raises:
        VaultUnreadable: a value was not sealed for this place.
    """
    keys = key_file().find(dict.fromkeys(subject for subject, _, _ in values))
    opened: list[bytes | None] = []
    for subject, name, sealed in values:
        key = keys.get(subject)
        if key is None:
            opened.append(None)
            continue
        nonce, ciphertext = bytes(sealed[:_NONCE_BYTES]), bytes(sealed[_NONCE_BYTES:])
        try:
            opened.append(AESGCM(key).decrypt(nonce, ciphertext, _place(subject, name)))
        except InvalidTag as error:
            found = "it was not sealed with this subject's key in this place"
            raise VaultUnreadable(subject_id=subject, name=name, found=found) from error
    return opened


def kept_elsewhere(still_sealed: Callable[[Sequence[str]], Iterable[str]]) -> None:
    """Register a table that keeps what `seal_many` sealed: it says whose values still stand."""
    if still_sealed not in _ELSEWHERE:
        _ELSEWHERE.append(still_sealed)


def erase(subject_id: str) -> int:
    """Forget everything about a subject; return how many values there were."""
    return erase_many([subject_id])


def erase_many(subject_ids: Sequence[str]) -> int:
    """Forget everything about these subjects once the caller's transaction commits.

    The keys are announced as leaving first and destroyed right after the commit. A crash in
    between is finished by `finish_erasures`; a rollback is found and taken back there too.
    """
    subjects = list(dict.fromkeys(subject_ids))
    keys = key_file()
    with atomic():
        keys.announce_leaving(subjects)
        gone = 0
        for some in _lots(subjects):
            gone += VaultEntry.objects.filter(subject_id__in=some).delete()[0]
        after_commit(lambda: keys.destroy(subjects))
    return gone


def finish_erasures() -> int:
    """Complete erasures that a crash interrupted; return how many keys were destroyed.

    Call it at the start, before anything writes. A key announced as leaving whose rows still
    stand belongs to an erasure that was rolled back: it is kept.
    """
    keys = key_file()
    announced = keys.leaving()
    standing: set[str] = set()
    for some in _lots(announced):
        entries = VaultEntry.objects.filter(subject_id__in=some)
        standing.update(entries.values_list("subject_id", flat=True))
        for still_sealed in _ELSEWHERE:
            standing.update(still_sealed(some))
    keys.keep_after_all(standing)
    gone = [subject for subject in announced if subject not in standing]
    keys.destroy(gone)
    return len(gone)


def _store(sealed: list[tuple[str, str, bytes, bytes, str]], now: datetime) -> None:
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(_COLUMNS, [now, *(list(column) for column in zip(*sealed, strict=True))])
        else:
            moment = connection.ops.adapt_datetimefield_value(now)
            cursor.executemany(_ONE_ROW, [(*row, moment) for row in sealed])


def _sealed(
    rows: Sequence[VaultRow], keys: dict[str, bytes], search_key: bytes
) -> Iterator[tuple[str, str, bytes, bytes, str]]:
    for row in rows:
        key = keys.get(row.subject_id)
        if key is None:
            raise BeingErased(row.subject_id)
        if not is_encodable(row.text):
            expected = _("text without halves of surrogate pairs")
            raise UnstorableText(what=row.name, expected=expected, found="one")
        nonce = secrets.token_bytes(_NONCE_BYTES)
        place = _place(row.subject_id, row.name)
        sealed = AESGCM(key).encrypt(nonce, row.text.encode(), place)
        digest = _digest(search_key, row.name, row.text) if row.searchable else ""
        yield row.subject_id, row.name, nonce, sealed, digest


def _opened(key: bytes | None, subject_id: str, name: str, nonce: bytes, sealed: bytes) -> str:
    if key is None:
        raise VaultUnreadable(subject_id=subject_id, name=name, found=_("its key is missing"))
    try:
        return AESGCM(key).decrypt(nonce, sealed, _place(subject_id, name)).decode()
    except InvalidTag as error:
        found = "it was not sealed with this subject's key in this place"
        raise VaultUnreadable(subject_id=subject_id, name=name, found=found) from error


def _lots(items: Sequence[T]) -> Iterator[Sequence[T]]:
    """Cut into pieces that one statement can take."""
    for start in range(0, len(items), _ROWS_AT_ONCE):
        yield items[start : start + _ROWS_AT_ONCE]


def _place(subject_id: str, name: str) -> bytes:
    return f"{subject_id}\0{name}".encode()


def _digest(search_key: bytes, name: str, text: str) -> str:
    normal = " ".join(unicodedata.normalize("NFKC", text).casefold().split())
    return hmac.new(search_key, f"{name}\0{normal}".encode(), hashlib.sha256).hexdigest()
