"""What would a draft of a portfolio's rules change, and what would that cost? Writes nothing.

The customers of a date are decided twice, with the rules in force and with the draft, everything
else the same. An *estimate* decides a sample of the portfolio, drawn within classes of value, at
the last run's price of the budget; the *exact* answer decides everybody and finds the budget's
price anew, so that it also says whose numbers move because all portfolios share the budget.

Value is the expected incremental value of the contacts made, before the price of the budget and
without the amounts by which rules prefer offers: those are wishes, not earnings.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from typing import Any, Final, Literal

import numpy as np
from django.utils.translation import gettext as _

from patronage.customize import samples
from patronage.customize.budgeting import BUDGET, decide_all
from patronage.customize.deciding import Bools, Chosen, Floats, Ints, Situation, decide
from patronage.customize.errors import NotPriced
from patronage.customize.models import DecisionRun
from patronage.customize.policy import PolicyInForce
from patronage.customize.samples import Sample
from patronage.customize.situations import Means, People, situation
from patronage.customize.trials import Trial, trial_of_all, trial_of_some
from patronage.govern.models import PolicyVersion
from patronage.govern.policies import RulesInForce
from patronage.govern.reads import policies_at, rules_in_force
from patronage.science.arbitration import Outcome

Kind = Literal["estimate", "exact"]
#: Customers of the portfolio that an estimate decides.
SAMPLE: Final = 4_000
#: Standard deviations either side of a 90 % interval.
_WIDTH: Final = 1.6449


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """What moves in another portfolio."""

    portfolio_id: str
    contacts: int
    value_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What a draft changes in its portfolio; all but the last two are differences."""

    #: customers to whom something else would be said, or nothing, or something at last
    customers_affected: int
    offers_gained: int
    offers_lost: int
    #: another offer or channel than before
    offers_changed: int
    contacts: int
    #: what the contacts hold in the budget
    budget_minor: int
    value_minor: int
    #: 90 % interval: chance at the assumed rates, and the sample's where there is one
    value_low_minor: int
    value_high_minor: int
    #: value given up per minor unit of the budget, before and with the draft
    price_before: float
    price_after: float
    others: tuple[Moved, ...]
    #: customers decided, and customers of the portfolio that they stand for
    decided: int
    customers: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceTagged:
    """A priced version."""

    kind: Kind
    as_of: date
    rules_digest: str
    against_id: str | None
    figures: Figures

    def stored(self) -> dict[str, Any]:
        """The figures as a price tag stores them."""
        return asdict(self.figures)


def simulate(
    version: PolicyVersion, *, kind: Kind, now: datetime, as_of: date | None = None
) -> PriceTagged:
    """Price a version against the rules in force now.

    Args:
        as_of: the date whose customers are decided; None: that of the last run. An estimate is
            of that date only.

    Raises:
        NotPriced: nobody was decided yet, or an estimate is asked of another date.
        DateNotOver, NotValued, NoOffers: as for decisions of that date.
    """
    last = DecisionRun.objects.order_by("-as_of", "-created_at", "-id").first()
    if last is None:
        raise NotPriced(_("Nobody was decided yet. Run the decisions of a date first."))
    day = as_of or last.as_of
    in_force = policies_at(now)
    tried = rules_in_force(version, now)
    book = {**in_force, version.portfolio_id: tried}
    if kind == "estimate":
        if day != last.as_of:
            raise NotPriced(
                _("An estimate is of the last run's date, %(as_of)s. Ask for the exact answer.")
                % {"as_of": last.as_of}
            )
        figures = _estimated(version.portfolio_id, last, in_force, book, now)
    else:
        figures = _exact(version.portfolio_id, day, in_force, book, now)
    before = in_force.get(version.portfolio_id)
    return PriceTagged(
        kind=kind,
        as_of=day,
        rules_digest=rules_digest(version),
        against_id=None if before is None else before.version_id,
        figures=figures,
    )


