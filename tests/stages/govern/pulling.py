"""Levers granted, pulled and ruled on, and boundaries set, in the small company."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import polars as pl

from patronage.access import datasets
from patronage.access.transactions import atomic
from patronage.govern.actions import (
    grant_lever,
    pull_lever,
    rule_on_lever,
    set_boundary,
)
from patronage.govern.boundaries import NewBoundary
from patronage.govern.models import Boundary, Grant, LeverUse

from .world import World


def catalogued(now: datetime) -> None:
    """Two products, of two categories."""
    names = ("product_id", "department", "category", "subcategory", "brand", "manufacturer")
    rows = [
        ("loaf", "BAKERY", "BREAD", None, None, None, None, "imp_1"),
        ("novel", "MEDIA", "BOOKS", None, None, None, None, "imp_1"),
    ]
    frame = pl.DataFrame(
        rows,
        schema=dict.fromkeys((*names, "package", "import_id"), pl.String),
        orient="row",
    )
    with atomic():
        manifest = datasets.warehouse().append("products", frame.to_arrow(), base=None)
        datasets.commit(dataset="products", manifest=manifest, cause="tests", now=now)


def granted(world: World, lever: str, limit: int, **more: Any) -> Grant:
    asked: dict[str, Any] = {"per": "use", "now": world.now, "reason": "agreed"} | more
    if "role" not in asked and "portfolio_id" not in asked:
        asked["portfolio_id"] = world.portfolios["New"]
    return grant_lever(actor=world.actor("eve"), lever=lever, limit=limit, **asked)


def pull(world: World, by: str, customer: str, lever: str, amount: int, **more: Any) -> LeverUse:
    asked: dict[str, Any] = {"now": world.now, "reason": "a late delivery"} | more
    return pull_lever(
        actor=world.actor(by), customer_id=customer, lever=lever, amount=amount, **asked
    )


def say(world: World, by: str, use: LeverUse, ruling: str, **more: Any) -> LeverUse:
    asked: dict[str, Any] = {"now": world.now, "reason": "looked at it"} | more
    return rule_on_lever(actor=world.actor(by), use_id=use.id, ruling=ruling, **asked)


def bounded(world: World, kind: str, **more: Any) -> Boundary:
    asked: dict[str, Any] = {"name": kind, "kind": kind, "source": "board"} | more
    new = NewBoundary(**asked)
    return set_boundary(actor=world.actor("eve"), now=world.now, new=new, reason="decided")
