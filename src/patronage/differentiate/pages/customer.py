"""The parts of a customer's page that say what they are worth: figures, history, ledger."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from patronage.differentiate.pages.words import objective_words, quarter_words
from patronage.differentiate.reads import CustomerValuation, ProfitAndLoss, ServingCost


@dataclass(frozen=True, slots=True, kw_only=True)
class Worth:
    """What the customer is worth as of the date looked at, and before."""

    now: CustomerValuation
    before: CustomerValuation | None
    points: Sequence[Mapping[str, Any]]
    objective: str

    @property
    def change_minor(self) -> int | None:
        """How the value moved since the date before."""
        return None if self.before is None else self.now.value_minor - self.before.value_minor


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """One driver of the cost to serve, below zero."""

    #: such as "Serving 3 baskets"
    text: str
    amount_minor: int
    #: whose declared cost it rests on
    assumption: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """The quarter's profit and loss; what is taken off stands below zero."""

    quarter: str
    as_of: date
    currency: str
    baskets: int
    sales_minor: int
    returns_minor: int
    goods_minor: int
    serving_minor: int
    margin_minor: int
    #: given off list prices, and off the sales already
    discounts_minor: int
    #: what makes up the cost to serve, in words
    serving: Sequence[Served]
    #: None where nobody was won in the quarter, or what that costs is not known
    acquisition_minor: int | None
    profit_minor: int | None


def worth_of(history: Sequence[CustomerValuation], as_of: date | None) -> Worth | None:
    """What a customer is worth as of a date, or by the newest figures; None if never valued.

    Args:
        history: one valuation a date, oldest first.
    """
    shown = [each for each in history if as_of is None or each.as_of <= as_of]
    if not shown:
        return None
    points = [
        {
            "at": each.as_of,
            "value": each.value_minor,
            "low": each.value_low_minor,
            "high": each.value_high_minor,
        }
        for each in shown
    ]
    return Worth(
        now=shown[-1],
        before=shown[-2] if len(shown) > 1 else None,
        points=points,
        objective=objective_words(shown[-1].objective),
    )


def ledger_of(profit: ProfitAndLoss) -> Ledger:
    """The profit and loss as an account adds it up."""
    return Ledger(
        quarter=quarter_words(profit.quarter),
        as_of=profit.as_of,
        currency=profit.currency,
        baskets=profit.baskets,
        sales_minor=profit.sales_minor,
        returns_minor=profit.returns_minor,
        goods_minor=-profit.cost_of_goods_minor,
        serving_minor=-profit.cost_to_serve_minor,
        margin_minor=profit.margin_minor,
        discounts_minor=profit.discounts_minor,
        serving=[served_in_words(each) for each in profit.serving],
        acquisition_minor=-profit.acquisition_cost_minor if profit.acquisition_cost_minor else None,
        profit_minor=profit.profit_minor if profit.acquisition_cost_minor else None,
    )


def served_in_words(cost: ServingCost) -> Served:
    """A driver of the cost to serve as the account names it."""
    n = cost.count
    texts = {
        "orders": ngettext("Serving %(n)s basket", "Serving %(n)s baskets", n),
        "visits": ngettext("%(n)s visit", "%(n)s visits", n),
        "contacts": ngettext("%(n)s earlier contact", "%(n)s earlier contacts", n),
        "cases": ngettext("%(n)s case", "%(n)s cases", n),
        "months": ngettext("%(n)s day as a customer", "%(n)s days as a customer", n),
    }
    assumptions = {
        "orders": _("Cost of a basket, as the company declares it"),
        "visits": _("Cost of a visit, as the company declares it"),
        "contacts": _("Cost of a contact, as the company declares it"),
        "cases": _("Cost of a case, as the company declares it"),
        "months": _("Cost of a month as a customer, as the company declares it"),
    }
    return Served(
        text=texts[cost.driver] % {"n": n},
        amount_minor=-cost.amount_minor,
        assumption=assumptions[cost.driver],
    )
