"""Offers, the gate and decisions as REST resources."""

from patronage.customize.api import decisions, offers, rulings  # noqa: F401
from patronage.customize.api.answers import router

__all__ = ["router"]
