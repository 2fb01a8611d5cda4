"""What does a customer pay for a product today, and why? One question with one answer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop as _noop

from patronage.access.errors import NotFound, Refused
from patronage.access.roles import Actor, Right
from patronage.govern.levers import situation_of
from patronage.govern.limits import WHOLE, Reason, price_of
from patronage.govern.models import ListPrice
from patronage.govern.products import category_of, list_price_of
from patronage.govern.said import Said
from patronage.identify.in_sight import require_customer
from patronage.vocabulary.money import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class TermsReason:
    """One thing that the terms rest on."""

    #: "list price", "lever" or "boundary"
    kind: str
    #: id of the use or boundary; empty without one
    id: str
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerTerms:
    """What a customer pays for a product, or for a category, at an instant."""

    customer_id: str
    #: empty: asked about a category
    product: str
    category: str
    at: datetime
    currency: str
    #: what it costs before any lever; None: nobody told, or asked about a category
    list_price_minor: int | None
    #: what this customer pays, to the nearest minor unit within every boundary; None: not known
    price_minor: int | None
    #: what they pay as a share of the list price, in basis points rounded to the nearest;
    #: None where boundaries leave no price
    price_basis_points: int | None
    #: below the list price, in basis points; 0: none
    discount_basis_points: int | None
    #: above the list price, in basis points; 0: none
    premium_basis_points: int | None
    #: whether it is to be had
    available: bool
    reasons: tuple[TermsReason, ...]


def terms(
    actor: Actor,
    customer_id: str,
    now: datetime,
    *,
    product: str = "",
    category: str = "",
) -> CustomerTerms:
    """Say what a customer pays for a product today; of a category, as a share of its prices.

    The answer is within every boundary of the day, whatever levers were pulled.

    Raises:
        NotAllowed: the actor neither sees customers nor asks for decisions.
        NotFound: there is no such customer in the actor's scope, or no such product.
        Refused: neither or both of product and category are named.
    """
    if not actor.may(Right.DECIDE):
        actor.require(Right.SEE_CUSTOMERS)
    customer = require_customer(actor, customer_id, now)
    if bool(product) == bool(category):
        raise Refused(_("Name a product or a category, not both."))
    if product:
        found = category_of(product)
        if found is None:
            raise NotFound(noun="product", id=product)
        category = found
    situation = situation_of(customer, now)
    told = list_price_of(product, now) if product else None
    list_price = None if told is None else told.amount_minor
    bounds = situation.bounds()
    price = price_of(category, product, situation.in_force, bounds, list_price)
    share = None if price.share is None else round(price.share * WHOLE)
    missing = [each for each in bounds if each.kind == "availability"]
    missing += [each for each in situation.bounds("offer") if each.is_used_up]
    gone = [each for each in missing if each.is_about(category, product)]
    reasons = [_listed(product, told)]
    reasons += [
        Reason(
            kind="boundary",
            id=each.id,
            said=Said(_noop("not to be had: '%(boundary)s'"), {"boundary": each.name}),
        )
        for each in gone
    ]
    return CustomerTerms(
        customer_id=customer.id,
        product=product,
        category=category,
        at=now,
        currency=situation.currency,
        list_price_minor=list_price,
        price_minor=None if list_price is None else price.minor(list_price),
        price_basis_points=share,
        discount_basis_points=None if share is None else max(0, WHOLE - share),
        premium_basis_points=None if share is None else max(0, share - WHOLE),
        available=not gone,
        reasons=tuple(
            TermsReason(kind=each.kind, id=each.id, words=each.words)
            for each in (*reasons, *price.reasons)
        ),
    )


def _listed(product: str, told: ListPrice | None) -> Reason:
    if told is not None:
        price = str(Money(told.amount_minor, told.currency))
        words = Said(
            _noop("list price %(price)s, since %(day)s"),
            {"price": price, "day": f"{told.valid_from:%Y-%m-%d}"},
        )
    elif product:
        words = Said(_noop("no list price: nobody told one, so that only the share of it is known"))
    else:
        words = Said(
            _noop("no list price: a category has many, so that only the share of each is known")
        )
    return Reason(kind="list price", id="", said=words)
