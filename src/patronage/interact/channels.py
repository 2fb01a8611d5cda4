"""How does a contact leave the house? The protocol that every channel keeps, and its records.

A channel is handed batches under a fencing token. It promises three things: a contact that it
reports as sent is durable; a token that was taken over writes nothing any more; and asked what
became of contacts whose sender is gone, it says so or says that it cannot tell. So a marketing
contact is never doubled, whoever is killed and when.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol

#: What became of a contact whose sender is gone; "unknown" is never sent again.
Found = Literal["sent", "unsent", "unknown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One contact as its channel sees it."""

    #: id of the contact; the receiver can tell a repeat by it
    contact_id: str
    #: random id of the customer
    customer_id: str
    #: identifiers that may leave the house: (kind, value)
    identifiers: Sequence[tuple[str, str]]
    #: id of the treatment
    treatment_id: str
    #: name of the offer
    offer: str
    #: words to use, as ruled
    wording: str
    #: the offer's terms as ruled, such as the face value
    terms: Mapping[str, Any] = field(default_factory=dict)
    #: from when on it may go out
    due_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Contacts of one channel, leased together."""

    #: fencing token of the lease
    token: str
    #: business instant of the hand-over
    at: datetime
    messages: Sequence[Message]


@dataclass(frozen=True, slots=True, kw_only=True)
class Handed:
    """How the hand-over of one contact ended."""

    contact_id: str
    #: "sent"; "refused": never try again; "failed": try again later. Both mean: surely not sent
    outcome: Literal["sent", "refused", "failed"]
    #: why, where it was not sent
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Takeover:
    """Contacts whose lease ran out before anybody said how they ended."""

    #: tokens that must not write from here on
    tokens: frozenset[str]
    #: contacts leased under them
    contact_ids: frozenset[str]
    #: the earliest instant at which one of them may have gone out
    since: datetime


class Channel(Protocol):
    """A way to reach customers."""

    @property
    def name(self) -> str:
        """The channel's name in `company.toml`."""

    def hand_over(self, batch: Batch) -> Sequence[Handed]:
        """Send every message, durably; give one answer a message.

        Raises:
            LeaseLost: the batch's token was taken over; nothing was written.
            OSError: what was written is unknown; the lease is left to run out.
        """

    def take_over(self, takeover: Takeover) -> Mapping[str, Found]:
        """Shut the tokens out for good, then say of each contact whether it went out."""
