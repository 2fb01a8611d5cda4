"""What roles, rights' reaches and kinds of change are called on screen."""

from __future__ import annotations

from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from patronage.access.roles import Reach, Role

ROLE_WORDS: Final[dict[Role, Promise]] = {
    Role.EXECUTIVE: gettext_lazy("Executive"),
    Role.MANAGER: gettext_lazy("Customer manager"),
    Role.KEY_ACCOUNT_MANAGER: gettext_lazy("Key account manager"),
    Role.CAPABILITIES_MANAGER: gettext_lazy("Capabilities manager"),
    Role.OFFER_OWNER: gettext_lazy("Offer owner"),
    Role.AGENT: gettext_lazy("Agent"),
    Role.COMPLAINT_HANDLER: gettext_lazy("Complaint handler"),
    Role.ANALYST: gettext_lazy("Analyst"),
    Role.ADMINISTRATOR: gettext_lazy("Administrator"),
    Role.SERVICE: gettext_lazy("Service"),
}
ROLE_WORK: Final[dict[Role, Promise]] = {
    Role.EXECUTIVE: gettext_lazy("Answers for the whole base and publishes its statements."),
    Role.MANAGER: gettext_lazy("Decides what reaches the customers of their portfolios."),
    Role.KEY_ACCOUNT_MANAGER: gettext_lazy("The same for organisations and their accounts."),
    Role.CAPABILITIES_MANAGER: gettext_lazy("Sees to what the company can deliver."),
    Role.OFFER_OWNER: gettext_lazy("Proposes offers; managers let them through or not."),
    Role.AGENT: gettext_lazy("Talks with customers and passes on what they say."),
    Role.COMPLAINT_HANDLER: gettext_lazy("Hears complaints out and sells nothing."),
    Role.ANALYST: gettext_lazy("Values customers and checks the figures."),
    Role.ADMINISTRATOR: gettext_lazy("Brings data in, runs the loop and keeps people and rights."),
    Role.SERVICE: gettext_lazy("Another system: a shop, a call centre, a mailer."),
}
CUSTOMERS_REACHED: Final[dict[Reach, Promise]] = {
    Reach.ALL: gettext_lazy("all customers"),
    Reach.OWN: gettext_lazy("customers of their portfolios"),
    Reach.NONE: gettext_lazy("no customers"),
}
OFFERS_REACHED: Final[dict[Reach, Promise]] = {
    Reach.ALL: gettext_lazy("all offers"),
    Reach.OWN: gettext_lazy("offers of their teams"),
    Reach.NONE: gettext_lazy("no offers"),
}
