"""Customers whose portfolios chose another model than the rest: each is valued under theirs."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import polars as pl

from patronage.differentiate.valuation.scoring import Models


def by_model(
    frame: pl.DataFrame,
    models: Models,
    others: Mapping[str, Models],
    work: Callable[[pl.DataFrame, Models], pl.DataFrame],
) -> pl.DataFrame:
    """Work on the customers of each model together.

    Args:
        frame: one row a customer, with `model_version` where there are others.
        models: of everybody whose version is none of the others.
        others: by id of the version.

    Returns:
        What `work` gives, one row a customer, in the order of the frame.
    """
    if not others:
        return work(frame, models)
    parts = frame.with_row_index("_place").partition_by("model_version", maintain_order=True)
    done = [
        work(part.drop("_place"), others.get(part["model_version"][0], models)).with_columns(
            part["_place"]
        )
        for part in parts
    ]
    return pl.concat(done).sort("_place").drop("_place")
