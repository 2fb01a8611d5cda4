"""How many contacts may a customer still get in a month, and which place does the next one take?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import count

import numpy as np
import polars as pl
from django.db.models import QuerySet

from patronage.customize.deciding import Bools
from patronage.customize.models import Contact
from patronage.identify import merged

#: Customers by month and place taken.
Taken = Mapping[tuple[str, int], set[str]]


def places_taken(
    months: Sequence[str], customer_ids: Sequence[str] | None = None, besides: str | None = None
) -> Taken:
    """Which customers have which places of these months; cancelled contacts gave theirs back.

    A customer who absorbed another has the places of both.

    Args:
        customer_ids: only of these; None: of all.
        besides: a run whose own contacts are left out.
    """
    contacts: QuerySet[Contact] = Contact.objects.filter(cap_month__in=months)
    if customer_ids is not None:
        contacts = contacts.filter(customer_id__in=merged.parts_of(customer_ids))
    if besides is not None:
        contacts = contacts.exclude(decision__run=besides)
    taken: dict[tuple[str, int], set[str]] = {}
    into, of_absorbed = merged.mapping(), []
    rows = contacts.exclude(state="cancelled").values_list("cap_month", "cap_place", "customer_id")
    for month, place, customer_id in rows.iterator(chunk_size=10_000):
        if customer_id in into:
            of_absorbed.append((month, into[customer_id]))
        else:
            taken.setdefault((month, place), set()).add(customer_id)
    for month, kept in of_absorbed:
        # what the absorbed was sent takes the kept customer's next place that is free
        place = next(each for each in count(1) if kept not in taken.get((month, each), ()))
        taken.setdefault((month, place), set()).add(kept)
    return taken


def full_months(
    taken: Taken, months: Sequence[str], customer_ids: Sequence[str], places: int
) -> dict[str, Bools]:
    """By month, ``(n,)``: whether the customer has no place left."""
    full: dict[str, Bools] = {}
    for month in months:
        sets = [taken.get((month, place), set()) for place in range(1, places + 1)]
        none_left = set.intersection(*sets) if sets else set(customer_ids)
        full[month] = np.fromiter(
            map(none_left.__contains__, customer_ids), dtype=np.bool_, count=len(customer_ids)
        )
    return full


def lowest_places(taken: Taken, wanted: pl.DataFrame, places: int) -> pl.Series:
    """The lowest free place for each of many customers at once; NULL where there is none.

    Args:
        wanted: `customer_id` and `month`, nobody twice for one month.
    """
    found = pl.lit(None, dtype=pl.Int64)
    for number in range(places, 0, -1):
        free = pl.lit(True)
        for month in wanted["month"].unique():
            gone = pl.Series(list(taken.get((month, number), ())), dtype=pl.String)
            here = pl.col("month") == month
            free = free & ~(here & pl.col("customer_id").is_in(gone.implode()))
        found = pl.when(free).then(pl.lit(number, dtype=pl.Int64)).otherwise(found)
    return wanted.select(place=found)["place"]


def free_places(taken: Taken, wanted: Sequence[tuple[str, str]], places: int) -> list[int | None]:
    """The lowest free place for each (customer, month) in turn; None where there is none.

    A customer who stands twice for one month gets two places.
    """
    given: dict[tuple[str, str], set[int]] = {}
    found: list[int | None] = []
    for customer_id, month in wanted:
        mine = given.setdefault((customer_id, month), set())
        place = next(
            (
                number
                for number in range(1, places + 1)
                if number not in mine and customer_id not in taken.get((month, number), ())
            ),
            None,
        )
        if place is not None:
            mine.add(place)
        found.append(place)
    return found
