"""A customer's page: who is in charge, what they are worth, what to do next, what happened."""

from patronage.interact.pages.customer import customer
from patronage.interact.pages.needs import close_need, record_need
from patronage.interact.pages.timeline import timeline

__all__ = ["close_need", "customer", "record_need", "timeline"]
