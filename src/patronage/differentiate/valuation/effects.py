"""Through what did profit change: more customers, more orders, larger ones, or better margins?"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """A part of the change of profit."""

    #: "customers", "orders_per_customer", "revenue_per_order", "margin_rate", or "other": what
    #: profit came without an order or revenue
    name: str
    margin_minor: int


class Counted(Protocol):
    """What is compared: customers who bought, orders, revenue and margin in minor units."""

    @property
    def customers(self) -> int: ...
    @property
    def orders(self) -> int: ...
    @property
    def revenue_minor(self) -> int: ...
    @property
    def margin_minor(self) -> int: ...


def effects(first: Counted, second: Counted) -> tuple[Effect, ...]:
    """Split the change of profit between two periods into the factors of profit.

    Profit = customers × orders each × revenue an order × margin a unit of revenue. One factor after
    the other is moved from its first to its second value, and the effect is what that changes, so
    that the effects add up to the change exactly. What an effect is depends on the order, which is
    the one named here, from the base outward to the margin.

    Returns:
        One effect a factor; where a factor is undetermined in either period (nobody bought, or
        revenue is not above 0), one effect "other" with the whole change.
    """
    if any(each.customers <= 0 or each.orders <= 0 or each.revenue_minor <= 0
           for each in (first, second)):  # fmt: skip
        change = second.margin_minor - first.margin_minor
        return (Effect(name="other", margin_minor=change),)
    before, after = _factors(first), _factors(second)
    found, level = [], first.margin_minor
    for name in before:
        reached = round(_product(before, after, name))
        found.append(Effect(name=name, margin_minor=reached - level))
        level = reached
    return tuple(found)


def _product(before: dict[str, Fraction], after: dict[str, Fraction], upto: str) -> Fraction:
    """The product of the factors up to this one as they are after, and of the rest as before."""
    product, passed = Fraction(1), False
    for name in before:
        product *= before[name] if passed else after[name]
        passed = passed or name == upto
    return product


def _factors(each: Counted) -> dict[str, Fraction]:
    return {
        "customers": Fraction(each.customers),
        "orders_per_customer": Fraction(each.orders, each.customers),
        "revenue_per_order": Fraction(each.revenue_minor, each.orders),
        "margin_rate": Fraction(each.margin_minor, each.revenue_minor),
    }
