"""Where is the value at stake? What one point more of each lever is worth, portfolio by portfolio.

Figures are those of a valuation, frozen as of its date; whose customers they are is today's scope.
A room of its own because it stands on two others: the prices are `differentiate.levers`, the
portfolios are `govern`'s.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from threading import Lock
from typing import Final

import polars as pl

from patronage.access import datasets
from patronage.access.company import company_of
from patronage.access.roles import Actor
from patronage.access.scope import scope_of
from patronage.differentiate import reads, registry
from patronage.differentiate.levers import LEVERS, GroupLevel, Priced, price
from patronage.differentiate.models import ValuationRun
from patronage.differentiate.reads.in_sight import require_run
from patronage.differentiate.valuation.scoring import Window
from patronage.govern.models import Standing
from patronage.govern.reads import PortfolioInCharge, my_portfolios
from patronage.identify import bulk
from patronage.identify.models import Customer
from patronage.vocabulary.company import Company


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sums:
    """The prices of a valuation, added up by portfolio; no customer is told apart in them."""

    #: by portfolio id: `value_minor` and each of `LEVERS`, minor units
    amounts: Mapping[str, Mapping[str, int]]
    levels: Mapping[str, GroupLevel]


_KEPT: Final = 4
_PRICED: dict[str, _Sums] = {}
_KEEPING = Lock()


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch:
    """What one point of each lever is worth for a portfolio, or for several; minor units."""

    #: None for a sum
    portfolio_id: str | None
    portfolio: str
    #: who answers for it today; None for a sum
    manager: str | None
    #: valued as of the date
    customers: int
    #: value over the horizon
    value_minor: int
    #: each lever, value with it less value without; None where it cannot be moved by a point
    worth_minor: Mapping[str, int | None]
    #: shopping days expected on the next day
    bought_a_day: float
    #: shopping days expected on the day that begins 365 days on
    bought_a_day_in_a_year: float
    #: customers acquired in the year up to the date
    acquired: int

    @property
    def retention(self) -> float | None:
        """Share of what is bought now that is still expected in a year; None: nothing is bought."""
        return self.bought_a_day_in_a_year / self.bought_a_day if self.bought_a_day > 0 else None


@dataclass(frozen=True, slots=True, kw_only=True)
class LeverTree:
    """The levers of the customers in the reader's scope."""

    run_id: str
    as_of: date
    currency: str
    horizon_days: int
    annual_discount_rate: float
    #: what winning a customer costs, as declared; None where nobody said
    acquisition_cost_minor: int | None
    #: the levers, the one with most at stake first
    levers: Sequence[str]
    total: Branch
    #: those in the reader's scope, in the declared order
    portfolios: Sequence[Branch]
    #: whether the total is the enterprise
    is_enterprise: bool


def lever_tree(actor: Actor, now: datetime, *, as_of: date | None = None) -> LeverTree:
    """Price the levers of every portfolio in the actor's scope, and their sum.

    Args:
        as_of: the date valued; the newest without one.

    Raises:
        NotAllowed: the actor may not see profitability.
        NotFound: nobody was valued as of that date, or at all.
    """
    run = require_run(actor, as_of)
    company = company_of(run.company_version)
    priced = _priced(run, company)
    shown = my_portfolios(actor, now)
    branches = [
        _branch(each, priced.amounts.get(each.id, {}), priced.levels.get(each.id)) for each in shown
    ]
    total = _total(branches)
    return LeverTree(
        run_id=run.id,
        as_of=run.as_of,
        currency=run.currency,
        horizon_days=run.horizon_days,
        annual_discount_rate=company.annual_discount_rate,
        acquisition_cost_minor=company.acquisition_cost_minor,
        levers=sorted(LEVERS, key=lambda name: -(total.worth_minor[name] or 0)),
        total=total,
        portfolios=branches,
        is_enterprise=scope_of(actor, now).everything,
    )


def _summed(priced: Priced) -> _Sums:
    summed = priced.customers.group_by("portfolio_id").agg(pl.col("value_minor", *LEVERS).sum())
    amounts = {row.pop("portfolio_id"): row for row in summed.to_dicts()}
    return _Sums(amounts=amounts, levels=priced.levels)


def _branch(
    portfolio: PortfolioInCharge, sums: Mapping[str, int], level: GroupLevel | None
) -> Branch:
    worth: dict[str, int | None] = {name: sums.get(name, 0) for name in LEVERS}
    if level is not None and level.ageing is None:
        worth["retention"] = None
    return Branch(
        portfolio_id=portfolio.id,
        portfolio=portfolio.name,
        manager=portfolio.manager,
        customers=level.customers if level else 0,
        value_minor=sums.get("value_minor", 0),
        worth_minor=worth,
        bought_a_day=level.activity.now if level else 0.0,
        bought_a_day_in_a_year=level.activity.in_a_year if level else 0.0,
        acquired=level.acquired if level else 0,
    )


def _total(branches: Sequence[Branch]) -> Branch:
    """The sum of the branches; a lever that no branch can move stays undetermined."""
    worth: dict[str, int | None] = {}
    for name in LEVERS:
        known = [each.worth_minor[name] for each in branches]
        amounts = [amount for amount in known if amount is not None]
        worth[name] = sum(amounts) if amounts or not known else None
    return Branch(
        portfolio_id=None,
        portfolio="",
        manager=None,
        customers=sum(each.customers for each in branches),
        value_minor=sum(each.value_minor for each in branches),
        worth_minor=worth,
        bought_a_day=sum(each.bought_a_day for each in branches),
        bought_a_day_in_a_year=sum(each.bought_a_day_in_a_year for each in branches),
        acquired=sum(each.acquired for each in branches),
    )


def _priced(run: ValuationRun, company: Company) -> _Sums:
    """The prices for everybody; worked out once for a run and who is in which portfolio."""
    rows = reads.valuations(run).drop("portfolio_id")
    frame = rows.join(_placed(), on="customer_id", how="inner").sort("customer_id")
    key = _digest(run, frame)
    with _KEEPING:
        kept = _PRICED.get(key)
    if kept is not None:
        return kept
    priced = _summed(
        price(
            frame,
            registry.models_of(run.purchase_model, run.spend_model),
            Window.of(company, run.as_of),
            others=registry.others_of(run),
            acquisition_cost_minor=company.acquisition_cost_minor,
        )
    )
    with _KEEPING:
        _PRICED[key] = priced
        for old in list(_PRICED)[:-_KEPT]:
            del _PRICED[old]
    return priced


def _digest(run: ValuationRun, frame: pl.DataFrame) -> str:
    """An erasure makes a new state of the dataset; what is kept of the old one is sums."""
    seen = hashlib.sha256(f"{run.id} {datasets.head('valuations')}".encode())
    hashed = frame.select("customer_id", "portfolio_id", "acquired").hash_rows()
    seen.update(hashed.to_numpy().tobytes())
    return seen.hexdigest()


def _placed() -> pl.DataFrame:
    """Who is in which portfolio today, and whether they were acquired: all, whoever asks."""
    names = ("customer_id", "portfolio_id")
    placed = bulk.read(Standing, {name: (name, pl.String) for name in names})
    came = Customer.objects.filter(entry="acquired").order_by().values_list("id", flat=True)
    acquired = pl.Series("customer_id", list(came), dtype=pl.String)
    return placed.with_columns(acquired=pl.col("customer_id").is_in(acquired.implode()))
