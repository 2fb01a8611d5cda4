"""What limits a lever, and what does a customer pay? Pure: facts in, answers with reasons out.

Boundaries stand above every lever: a pull that would pass one is refused, whoever pulls it and
whatever they hold, and what a customer pays is cut back to the boundaries of the day, so that one
that is set later holds for what was agreed before. Within them a pull that the actor's own right
covers is done at once; one that goes further waits for somebody whose right covers it.

Shares are whole basis points (1/100 of a percent), money is whole minor units: one more is more.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor
from typing import Final, Literal

from django.utils.translation import gettext_noop as _noop

from patronage.govern.said import OF_AN_AMOUNT, Said, said

Unit = Literal["basis points", "minor units", "times", "days"]
Per = Literal["use", "customer_quarter", "quarter", "all"]
Outcome = Literal["allowed", "waits", "refused"]

WHOLE: Final = 10_000

#: every lever, and what its amounts are counted in
UNITS: Final[dict[str, Unit]] = {
    "price": "basis points",
    "discount": "basis points",
    "premium": "basis points",
    "message": "times",
    "channel": "times",
    "frequency": "times",
    "service_level": "times",
    "goodwill": "minor units",
    "offer": "times",
}
LEVERS: Final = tuple(UNITS)
#: the levers that change what a customer pays
PRICING: Final = ("price", "discount", "premium")
PERS: Final[tuple[Per, ...]] = ("use", "customer_quarter", "quarter")
#: what limits of boundaries may be for: stock is for all time
BOUNDARY_PERS: Final[tuple[Per, ...]] = (*PERS, "all")

#: every kind of boundary, and the levers that it limits or forbids
CONCERNS: Final[dict[str, tuple[str, ...]]] = {
    "price_floor": PRICING,
    "discount_cap": PRICING,
    "premium_cap": PRICING,
    "goodwill_cap": ("goodwill",),
    "contact_cap": ("message", "frequency"),
    "protected": ("price", "premium", "message", "frequency", "offer"),
    "availability": (*PRICING, "offer"),
    "capacity": ("service_level", "offer"),
    "law": LEVERS,
    # who rules on competing claims, and within how many days: no lever is touched
    "conflict": (),
}
KINDS: Final = tuple(CONCERNS)
#: kinds that forbid; the others limit
FORBIDDING: Final = ("protected", "availability", "law")
#: kinds whose limit is a sum
SUMMED: Final = ("goodwill_cap", "contact_cap", "capacity")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pull:
    """A lever that somebody wants to pull for a customer."""

    lever: str
    #: in the lever's unit; only a change of price may be below zero
    amount: int
    #: what it is about; empty: everything
    category: str = ""
    product: str = ""
    #: of an amount of money, for the words of reasons
    currency: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """A boundary in force that is about the customer, or may be: what is unknown counts as true."""

    id: str
    name: str
    kind: str
    #: what it is about; empty: everything
    category: str = ""
    product: str = ""
    #: None for a kind that forbids
    limit: int | None = None
    unit: Unit | None = None
    per: Per = "use"
    #: what was used of it before, for a limit on a sum
    used: int = 0

    @property
    def is_used_up(self) -> bool:
        """Whether it is a stock or capacity of which nothing is left."""
        return self.kind == "capacity" and self.used >= (self.limit or 0)

    def is_about(self, category: str, product: str) -> bool:
        """Whether everything of this category or product is within what the boundary is about."""
        return self.category in ("", category) and self.product in ("", product)


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A right to a lever, with its limit."""

    id: str
    limit: int
    per: Per
    #: what was used of it before, for a limit on a sum
    used: int = 0
    #: the right of which this is a part: both must cover a pull
    part_of: Held | None = None

    def covers(self, amount: int) -> bool:
        """Whether so much more is within the limit, and within that of what it is a part of."""
        used = 0 if self.per == "use" else self.used
        within = used + abs(amount) <= self.limit
        return within and (self.part_of is None or self.part_of.covers(amount))


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One thing that speaks for or against."""

    #: "boundary", "right", "lever" or "list price"
    kind: str
    #: id of the boundary, right or use; empty without one
    id: str
    said: Said

    @property
    def words(self) -> str:
        """The reason in the reader's language."""
        return str(self.said)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What becomes of a pull."""

    outcome: Outcome
    #: every reason
    reasons: tuple[Reason, ...]
    #: the right that covers it; empty where none does
    grant_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class InForce:
    """A price lever that was pulled and holds, or would."""

    id: str
    lever: str
    #: basis points
    amount: int
    category: str
    product: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """What a customer pays for something, as a share of its list price."""

    #: within every boundary; None where boundaries leave no price at all
    share: Fraction | None
    #: as the levers alone would have it
    asked: Fraction
    #: the highest floor and the lowest ceiling of all boundaries; None: none
    low: Fraction | None
    high: Fraction | None
    reasons: tuple[Reason, ...]

    def minor(self, list_price_minor: int) -> int | None:
        """In money: the nearest minor unit that is within every boundary."""
        if self.share is None:
            return None
        nearest = floor(self.share * list_price_minor + Fraction(1, 2))
        if self.low is not None:
            nearest = max(nearest, ceil(self.low * list_price_minor))
        if self.high is not None:
            nearest = min(nearest, floor(self.high * list_price_minor))
        return nearest


def price_of(
    category: str,
    product: str,
    in_force: Sequence[InForce],
    bounds: Iterable[Bound],
    list_price_minor: int | None,
) -> Price:
    """What a customer pays, from the levers that hold and the boundaries of the day.

    Of each lever the closest counts: one on the product before one on its category before one on
    everything, and of two as close the later one. A change of price, a discount and a premium
    multiply. The result is then cut back to every boundary.

    Args:
        in_force: oldest first.
    """
    asked, reasons = Fraction(1), []
    for lever in PRICING:
        closest = _closest(lever, category, product, in_force)
        if closest is not None:
            asked *= Fraction(WHOLE + _signed(closest), WHOLE)
            pulled = Said(OF_AN_AMOUNT[lever], {"amount": said(closest.amount, "basis points")})
            reasons.append(Reason(kind="lever", id=closest.id, said=pulled))
    about = [each for each in bounds if each.is_about(category, product)]
    low, high = edges(about, list_price_minor)
    share: Fraction | None = asked
    if low and high and low[0] > high[0]:
        share = None
        none = Said(
            _noop("'%(low)s' and '%(high)s' leave no price between them."),
            {"low": low[1].name, "high": high[1].name},
        )
        reasons.append(Reason(kind="boundary", id=low[1].id, said=none))
    else:
        for edge, crossed in ((low, low and asked < low[0]), (high, high and asked > high[0])):
            if edge and crossed:
                share = edge[0]
                cut = Said(
                    _noop("cut back to %(share)s of the list price by '%(boundary)s'"),
                    {"share": percent(edge[0]), "boundary": edge[1].name},
                )
                reasons.append(Reason(kind="boundary", id=edge[1].id, said=cut))
    return Price(
        share=share,
        asked=asked,
        low=low[0] if low else None,
        high=high[0] if high else None,
        reasons=tuple(reasons),
    )


def edges(
    bounds: Iterable[Bound], list_price_minor: int | None
) -> tuple[tuple[Fraction, Bound] | None, tuple[Fraction, Bound] | None]:
    """The highest floor and the lowest ceiling that boundaries put to a price, as shares."""
    low: tuple[Fraction, Bound] | None = None
    high: tuple[Fraction, Bound] | None = None
    for bound in bounds:
        least, most = _floor(bound, list_price_minor), _ceiling(bound)
        if least is not None and (low is None or least > low[0]):
            low = (least, bound)
        if most is not None and (high is None or most < high[0]):
            high = (most, bound)
    return low, high


def _floor(bound: Bound, list_price_minor: int | None) -> Fraction | None:
    limit = bound.limit or 0
    match bound.kind:
        case "price_floor" if bound.unit == "minor units":
            return Fraction(limit, list_price_minor) if list_price_minor else None
        case "price_floor":
            return Fraction(limit, WHOLE)
        case "discount_cap":
            return Fraction(WHOLE - limit, WHOLE)
        case "law":
            return Fraction(1)
    return None


def _ceiling(bound: Bound) -> Fraction | None:
    match bound.kind:
        case "premium_cap":
            return Fraction(WHOLE + (bound.limit or 0), WHOLE)
        case "law" | "protected":
            return Fraction(1)
    return None


def _closest(
    lever: str, category: str, product: str, in_force: Sequence[InForce]
) -> InForce | None:
    best: tuple[int, int, InForce] | None = None
    for place, each in enumerate(in_force):
        if each.lever != lever:
            continue
        if each.category not in ("", category) or each.product not in ("", product):
            continue
        closeness = 2 * bool(each.product) + bool(each.category)
        if best is None or (closeness, place) > best[:2]:
            best = (closeness, place, each)
    return None if best is None else best[2]


def _signed(pulled: InForce) -> int:
    return -pulled.amount if pulled.lever == "discount" else pulled.amount


def percent(share: Fraction) -> str:
    return f"{float(share * 100):.6g} %"
