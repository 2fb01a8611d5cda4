"""How do offers, rulings, figures and what is left become the situation that a choice is made in?

The same assembly serves one customer and all of them; it reads nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

import numpy as np
from numpy.typing import NDArray

from patronage.customize.bounds import undisturbed, within
from patronage.customize.deciding import Bools, Floats, Ints, Situation
from patronage.customize.policy import PolicyInForce
from patronage.customize.scoped import Codes
from patronage.customize.stocks import Stock, available, scarcity
from patronage.science.arbitration import tie_break_hash
from patronage.vocabulary.periods import BusinessCalendar

#: Columns of the figures of a customer and offer, which are kept as float32.
RESPONSE, BUYS_ANYWAY, MARGIN = range(3)
FIGURES: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """What is known of n customers about m offers and k treatments."""

    customer_ids: Sequence[str]
    #: ``int64 (n,)``: row of the customer's portfolio in the policy's; −1 for none
    portfolio: Ints
    #: ``(n, m, 3)``: response, buys anyway, margin; NaN where not known
    figures: Floats
    #: ``int8 (n, m)``: meets the offer's condition: 1, 0, −1 unknown
    meets: NDArray[np.int8]
    #: ``(n, r)``: which rules of the policy match, as `RuleBook.matches` gives it
    matches: Bools
    #: ``int32 (n, m)``: which ruling decides, as `Scopes.everybody` gives it
    special: Codes
    #: ``(n, b)``: which of the policy's boundaries are about each, or may be
    beyond: Bools
    #: ``(n, k)``: a consent stands for the treatment's channel
    consented: Bools
    #: ``(n,)``
    held_out: Bools
    #: ``(n,)``: within the fence: no mass contact
    fenced: Bools
    #: by month, ``(n,)``: no place is left; a month that is missing has places for all
    full: Mapping[str, Bools]
    #: ``uint64 (n,)``: `hash_ids` of the customers where it is kept; None: worked out when asked
    hashes: NDArray[np.uint64] | None = None

    def only(self, rows: Ints) -> People:
        """The same of some of them."""
        return People(
            customer_ids=[self.customer_ids[row] for row in rows.tolist()],
            portfolio=self.portfolio[rows],
            figures=self.figures[rows],
            meets=self.meets[rows],
            matches=self.matches[rows],
            special=self.special[rows],
            beyond=self.beyond[rows],
            consented=self.consented[rows],
            held_out=self.held_out[rows],
            fenced=self.fenced[rows],
            full={month: there[rows] for month, there in self.full.items()},
            hashes=None if self.hashes is None else self.hashes[rows],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What everybody shares."""

    #: left of the budget, minor units
    budget_left: int
    #: its price, money per minor unit
    price: float
    #: names the draw between equal scores
    salt: str
    #: the instant decided for
    at: datetime
    #: last date on which a contact may go out
    last_day: date
    #: the customer came by themselves: what answers them is no mass contact
    inbound: bool = False
    #: stock and capacity that treatments take from
    stocks: Sequence[Stock] = ()


def due_days(policy: PolicyInForce, at: datetime) -> Ints:
    """``(R, k)``: the date, as an ordinal, on which each treatment would go out."""
    today = BusinessCalendar(policy.company.time_zone).date_of(at).toordinal()
    return np.maximum(policy.gate.not_before, today)


def month_of(day: date) -> str:
    """The contact policy's month, such as 2017-10."""
    return f"{day.year:04d}-{day.month:02d}"


def months_of(policy: PolicyInForce, at: datetime, last_day: date) -> list[str]:
    """The months in which contacts may go out up to a date."""
    days = np.unique(due_days(policy, at))
    usable = [date.fromordinal(day) for day in days.tolist() if day <= last_day.toordinal()]
    return sorted({month_of(day) for day in usable})


def reserves(policy: PolicyInForce) -> tuple[Ints, Floats]:
    """``(R, k)`` each: what a contact holds in the budget, and what a redemption costs.

    The budget holds the contact and one redemption, the worst that can happen, so that it cannot
    be overspent however customers answer.
    """
    cost = np.array([offer.redemption_cost_minor for offer in policy.offers], dtype=np.float64)
    redemption = cost[policy.offer_of] * policy.gate.face_share
    return np.ceil(redemption + policy.contact_cost).astype(np.int64), redemption


def situation(policy: PolicyInForce, people: People, means: Means) -> Situation:
    """Put together what the choice for these people depends on."""
    ruled = policy.applied(people.portfolio, people.matches, people.special)
    rows, column = ruled.row, np.arange(len(policy.treatments))
    gate, offer = policy.gate, policy.offer_of
    reserve, redemption = reserves(policy)
    due = due_days(policy, means.at)
    finite: Bools = np.asarray(np.isfinite(people.figures).all(axis=2), dtype=np.bool_)
    known = finite[:, offer]
    # each by itself: a slice of all three would keep the others in memory
    response, buys_anyway, margin = (
        np.where(finite, people.figures[:, :, figure], 0.0)[:, offer]
        for figure in (RESPONSE, BUYS_ANYWAY, MARGIN)
    )
    meets = people.meets[:, offer]
    face = np.minimum(gate.face_share, 1.0)
    return Situation(
        eligible=ruled.eligible(np.where((meets == 1) & ~known, np.int8(-1), meets)),
        consented=people.consented,
        unfenced=~(people.fenced[:, np.newaxis] & policy.mass(inbound=means.inbound)),
        permitted=_by_then(gate.permitted, due, means.last_day)[rows, column],
        within=within(policy.boundaries, people.beyond, policy.categories)
        & undisturbed(
            policy.peace, people.customer_ids, [each.offer_id for each in policy.treatments]
        ),
        available=np.broadcast_to(available(means.stocks, len(column)), meets.shape),
        capped=_capped(due, rows, people.full),
        reserve=reserve[rows, column],
        budget_left=means.budget_left,
        scarcity=scarcity(means.stocks, len(column)),
        price=means.price,
        # A smaller saving is assumed to be taken up in proportion.
        response=response * (policy.channel_response * face)[rows, column],
        buys_anyway=buys_anyway,
        margin=margin,
        redemption_cost=redemption[rows, column],
        preferred=np.broadcast_to(ruled.preferred, meets.shape),
        contact_cost=policy.contact_cost,
        fatigue=float(policy.company.fatigue_minor),
        incrementality=policy.company.incrementality_prior,
        held_out=people.held_out,
        tie_break=tie_break_hash(
            people.customer_ids if people.hashes is None else people.hashes,
            [each.id for each in policy.treatments],
            means.salt,
        ),
        offer=offer,
    )


def _by_then(permitted: Bools, due: Ints, last_day: date) -> Bools:
    return np.asarray(permitted & (due <= last_day.toordinal()), dtype=np.bool_)


def _capped(due: Ints, rows: Ints, full: Mapping[str, Bools]) -> Bools:
    days, place = np.unique(due, return_inverse=True)
    n = len(rows)
    nobody = np.zeros(n, dtype=np.bool_)
    by_day = np.array(
        [full.get(month_of(date.fromordinal(day)), nobody) for day in days.tolist()]
    ).reshape(len(days), n)
    which = place.reshape(due.shape)[rows, np.arange(due.shape[1])]
    return np.asarray(by_day[which, np.arange(n)[:, np.newaxis]], dtype=np.bool_)
