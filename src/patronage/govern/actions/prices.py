"""List prices are told: what a product costs before any lever."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from django.utils.translation import gettext as _

from patronage.access import audit
from patronage.access.company import current
from patronage.access.roles import Actor, Right
from patronage.access.transactions import atomic, take_turns
from patronage.govern.actions.conditions import stated
from patronage.govern.errors import PriceRefused
from patronage.govern.models import ListPrice
from patronage.govern.products import category_of

MOST_AT_ONCE: Final = 10_000
_MOST: Final = 2**53


def tell_list_prices(*, actor: Actor, now: datetime, prices: Mapping[str, int], reason: str) -> int:
    """Keep list prices of products from now on, in minor units of the company's currency.

    Raises:
        NotAllowed: the actor brings in no data.
        NoReason: no reason is given.
        PriceRefused: a product is not in the catalogue, or an amount cannot be.
    """
    actor.require(Right.IMPORT)
    why = stated(reason)
    if not 1 <= len(prices) <= MOST_AT_ONCE:
        raise PriceRefused(
            _("Tell 1 to %(most_at_once)s prices at once, found %(length)s.")
            % {"most_at_once": f"{MOST_AT_ONCE:,}", "length": f"{len(prices):,}"}
        )
    for product, amount in prices.items():
        if category_of(product) is None:
            raise PriceRefused(
                _("There is no product %(product).130r in the catalogue.") % {"product": product}
            )
        if not 1 <= amount <= _MOST:
            raise PriceRefused(
                _("The price of %(product)r is %(amount)s; it is 1 or more.")
                % {"product": product, "amount": amount}
            )
    currency = current().company.currency
    with atomic():
        take_turns("list prices")
        if ListPrice.objects.filter(product__in=prices, valid_from__gte=now).exists():
            raise PriceRefused(_("A price of one of these products was told for this instant."))
        ListPrice.objects.bulk_create(
            ListPrice(
                product=product,
                amount_minor=amount,
                currency=currency,
                valid_from=now,
                reason=why,
                actor_id=actor.id,
                recorded_at=now,
            )
            for product, amount in prices.items()
        )
        told = "\n".join(f"{product}\t{prices[product]}" for product in sorted(prices))
        audit.record(
            actor=actor,
            now=now,
            action="tell list prices",
            subject_kind="list prices",
            subject_id=str(len(prices)),
            right=Right.IMPORT,
            reason=why,
            before={},
            change={
                "products": len(prices),
                "currency": currency,
                "digest": hashlib.sha256(told.encode()).hexdigest(),
            },
        )
    return len(prices)
