"""Who is it? Names that come together are read, and one customer is found or made for them."""

from patronage.identify.identity.bundles import Bundle, LeftOut, NamesTwo, Resolution
from patronage.identify.identity.kinds import kind_in_force, kinds_in_force
from patronage.identify.identity.merging import (
    MergeRefused,
    merge_customers,
    unmerge_customers,
)
from patronage.identify.identity.normal import normal
from patronage.identify.identity.resolving import resolve

__all__ = [
    "Bundle",
    "LeftOut",
    "MergeRefused",
    "NamesTwo",
    "Resolution",
    "kind_in_force",
    "kinds_in_force",
    "merge_customers",
    "normal",
    "resolve",
    "unmerge_customers",
]
