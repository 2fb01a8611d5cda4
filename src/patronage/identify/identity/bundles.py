"""Names that came together, and whom they turned out to stand for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

#: What is to be done where one bundle names two customers.
ADOPT: Final = "adopt"
MERGE: Final = "merge"
ASK: Final = "ask"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """The names that one event, row or call gives its customer."""

    #: (kind, value as given) of each; several of one kind are allowed
    names: tuple[tuple[str, str], ...]
    #: when the customer was there; a customer made for the bundle enters then
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """A name that says nothing about this bundle's customer."""

    #: index of the bundle in the batch
    bundle: int
    kind: str
    #: empty, junk, malformed, too long; or "taken": it stands for another customer, or for as many
    #: as it may; or "full": the customer has as many of the kind as they may
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NamesTwo:
    """A bundle whose names stand for two customers."""

    bundle: int
    #: whom the most trusted name stands for
    customer_id: str
    other_id: str
    #: kind of the name that stands for the other
    kind: str
    #: adopt: the other is a visitor; merge: both names prove who they stand for; ask: a steward is
    #: to say whether the two are one
    then: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolution:
    """Who each bundle of a batch is."""

    #: customer id a bundle, in the order of the batch; None: see `unnamed`
    customer_ids: Sequence[str | None]
    #: the id under which a row of the bundle is to be kept: of a merge that is undone later, so
    #: that its history goes back with its names
    came_as: Sequence[str | None]
    #: those among them that were made now
    created: frozenset[str]
    #: index of a bundle without a customer → "no name": none of its names can be used; "unclear":
    #: its names stand for several; "unknown": nobody is known so and none was to be made
    unnamed: Mapping[int, str]
    left_out: Sequence[LeftOut]
    two: Sequence[NamesTwo]
