"""Which options did the customer take? Checked against what the decision offered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from patronage.access.errors import NotFound
from patronage.access.roles import Actor, Right
from patronage.customize.errors import OptionsRefused
from patronage.customize.models import Contact
from patronage.customize.options import read_options, wrong_together
from patronage.identify.in_sight import customers_in_sight


@dataclass(frozen=True, slots=True, kw_only=True)
class PricedOptions:
    """A set of options that goes together, and what it adds to what the customer pays."""

    decision_id: str
    options: tuple[str, ...]
    price_minor: int
    currency: str


def price_options(
    *, actor: Actor, now: datetime, decision_id: str, options: Sequence[str]
) -> PricedOptions:
    """Say what a set of options costs, if the decision offered each and they go together.

    Raises:
        NotAllowed: the actor may not have decisions made.
        NotFound: there is no such decision with a contact of a customer in the actor's scope.
        OptionsRefused: an option was not offered, or two of them do not go together.
    """
    actor.require(Right.DECIDE)
    seen = customers_in_sight(actor, now)
    contact = Contact.objects.filter(decision_id=decision_id, customer__in=seen).first()
    if contact is None:
        raise NotFound(noun="decision", id=decision_id)
    offered = read_options(contact.terms.get("options", ()))
    prices = {each.name: each.price_minor for each in offered}
    for name in options:
        if name not in prices:
            raise OptionsRefused(
                _("%(name).80r is none of the options offered (%(prices)s).")
                % {"name": name, "prices": ", ".join(prices) or _("none")}
            )
    wrong = wrong_together(offered, options)
    if wrong is not None:
        raise OptionsRefused(_("These options do not go together: %(wrong)s") % {"wrong": wrong})
    chosen = tuple(sorted(set(options)))
    return PricedOptions(
        decision_id=decision_id,
        options=chosen,
        price_minor=sum(prices[name] for name in chosen),
        currency=contact.terms.get("currency", ""),
    )
