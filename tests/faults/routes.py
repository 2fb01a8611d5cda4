"""Which role may do what, on whose things: one row for every route, written out by hand."""

from __future__ import annotations

from typing import Final

from patronage.edge.intake import ADDRESSES

from .page_rows import PAGES
from .resource_rows import RESOURCES

ROWS: Final = (*RESOURCES, *PAGES)

#: what anybody may ask, logged in or not
PUBLIC: Final = frozenset(
    {
        "/login",
        "/login/code",
        "/login/service",
        "/login/service/answer",
        "/logout",
        "/charts/vega-{version}.js",
        "/api/v1/",
        "/api/v1/docs",
        "/api/v1/openapi.json",
    }
)
#: what stands in front of Django; decisions by key have their own matrix
EDGE: Final = ("/live", "/ready", "/api/v1/decisions", *ADDRESSES, "")
