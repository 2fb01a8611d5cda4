"""The list of the value page as a CSV file: exact minor units, one row a customer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from typing import Final

import polars as pl
from django.http import StreamingHttpResponse
from django.views.decorators.http import require_safe

from patronage.access.requests import CallerRequest
from patronage.differentiate.pages.asked import Asked
from patronage.differentiate.reads.customer_base import CustomerBase, customer_base
from patronage.differentiate.reads.in_sight import labels_of
from patronage.differentiate.reads.worth_list import Sort, WorthRow, sorted_worth
from patronage.identify.imports.quarantine import safe_cell

COLUMNS: Final = tuple(each.name for each in fields(WorthRow))
_AT_ONCE: Final = 500
_TEXTS: Final = ("customer_id", "label", "tier", "need", "objective")


@require_safe
def value_csv(request: CallerRequest) -> StreamingHttpResponse:
    """Everybody whom the address asks for, in its order."""
    asked = Asked.by(request)
    base = customer_base(request.actor, request.now, as_of=request.as_of, chosen=asked.chosen)
    name = f"value-{base.run.as_of.isoformat()}.csv"
    return StreamingHttpResponse(
        _lines(base, asked.sort),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def _lines(base: CustomerBase, sort: Sort) -> Iterator[str]:
    """The file piece by piece; no text in it can be taken for a formula, amounts stay numbers."""
    ordered = sorted_worth(base, sort)
    yield ",".join(("as_of", "currency", *COLUMNS)) + "\r\n"
    for piece in ordered.iter_slices(_AT_ONCE):
        labels = labels_of(piece["customer_id"].to_list())
        frame = piece.with_columns(
            pl.col("customer_id").replace_strict(labels, default="").alias("label"),
            as_of=pl.lit(base.run.as_of),
            currency=pl.lit(base.run.currency),
        ).with_columns(_safe(name) for name in _TEXTS)
        yield frame.select("as_of", "currency", *COLUMNS).write_csv(
            include_header=False, line_terminator="\r\n"
        )


def _safe(name: str) -> pl.Expr:
    return pl.col(name).map_elements(safe_cell, return_dtype=pl.String)
