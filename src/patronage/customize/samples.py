"""Which customers of a portfolio stand for all of them? Drawn by chance within classes of value.

Few customers carry most of the value, and what a rule does to one of them moves the most money. So
each class gives as many customers as any other, whatever its share of the portfolio, and stands for
itself alone. Source: Cochran, *Sampling Techniques*, 3rd edition, 1977, chapter 5.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from django.db.models import F, QuerySet, Window
from django.db.models.functions import RowNumber

from patronage.customize.deciding import Floats, Ints
from patronage.govern.models import Standing

#: Shares of a portfolio's valued customers in each class, the most valuable first; whose value is
#: unknown are a class of their own.
SHARES: Final = (0.01, 0.04, 0.15, 0.30, 0.50)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """Some customers, and what each of them stands for."""

    #: sorted
    customer_ids: list[str]
    #: ``int64 (n,)``: the class of each
    stratum: Ints
    #: ``int64 (H,)``: customers of the portfolio in each class
    sizes: Ints

    @property
    def weights(self) -> Floats:
        """``(n,)``: how many customers each stands for, itself included."""
        drawn = np.bincount(self.stratum, minlength=len(self.sizes))
        return (self.sizes / np.maximum(drawn, 1))[self.stratum]

    def only(self, customer_ids: list[str]) -> Sample:
        """Those of them who are named, in that order; the classes shrink by the share left out."""
        place = {key: row for row, key in enumerate(self.customer_ids)}
        rows = np.array([place[key] for key in customer_ids], dtype=np.int64)
        drawn = np.bincount(self.stratum, minlength=len(self.sizes))
        left = np.bincount(self.stratum[rows], minlength=len(self.sizes))
        sizes = np.rint(self.sizes * left / np.maximum(drawn, 1)).astype(np.int64)
        return Sample(customer_ids=customer_ids, stratum=self.stratum[rows], sizes=sizes)

    def total(self, values: Floats) -> float:
        """What the portfolio's sum of these values is expected to be; ``(n,)``."""
        return float((self.weights * values).sum())

    def variance(self, values: Floats) -> float:
        """Of that total, by the choice of the sample; ``(n,)``. A whole class adds nothing."""
        found = 0.0
        for stratum, size in enumerate(self.sizes.tolist()):
            some = values[self.stratum == stratum]
            if 1 < len(some) < size:
                left_out = 1.0 - len(some) / size
                found += size**2 * left_out * float(some.var(ddof=1)) / len(some)
        return found


def everybody(count: int) -> Sample:
    """A sample that leaves nobody out."""
    return Sample(customer_ids=[], stratum=np.zeros(count, dtype=np.int64), sizes=np.array([count]))


def drawn(portfolio_id: str, salt: str, most: int) -> Sample:
    """Draw up to `most` of a portfolio's customers, the same ones for the same salt.

    Args:
        salt: a digest, in hexadecimal digits.
    """
    held = Standing.objects.filter(portfolio=portfolio_id)
    valued, unvalued = held.filter(value_minor__isnull=False), held.filter(value_minor__isnull=True)
    count, unknown = valued.count(), unvalued.count()
    edges = np.rint(np.cumsum([0.0, *SHARES]) * count).astype(np.int64)
    sizes = np.array([*np.diff(edges), unknown], dtype=np.int64)
    random = np.random.default_rng(int(salt[:16], 16))
    starts = [*edges[:-1].tolist(), 0]
    chosen = [
        start + random.choice(size, taken, replace=False)
        for start, size, taken in zip(starts, sizes.tolist(), _shared(sizes, most), strict=True)
    ]
    by_value = _at(valued, np.concatenate(chosen[:-1]))
    found = {key: int(np.searchsorted(edges, place, side="right")) - 1 for key, place in by_value}
    found |= dict.fromkeys((key for key, _ in _at(unvalued, chosen[-1])), len(SHARES))
    ids = sorted(found)
    stratum = np.array([found[key] for key in ids], dtype=np.int64)
    return Sample(customer_ids=ids, stratum=stratum, sizes=sizes)


def _shared(sizes: Ints, most: int) -> list[int]:
    """How many of each class: the same of each, and what small ones leave goes to the others."""
    taken = [0] * len(sizes)
    left, open_classes = most, len(sizes)
    for stratum in np.argsort(sizes, kind="stable").tolist():
        taken[stratum] = min(int(sizes[stratum]), left // open_classes)
        left, open_classes = left - taken[stratum], open_classes - 1
    return taken


def _at(rows: QuerySet[Standing], places: Ints) -> list[tuple[str, int]]:
    """The customers at these places, from 0 on, of the rows by value, as lists are sorted."""
    by_value = Window(RowNumber(), order_by=[F("value_minor").desc(), F("customer_id").asc()])
    if not len(places):
        return []
    wanted = rows.annotate(place=by_value).filter(place__in=[each + 1 for each in places.tolist()])
    return [(key, place - 1) for key, place in wanted.values_list("pk", "place")]
