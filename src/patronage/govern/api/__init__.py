"""Who is in charge of whom, and by what right, as REST resources."""

from patronage.govern.api import covers, levers, policies, portfolios, service_tiers  # noqa: F401
from patronage.govern.api.router import router

__all__ = ["router"]
