"""What may a boundary say, which hold at an instant, and about whom?

A room of its own because levers, what customers pay, and every decision must mean the same by it.
A boundary is about a customer unless it is surely not: what is unknown protects.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, Final

import polars as pl
from django.db.models import Exists, OuterRef
from django.utils.translation import gettext as _

from patronage.access.asking import in_words
from patronage.access.roles import RULING_ON_CONFLICTS, Actor
from patronage.differentiate.reads import field_values
from patronage.govern.accounts import of_some
from patronage.govern.errors import BoundaryRefused
from patronage.govern.fields import BOUNDARY_FIELDS
from patronage.govern.limits import BOUNDARY_PERS, FORBIDDING, KINDS, SUMMED, WHOLE
from patronage.govern.models import Boundary, Standing
from patronage.govern.models.boundaries import SOURCES
from patronage.govern.rule_reading import read_rule
from patronage.govern.service_tiers import of_one
from patronage.identify.fields import record_of
from patronage.identify.models import Customer
from patronage.vocabulary.company import Company
from patronage.vocabulary.periods import BusinessCalendar
from patronage.vocabulary.predicates import Predicate, PredicateError

LONGEST_NAME: Final = 100
LONGEST_SUBJECT: Final = 120
MOST: Final = 2**53

#: what the limits of each kind are in; a price floor says so itself
LIMITED_IN: Final = {
    "discount_cap": "basis points",
    "premium_cap": "basis points",
    "goodwill_cap": "minor units",
    "contact_cap": "times",
    "conflict": "days",
    "capacity": "times",
}
#: of a boundary on conflicts
LONGEST_DEADLINE_DAYS: Final = 365


@dataclass(frozen=True, slots=True, kw_only=True)
class NewBoundary:
    """A boundary as a person writes it."""

    name: str
    #: one of `govern.limits.KINDS`
    kind: str
    #: law, contract or board
    source: str
    #: about which customers; empty: everybody
    when: str = ""
    #: empty: every category
    category: str = ""
    #: empty: every product
    product: str = ""
    #: None where the kind forbids
    limit: int | None = None
    #: of a price floor: basis points of the list price, or minor units
    unit: str = ""
    #: of a limit on a sum: use, customer_quarter or quarter; of a capacity: quarter or all
    per: str = "use"
    #: of a boundary on conflicts: the role that rules
    role: str = ""


@dataclass(frozen=True, kw_only=True)
class BoundaryInForce:
    """A boundary with its condition read."""

    row: Boundary

    @cached_property
    def condition(self) -> Predicate | None:
        """On customers; None: everybody."""
        tree = self.row.when_tree
        return None if tree is None else Predicate.from_json(tree, BOUNDARY_FIELDS)

    def may_be_about(self, record: Mapping[str, Any]) -> bool:
        """Whether it is not surely about other customers only."""
        return self.condition is None or self.condition.evaluate(record) is not False

    def covers(self) -> pl.Expr:
        """The same for a frame of customers."""
        if self.condition is None:
            return pl.lit(True)
        return self.condition.to_polars().fill_null(True)


#: by id: a row never changes, so that what was read of it is kept
_READ: dict[str, BoundaryInForce] = {}
_MOST_READ = 10_000


def boundaries_at(at: datetime) -> tuple[BoundaryInForce, ...]:
    """The boundaries that hold at an instant, by name."""
    begun = Boundary.objects.filter(valid_from__lte=at)
    later = begun.filter(name=OuterRef("name"), valid_from__gt=OuterRef("valid_from"))
    found = begun.filter(~Exists(later), lifted=False).order_by("name")
    return tuple(_read(row) for row in found)


def next_boundary(now: datetime) -> datetime | None:
    """The first instant after now at which a boundary begins to hold, or no longer does."""
    ahead = Boundary.objects.filter(valid_from__gt=now).order_by("valid_from")
    return ahead.values_list("valid_from", flat=True).first()


def about(
    boundaries: Iterable[BoundaryInForce], customer: Customer, standing: Standing, at: datetime,
    company: Company,
) -> list[BoundaryInForce]:  # fmt: skip
    """Those that are about the customer, or may be."""
    every = list(boundaries)
    if not any(each.condition is not None for each in every):
        return every
    record = {
        **record_of(customer, BusinessCalendar(company.time_zone)),
        **field_values(customer.id, at),
        "portfolio": standing.portfolio.name,
        "service_tier": of_one(standing, at, company),
        **of_some([customer.id], at)[customer.id],
    }
    return [each for each in every if each.may_be_about(record)]


def _read(row: Boundary) -> BoundaryInForce:
    kept = _READ.get(row.id)
    if kept is None:
        if len(_READ) >= _MOST_READ:
            _READ.clear()
        kept = _READ[row.id] = BoundaryInForce(row=row)
    return kept


def checked(new: NewBoundary, actor: Actor) -> Boundary:
    """Read a boundary as somebody wrote it; nothing is stored.

    Raises:
        BoundaryRefused: it cannot be used.
    """
    name, subject = " ".join(new.name.split()), [new.category.strip(), new.product.strip()]
    if not 1 <= len(name) <= LONGEST_NAME or not name.isprintable():
        raise BoundaryRefused(
            _("A boundary has a name of 1 to %(longest_name)s characters; found %(length)s.")
            % {"longest_name": LONGEST_NAME, "length": len(name)}
        )
    for text in subject:
        if len(text) > LONGEST_SUBJECT or not text.isprintable():
            raise BoundaryRefused(
                _("A category or product has at most %(longest_subject)s printable characters.")
                % {"longest_subject": LONGEST_SUBJECT}
            )
    for given, known in ((new.kind, KINDS), (new.source, SOURCES), (new.per, BOUNDARY_PERS)):
        if given not in known:
            raise BoundaryRefused(
                _("%(given).40r is none of %(known)s.")
                % {"given": given, "known": ", ".join(known)}
            )
    limit, unit = _limit(new)
    when = new.when.strip()
    if new.per != "use" and new.kind not in SUMMED:
        raise BoundaryRefused(
            _("Only a limit on a sum is for a quarter; %(kind)s is none.") % {"kind": new.kind}
        )
    if (new.kind == "capacity") != (new.per == "all") and new.per != "quarter":
        raise BoundaryRefused(
            _(
                "A stock is counted in all, a capacity each quarter; found %(per)r for "
                "%(kind)s. Other limits are for each use, for each customer and quarter, or "
                "for a quarter."
            )
            % {"per": new.per, "kind": new.kind}
        )
    if when and new.per in ("quarter", "all"):
        raise BoundaryRefused(
            _(
                "A limit for a whole quarter, or in all, is one sum for all customers. Leave "
                "the condition out, or limit it for each customer and quarter."
            )
        )
    return Boundary(
        name=name,
        kind=new.kind,
        when=when,
        when_tree=_tree(when, actor) if when else None,
        category=subject[0],
        product=subject[1],
        limit=limit,
        unit=unit,
        per=new.per,
        role=_role(new),
        source=new.source,
    )


def _role(new: NewBoundary) -> str:
    if new.kind != "conflict":
        if new.role:
            raise BoundaryRefused(_("Only a boundary on conflicts names a role that rules."))
        return ""
    if new.role not in RULING_ON_CONFLICTS:
        known = ", ".join(sorted(RULING_ON_CONFLICTS))
        raise BoundaryRefused(
            _("A boundary on conflicts names who rules: %(known)s.") % {"known": known}
        )
    if new.category.strip() or new.product.strip():
        raise BoundaryRefused(_("A boundary on conflicts is about customers, not about products."))
    if not 1 <= (new.limit or 0) <= LONGEST_DEADLINE_DAYS:
        raise BoundaryRefused(
            _("Conflicts are ruled on within 1 to %(longest_deadline_days)s days; say how many.")
            % {"longest_deadline_days": LONGEST_DEADLINE_DAYS}
        )
    return new.role


def _limit(new: NewBoundary) -> tuple[int | None, str]:
    if new.kind in FORBIDDING:
        if new.limit is not None:
            raise BoundaryRefused(
                _("A boundary of kind %(kind)s forbids and has no limit.") % {"kind": new.kind}
            )
        return None, ""
    if new.limit is None or not 0 <= new.limit <= MOST:
        raise BoundaryRefused(
            _("A boundary of kind %(kind)s has a limit from 0; give one.") % {"kind": new.kind}
        )
    unit = LIMITED_IN.get(new.kind, new.unit)
    if new.kind == "price_floor" and unit not in ("basis points", "minor units"):
        raise BoundaryRefused(
            _("A price floor is in basis points of the list price or in minor units; say which.")
        )
    of_the_price = new.kind in ("price_floor", "discount_cap") and unit == "basis points"
    if of_the_price and new.limit > WHOLE:
        raise BoundaryRefused(
            _("%(limit)s basis points are more than the whole price.") % {"limit": new.limit}
        )
    return new.limit, unit


def _tree(when: str, actor: Actor) -> object:
    try:
        return read_rule(when, BOUNDARY_FIELDS, actor=actor).to_json()
    except PredicateError as error:
        raise BoundaryRefused(
            _("The condition cannot be used: %(error)s") % {"error": in_words(error)}
        ) from error
