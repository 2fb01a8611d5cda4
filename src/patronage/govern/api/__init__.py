"""Who is in charge of whom, and by what right, as REST resources."""

from patronage.govern.api import (  # noqa: F401
    accounts,
    conflicts,
    covers,
    fence,
    levers,
    policies,
    portfolios,
    service_tiers,
)
from patronage.govern.api.router import router

__all__ = ["router"]
