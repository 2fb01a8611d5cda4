"""The caller, people, roles, keys and the audit log as REST resources."""

from patronage.access.api import audit, keys, people
from patronage.access.api.router import router

__all__ = ["audit", "keys", "people", "router"]