def rules_digest(version: PolicyVersion) -> str:
    """The same for versions whose rules do the same in the same order."""
    names = (
        "effect", "when", "offers", "amount_minor", "adaptation", "service_tier", "route_to_id",
    )  # fmt: skip
    rows = [
        [*(getattr(each, name) for name in names), each.valid_until and str(each.valid_until)]
        for each in version.rules.order_by("position")
    ]
    return hashlib.sha256(json.dumps(rows, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Decided:
    """What everybody of a trial gets."""

    #: ``(n,)``: treatment; −1: none, or held out
    treatment: Ints
    #: ``(n,)`` each: reserved, worth, and variance of what comes
    reserve: Floats
    worth: Floats
    variance: Floats
    price: float


def _estimated(
    portfolio_id: str,
    run: DecisionRun,
    before: Mapping[str, RulesInForce],
    after: Mapping[str, RulesInForce],
    now: datetime,
) -> Figures:
    sample = samples.drawn(portfolio_id, run.input_digest, SAMPLE)
    trial = trial_of_some(run, sample.customer_ids, now)
    # whoever was erased since is not among them
    sample = sample.only(list(trial.people.customer_ids))
    sides = [_at_price(trial, each, float(run.prices[BUDGET])) for each in (before, after)]
    # whom the run did not decide is nobody's: nothing is said to them on either side
    known: Bools = np.asarray(np.isfinite(trial.people.figures).any(axis=(1, 2)), dtype=np.bool_)
    return _compared(*sides, rows=np.arange(len(known)), sample=sample, others=(), decided=known)


def _exact(
    portfolio_id: str,
    as_of: date,
    before: Mapping[str, RulesInForce],
    after: Mapping[str, RulesInForce],
    now: datetime,
) -> Figures:
    trial = trial_of_all(as_of, now)
    sides = [_solved(trial, policies) for policies in (before, after)]
    rows, portfolios = trial.people.portfolio, trial.policy.portfolios
    inside = rows == portfolios.index(portfolio_id)
    others = tuple(
        moved
        for row, other in enumerate(portfolios)
        if other != portfolio_id
        and (moved := _moved(other, np.flatnonzero(rows == row), *sides)) is not None
    )
    rows = np.flatnonzero(inside)
    everybody, decided = samples.everybody(len(rows)), np.ones(len(rows), dtype=np.bool_)
    return _compared(*sides, rows=rows, sample=everybody, others=others, decided=decided)


def _under(
    trial: Trial, policies: Mapping[str, RulesInForce]
) -> tuple[PolicyInForce, People, Means]:
    policy = replace(trial.policy, policies=policies)
    matches = policy.book.matches(trial.frame, trial.people.portfolio)
    return policy, replace(trial.people, matches=matches), trial.means


def _at_price(trial: Trial, policies: Mapping[str, RulesInForce], price: float) -> _Decided:
    policy, people, means = _under(trial, policies)
    asked = situation(policy, people, replace(means, price=price))
    return _of(asked, decide(asked))


def _solved(trial: Trial, policies: Mapping[str, RulesInForce]) -> _Decided:
    policy, people, means = _under(trial, policies)
    priced = decide_all(situation(policy, people, means), trial.seed, means.stocks)
    return _of(priced.situation, priced.chosen)


def _of(asked: Situation, chosen: Chosen) -> _Decided:
    n = len(asked.held_out)
    best, rows = chosen.treatments[:, 0], np.arange(n)
    offered = chosen.outcome == int(Outcome.OFFERED)

    def told(values: Floats) -> Floats:
        return np.where(offered, np.broadcast_to(values, asked.eligible.shape)[rows, best], 0.0)

    reserve = told(asked.reserve.astype(np.float64))
    p1, margin = told(chosen.response_with), told(asked.margin)
    return _Decided(
        treatment=np.where(offered, best, -1),
        reserve=reserve,
        worth=told(chosen.scores) + asked.price * reserve - told(asked.preferred),
        variance=p1 * (1.0 - p1) * margin**2,
        price=asked.price,
    )


def _moved(other: str, rows: Ints, before: _Decided, after: _Decided) -> Moved | None:
    contacts = int((after.treatment[rows] >= 0).sum()) - int((before.treatment[rows] >= 0).sum())
    if (after.treatment[rows] == before.treatment[rows]).all():
        return None
    value = float((after.worth[rows] - before.worth[rows]).sum())
    return Moved(portfolio_id=other, contacts=contacts, value_minor=round(value))


def _compared(
    before: _Decided,
    after: _Decided,
    *,
    rows: Ints,
    sample: Sample,
    others: tuple[Moved, ...],
    decided: Bools,
) -> Figures:
    """Compare both sides for the rows that the sample consists of."""
    was, becomes = before.treatment[rows], after.treatment[rows]
    moved = was != becomes
    gained = sample.total((moved & (was < 0)).astype(np.float64))
    lost = sample.total((moved & (becomes < 0)).astype(np.float64))
    value = after.worth[rows] - before.worth[rows]
    low, high = _interval(
        sample, value, np.where(moved, before.variance[rows] + after.variance[rows], 0.0)
    )
    return Figures(
        customers_affected=round(sample.total(moved.astype(np.float64))),
        offers_gained=round(gained),
        offers_lost=round(lost),
        offers_changed=round(
            sample.total((moved & (was >= 0) & (becomes >= 0)).astype(np.float64))
        ),
        contacts=round(gained - lost),
        budget_minor=round(sample.total(after.reserve[rows] - before.reserve[rows])),
        value_minor=round(sample.total(value)),
        value_low_minor=low,
        value_high_minor=high,
        price_before=before.price,
        price_after=after.price,
        others=others,
        decided=int(decided.sum()),
        customers=round(sample.total(decided.astype(np.float64))),
    )


def _interval(sample: Sample, value: Floats, variance: Floats) -> tuple[int, int]:
    """90 %: what chance makes of the contacts that differ, and of the choice of the sample."""
    spread = _WIDTH * float(np.sqrt(sample.variance(value) + sample.total(variance)))
    middle = sample.total(value)
    return round(middle - spread), round(middle + spread)
