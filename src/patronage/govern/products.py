"""Which category is a product of, and what does it cost on the list?

A room of its own because both are asked for one product in a moment, where a query on files is
slow: the newest catalogue's categories are kept in memory.
"""

from __future__ import annotations

from datetime import datetime

from django.conf import settings

from patronage.access import datasets
from patronage.govern.models import ListPrice

#: by warehouse: number of the catalogue's state, then category by product
_KEPT: dict[str, tuple[int | None, dict[str, str]]] = {}


def category_of(product: str) -> str | None:
    """The product's category; None for a product that is not in the catalogue."""
    root, number = str(settings.WAREHOUSE_ROOT), datasets.head("products")
    kept = _KEPT.get(root)
    if kept is None or kept[0] != number:
        kept = _KEPT[root] = (number, _load() if number is not None else {})
    return kept[1].get(product)


def _load() -> dict[str, str]:
    rows = datasets.read("products").select("product_id", "category")
    frame = datasets.warehouse().polars(rows)
    return dict(zip(frame["product_id"].to_list(), frame["category"].to_list(), strict=True))


def list_price_of(product: str, at: datetime) -> ListPrice | None:
    """What the product costs before any lever; None where nobody told."""
    told = ListPrice.objects.filter(product=product, valid_from__lte=at)
    return told.order_by("-valid_from").first()
