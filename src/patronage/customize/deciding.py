"""Which treatment for which customer, and why? Pure: arrays in, the choice with reasons out.

One customer and all customers go through the same function, so that the nightly run and an answer
in the moment cannot disagree. Nothing is read, written or drawn here, and no owner, team or sales
target is among the inputs: only what acting on the customer is worth.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from patronage.science.arbitration import Reason, choose, incremental_value

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: So many customers are chosen for at a time: what is worked out on the way to a choice would
#: take several times the memory of the choice, and a part of it fits in the processor's caches.
CUSTOMERS_AT_ONCE: Final = 4_096
#: Fields of a situation that hold one value a customer and treatment.
_BY_CANDIDATE: Final = (
    "eligible",
    "consented",
    "unfenced",
    "permitted",
    "within",
    "available",
    "capped",
    "reserve",
    "response",
    "buys_anyway",
    "margin",
    "redemption_cost",
    "preferred",
    "tie_break",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """Everything a choice depends on: n customers, k treatments; money in minor units."""

    #: ``int8 (n, k)``: meets the offer's conditions: 1, 0, or −1 where that is unknown
    eligible: NDArray[np.int8]
    #: ``(n, k)``: a consent stands for the treatment's channel
    consented: Bools
    #: ``(n, k)``: no fence keeps mass contacts from the customer, or it is none
    unfenced: Bools
    #: ``(n, k)``: the customer's portfolio allows or adapts the offer, in this channel, by now
    permitted: Bools
    #: ``(n, k)``: no boundary of the enterprise forbids it
    within: Bools
    #: ``(n, k)``: of the stock or capacity that it takes from there is some left
    available: Bools
    #: ``(n, k)``: the contact policy has no place left in the month in which it would go out
    capped: Bools
    #: ``int64 (n, k)``: what one contact holds in the budget, worst case
    reserve: Ints
    #: what is left of the budget
    budget_left: int
    #: ``(k,)``: value given up elsewhere by what the treatment takes of stock and capacity
    scarcity: Floats
    #: price of the budget: value given up elsewhere per minor unit used here
    price: float
    #: ``(n, k)``: probability that the contact is answered, in this channel at these terms
    response: Floats
    #: ``(n, k)``: probability of buying the category in the outcome window anyway
    buys_anyway: Floats
    #: ``(n, k)``: contribution of one purchase in the category
    margin: Floats
    #: ``(n, k)``: what one redemption costs at these terms
    redemption_cost: Floats
    #: ``(n, k)``: what the portfolio's rules add to the score, or take from it
    preferred: Floats
    #: ``(k,)``: cost of one contact
    contact_cost: Floats
    #: money that one more contact costs in goodwill
    fatigue: float
    #: share of answers that the contact causes: an assumption until randomised evidence shrinks it
    incrementality: float
    #: ``(n,)``: decided in full, then withheld
    held_out: Bools
    #: ``uint64 (n, k)``: the larger wins between equal scores
    tie_break: NDArray[np.uint64]
    #: ``int64 (k,)``: position of the treatment's offer; a customer gets an offer once
    offer: Ints

    def only(self, treatments: Ints) -> Situation:
        """The same with these treatments as the only candidates."""
        return replace(
            self,
            **{name: getattr(self, name)[:, treatments] for name in _BY_CANDIDATE},
            contact_cost=self.contact_cost[treatments],
            scarcity=self.scarcity[treatments],
            offer=self.offer[treatments],
        )

    def among(self, customers: slice) -> Situation:
        """The same of these customers alone."""
        return replace(
            self,
            **{name: getattr(self, name)[customers] for name in _BY_CANDIDATE},
            held_out=self.held_out[customers],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """The choice for each customer, with every candidate's terms and reason."""

    #: ``int64 (n, limit)``: treatments, best first; −1 where a place stays empty
    treatments: Ints
    #: ``int8 (n, k)``: a `Reason` for every candidate
    reasons: NDArray[np.int8]
    #: ``int8 (n,)``: an `Outcome`
    outcome: NDArray[np.int8]
    #: ``(n, k)``: expected incremental value at the budget's price
    scores: Floats
    #: ``(n, k)``: probability of a purchase in the category with the contact
    response_with: Floats
    #: ``(n, k)``: the same without it
    response_without: Floats


