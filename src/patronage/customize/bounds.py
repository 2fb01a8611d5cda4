"""Whom do the enterprise's boundaries keep from which treatments? Above every ruling and rule."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np
import polars as pl

from patronage.customize.deciding import Bools
from patronage.govern.boundaries import BoundaryInForce, boundaries_at
from patronage.govern.limits import FORBIDDING


def forbidding_at(at: datetime) -> tuple[BoundaryInForce, ...]:
    """The boundaries that forbid offers at an instant: protected groups, availability, law."""
    return tuple(each for each in boundaries_at(at) if each.row.kind in FORBIDDING)


def counting_at(at: datetime) -> tuple[BoundaryInForce, ...]:
    """The boundaries at an instant that count what offers take: stock and capacity."""
    return tuple(each for each in boundaries_at(at) if each.row.kind == "capacity")


def forbids(boundary: BoundaryInForce, category: str) -> bool:
    """Whether it is about offers on a category; one on a product alone forbids no category."""
    return boundary.row.category in ("", category) and not boundary.row.product


def beyond_everybody(boundaries: Sequence[BoundaryInForce], frame: pl.DataFrame) -> Bools:
    """``(n, b)``: whom each boundary is about, or may be: what is unknown protects."""
    table = np.zeros((len(frame), len(boundaries)), dtype=np.bool_)
    for column, each in enumerate(boundaries):
        told = frame.select("customer_id", covered=each.covers())
        table[:, column] = told["covered"].to_numpy()
    return table


def beyond_one(boundaries: Sequence[BoundaryInForce], record: Mapping[str, Any]) -> Bools:
    """``(1, b)``: the same of one customer, from a record."""
    answers = [each.may_be_about(record) for each in boundaries]
    return np.array([answers], dtype=np.bool_).reshape(1, len(boundaries))


def within(
    boundaries: Sequence[BoundaryInForce], beyond: Bools, categories: Sequence[str]
) -> Bools:
    """``(n, k)``: no boundary keeps the customer from the treatment.

    Args:
        beyond: ``(n, b)``, as above.
        categories: of each treatment's offer.
    """
    table = np.ones((len(beyond), len(categories)), dtype=np.bool_)
    for place, each in enumerate(boundaries):
        rows = np.flatnonzero(beyond[:, place])
        columns = np.flatnonzero([forbids(each, category) for category in categories])
        table[np.ix_(rows, columns)] = False
    return table


def undisturbed(
    peace: Mapping[str, frozenset[str]], customer_ids: Sequence[str], offer_ids: Sequence[str]
) -> Bools:
    """``(n, k)``: no ruling on a conflict leaves the customer in peace from the treatment's offer.

    Args:
        peace: customer → offers that may not reach them.
        offer_ids: ``(k,)``: of each treatment.
    """
    table = np.ones((len(customer_ids), len(offer_ids)), dtype=np.bool_)
    if not peace:
        return table
    ids = pl.Series(customer_ids, dtype=pl.String)
    for row in ids.is_in(list(peace)).arg_true().to_list():
        kept_from = peace[customer_ids[row]]
        table[row] = [offer_id not in kept_from for offer_id in offer_ids]
    return table
