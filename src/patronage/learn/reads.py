"""What may be seen of read-outs: figures over all customers, nobody by name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from patronage.access.errors import NotFound
from patronage.access.roles import Actor, Right
from patronage.learn.models import ReadOut


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadOutPage:
    """Some read-outs, by the date decided for, newest first."""

    read_outs: Sequence[ReadOut]
    #: pass it as `before` for the ones that follow; None at the end
    next: date | None


def read_outs(actor: Actor, *, before: date | None = None, limit: int = 50) -> ReadOutPage:
    """Give read-outs of decisions as of a date earlier than `before`, newest first."""
    actor.require(Right.READ_OUT)
    wanted = ReadOut.objects.select_related("run").order_by("-run__as_of", "-read_at", "-id")
    if before is not None:
        wanted = wanted.filter(run__as_of__lt=before)
    found = list(wanted[: limit + 1])
    if len(found) <= limit:
        return ReadOutPage(read_outs=found, next=None)
    # Read-outs of one date stay together, so that none is lost between pages.
    last = found[limit - 1].run.as_of
    shown = list(wanted.filter(run__as_of__gte=last))
    more = wanted.filter(run__as_of__lt=last).exists()
    return ReadOutPage(read_outs=shown, next=last if more else None)


def read_out(actor: Actor, id: str) -> ReadOut:
    """Give one read-out.

    Raises:
        NotFound: there is none of that id.
    """
    actor.require(Right.READ_OUT)
    found = ReadOut.objects.select_related("run").filter(pk=id).first()
    if found is None:
        raise NotFound(noun="read-out", id=id)
    return found