def decide(situation: Situation, limit: int = 1) -> Chosen:
    """Score every candidate and choose up to `limit` different offers for each customer.

    A response is a purchase that uses the offer; the share `incrementality` of responses would
    not have come without the contact, the others are among those who buy anyway, so that buying
    anyway is at least as probable as the rest of the responses. No customer's choice depends on
    another's, so a part of them is decided at a time.
    """
    count = len(situation.held_out)
    if count <= CUSTOMERS_AT_ONCE:
        return _decide(situation, limit)
    whole: dict[str, NDArray[Any]] = {}
    for start in range(0, count, CUSTOMERS_AT_ONCE):
        part = slice(start, min(start + CUSTOMERS_AT_ONCE, count))
        chosen = _decide(situation.among(part), limit)
        for field in fields(Chosen):
            found = getattr(chosen, field.name)
            if not start:
                whole[field.name] = np.empty((count, *found.shape[1:]), dtype=found.dtype)
            whole[field.name][part] = found
    return Chosen(**whole)


def _decide(situation: Situation, limit: int) -> Chosen:
    scores, p1, p0 = _score(situation)
    places = scores.shape[1] if limit > 1 else 1
    choice = choose(
        eligible=situation.eligible,
        consented=situation.consented,
        unfenced=situation.unfenced,
        permitted=situation.permitted,
        within_boundary=situation.within,
        available=situation.available,
        capped=situation.capped,
        affordable=situation.reserve <= situation.budget_left,
        scores=scores,
        held_out=situation.held_out,
        tie_break=situation.tie_break,
        limit=max(places, 1),
    )
    chosen, reasons = choice.chosen, choice.reasons
    if limit > 1:
        chosen, reasons = _one_an_offer(situation.offer, chosen, reasons, limit)
    return Chosen(
        treatments=chosen,
        reasons=reasons,
        outcome=choice.outcome,
        scores=scores,
        response_with=p1,
        response_without=p0,
    )


def _score(at: Situation) -> tuple[Floats, Floats, Floats]:
    caused = at.incrementality * at.response
    p0 = np.maximum(at.buys_anyway, at.response - caused)
    # What would exceed certainty was bought anyway already.
    p0 = np.minimum(p0, 1.0 - caused)
    p1 = p0 + caused
    share = np.divide(at.response, p1, out=np.zeros_like(p1), where=p1 > 0.0)
    scores = incremental_value(
        response_with=p1,
        response_without=p0,
        margin=at.margin,
        redemption_cost=at.redemption_cost,
        redemption_share=np.minimum(share, 1.0),
        future=0.0,
        contact_cost=at.contact_cost,
        fatigue=at.fatigue,
        capacity_cost=at.price * at.reserve + at.scarcity,
    )
    return np.broadcast_to(scores + at.preferred, at.eligible.shape), p1, p0


def _one_an_offer(
    offer: Ints, ranked: Ints, reasons: NDArray[np.int8], limit: int
) -> tuple[Ints, NDArray[np.int8]]:
    """Keep the best treatment of each offer, then the first `limit` of those."""
    n = len(ranked)
    rows = np.arange(n)
    kept = np.full((n, limit), -1, dtype=np.int64)
    filled = np.zeros(n, dtype=np.int64)
    had = np.zeros((n, int(offer.max(initial=-1)) + 1), dtype=np.bool_)
    reasons = reasons.copy()
    for place in range(ranked.shape[1]):
        treatment = ranked[:, place]
        there = treatment >= 0
        its_offer = offer[treatment]
        takes = there & (filled < limit) & ~had[rows, its_offer]
        kept[rows[takes], filled[takes]] = treatment[takes]
        had[rows[takes], its_offer[takes]] = True
        filled += takes
        loses = there & ~takes
        reasons[rows[loses], treatment[loses]] = int(Reason.OUTSCORED)
    return kept, reasons
