"""Which event is this message? Its id follows from the message's, so that a repeat is the same."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from patronage.access.key_file import key_file
from patronage.vocabulary.ids import IdPrefix, id_from

_PERSON: Final = b"patronage event"


def event_ids(message_ids: Iterable[str]) -> list[str]:
    """Give the event id of each message id: keyed BLAKE2b, so that nobody can guess one.

    The key is the one of the vault's digests, which lives as long as the data.
    """
    key = key_file().search_key()
    lead = _keyed(key)
    ids = []
    for message_id in message_ids:
        state = lead.copy()
        state.update(message_id.encode())
        ids.append(id_from(IdPrefix.EVENT, state.digest()))
    return ids


@lru_cache(maxsize=4)
def _keyed(key: bytes) -> hashlib.blake2b:
    return hashlib.blake2b(key=key, digest_size=22, person=_PERSON)
