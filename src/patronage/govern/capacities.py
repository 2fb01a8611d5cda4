"""How much of a declared stock or capacity is left, and who takes of it?

Stock of a product and capacity of a service are boundaries that count. What is offered to
customers and what a lever grants take from the same count, in the transaction that writes them, so
that it is never overspent however many deciders run; what does not go out, or is taken back, is
given back.
A boundary that is set anew counts anew: its limit is what there is from then on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime

from django.db.models import F

from patronage.access.company import current
from patronage.govern.errors import CapacityTaken
from patronage.govern.models import Boundary, Capacity
from patronage.vocabulary.periods import BusinessCalendar


def taken_of(row: Boundary, at: datetime) -> int:
    """How much of one boundary is taken at an instant."""
    return taken_of_all([row], at)[row.id]


def taken_of_all(rows: Iterable[Boundary], at: datetime) -> dict[str, int]:
    """The same of several, by the boundary's id."""
    periods = {row.id: _period(row, at) for row in rows}
    told = Capacity.objects.filter(boundary__in=periods).values_list("boundary", "period", "taken")
    found = {(boundary, period): taken for boundary, period, taken in told}
    return {pk: found.get((pk, period), 0) for pk, period in periods.items()}


def take(wanted: Mapping[str, int], rows: Iterable[Boundary], at: datetime) -> dict[str, int]:
    """Take so much of each boundary, by id: checked and written in one statement each.

    Returns:
        The number of the count that was taken from, by the boundary's id.

    Raises:
        CapacityTaken: there is not so much left of one; roll back.
    """
    counts: dict[str, int] = {}
    for row in sorted(rows, key=lambda row: row.id):
        amount = wanted.get(row.id, 0)
        if amount == 0:
            continue
        count = {"boundary_id": row.id, "period": _period(row, at)}
        Capacity.objects.bulk_create(
            [Capacity(**count, limit=row.limit or 0)], ignore_conflicts=True
        )
        enough = Capacity.objects.filter(**count, limit__gte=F("taken") + amount)
        if enough.update(taken=F("taken") + amount) != 1:
            raise CapacityTaken(name=row.name, limit=row.limit or 0, wanted=amount)
        counts[row.id] = Capacity.objects.get(**count).pk
    return counts


def return_taken(held: Iterable[tuple[str, int]]) -> None:
    """Give back what each of these holds: the numbers of its counts, and how much of each."""
    amounts: Counter[int] = Counter()
    for numbers, amount in held:
        for number in numbers.split():
            amounts[int(number)] += amount
    for pk in sorted(amounts):
        Capacity.objects.filter(pk=pk).update(taken=F("taken") - amounts[pk])


def _period(row: Boundary, at: datetime) -> str:
    if row.per != "quarter":
        return ""
    calendar = BusinessCalendar(current().company.time_zone)
    return str(calendar.quarter_of(calendar.date_of(at)))
