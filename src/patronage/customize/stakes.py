"""What is an offer worth to a portfolio, and what would a ruling on it forgo?

Worked out on the candidates of the last run, at its prices: each customer's best achievable with
the offer as proposed, less the best with it as ruled; the other offers stay as they are ruled now.
Who is held out is left out: nothing would have been earned from them either way. Of a portfolio
above `MOST_CUSTOMERS`, that many customers stand for all.

What an offer is worth to each customer depends on its own terms alone, so it is worked out once
for an offer and its terms and kept: another ruling costs one offer, looking again costs nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

import ibis
import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from patronage.access import datasets
from patronage.access.company import company_of
from patronage.customize.bounds import beyond_everybody
from patronage.customize.budgeting import BUDGET
from patronage.customize.deciding import Bools, Floats, Ints, decide
from patronage.customize.models import Affinity, Decision, DecisionRun, Ruling
from patronage.customize.periods import last_day_of
from patronage.customize.policy import PolicyInForce, policy_at
from patronage.customize.population import load_fields, portfolio_rows
from patronage.customize.scoped import PORTFOLIO, Codes
from patronage.customize.situations import FIGURES, Means, People, months_of, situation
from patronage.customize.standing import rulings_at, special_at
from patronage.customize.stocks import stocks_of
from patronage.customize.terms import Terms
from patronage.science.arbitration import Reason, hash_ids
from patronage.vocabulary.periods import BusinessCalendar

MOST_CUSTOMERS: Final = 20_000
#: so many portfolios' customers are kept in memory
KEPT_PORTFOLIOS: Final = 16
#: by offer and terms, of all portfolios together; each holds one number a customer
_KEPT_COLUMNS: Final = 2048
_PROPOSED: Final = Terms(effect="allow")
_OPEN: Final = (int(Reason.NOT_WORTH_IT), int(Reason.OUTSCORED), int(Reason.CHOSEN))


@dataclass(frozen=True, slots=True, kw_only=True)
class Stake:
    """What one offer means to one portfolio, at the last run."""

    #: customers that it is about
    covered: int
    #: of those, for whom the offer as proposed is worth making
    customers: int
    #: of those, for how many it is the best there is
    best_for: int
    #: best achievable with the offer as proposed less the best with it as ruled
    net_minor: float
    #: the offer's own positive scores less what the ruling leaves of them
    gross_minor: float
    #: best achievable with the offer as proposed less the best without it
    worth_minor: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _Base:
    """A portfolio's customers as the last run saw them."""

    policy: PolicyInForce
    people: People
    means: Means
    #: customers that each one here stands for
    weight: float


def last_run() -> DecisionRun | None:
    """The newest run of the newest date; None before the first."""
    return DecisionRun.objects.order_by("-as_of", "-created_at", "-id").first()


def of_ruling(ruling: Ruling, now: datetime) -> Stake | None:
    """What a ruling means to those whom it would decide for, written down yet or not.

    Those whom a more specific ruling decides for are none of them. Who is in a block's test share
    forgoes nothing. None where the last run did not consider the offer, or none of them.
    """
    run = last_run()
    portfolio_id = ruling.portfolio_id
    found = None if run is None else _standing(run.id, portfolio_id, now)
    if run is None or found is None:
        return None
    base, ruled, policy = found
    ids = [offer.id for offer in policy.offers]
    if ruling.offer_id not in ids:
        return None
    place = ids.index(ruling.offer_id)
    rows = _decided_by(ruling, policy, run)
    if not rows.size:
        return None
    others = np.delete(ruled, place, axis=0).max(axis=0, initial=0.0)
    terms = Terms.of(ruling.effect, ruling.adaptation)
    stake = _stake(
        1.0 if ruling.customer_id else base.weight,
        _best(run.id, portfolio_id, place, _PROPOSED)[rows],
        _best(run.id, portfolio_id, place, terms)[rows],
        others[rows],
    )
    kept = 1.0 - ruling.test_share
    return replace(stake, net_minor=stake.net_minor * kept, gross_minor=stake.gross_minor * kept)


def of_offers(portfolio_id: str, now: datetime) -> dict[str, Stake]:
    """What each offer of the last run means to a portfolio as it is ruled now, by offer."""
    run = last_run()
    found = None if run is None else _standing(run.id, portfolio_id, now)
    if run is None or found is None:
        return {}
    base, ruled, policy = found
    return {
        offer.id: _stake(
            base.weight,
            _best(run.id, portfolio_id, place, _PROPOSED),
            ruled[place],
            np.delete(ruled, place, axis=0).max(axis=0, initial=0.0),
        )
        for place, offer in enumerate(policy.offers)
    }


def _standing(
    run_id: str, portfolio_id: str, now: datetime
) -> tuple[_Base, Floats, PolicyInForce] | None:
    """``(m, n)``: each offer's best score as it is ruled now, for each customer of the base.

    None where there is nobody or nothing.
    """
    base = _base(run_id, portfolio_id)
    ids = [offer.id for offer in base.policy.offers]
    if not ids or not len(base.people.customer_ids):
        return None
    special = tuple(each for each in special_at(now, ids) if each.portfolio_id == portfolio_id)
    policy = replace(base.policy, rulings=rulings_at(now, ids), special=special)
    codes = _codes(policy, run_id, portfolio_id)
    ruled = np.stack(
        [
            _as_ruled(policy, run_id, portfolio_id, place, codes[:, place])
            for place in range(len(ids))
        ]
    )
    return base, ruled, policy


def _as_ruled(
    policy: PolicyInForce, run_id: str, portfolio_id: str, place: int, codes: Codes
) -> Floats:
    """``(n,)``: an offer's best score, each customer at the terms of the ruling that decides."""
    own = policy.terms(portfolio_id, policy.offers[place])
    best = _best(run_id, portfolio_id, place, own)
    for code in np.unique(codes[codes >= 0]).tolist():
        said = _best(run_id, portfolio_id, place, policy.word(code))
        best = np.where(codes == code, said, best)
    return best


def _codes(policy: PolicyInForce, run_id: str, portfolio_id: str) -> Codes:
    """``(n, m)``: which ruling decides; facts are read where a segment asks about them."""
    people = _base(run_id, portfolio_id).people
    if policy.special and policy.scopes.conditions.predicates:
        return policy.scopes.everybody(_facts(run_id, portfolio_id), people.portfolio)
    frame = pl.DataFrame({"customer_id": people.customer_ids}, schema={"customer_id": pl.String})
    return policy.scopes.everybody(frame, people.portfolio)


@lru_cache(maxsize=KEPT_PORTFOLIOS)
def _facts(run_id: str, portfolio_id: str) -> pl.DataFrame:
    """What segments may ask about the base's customers, as the run saw them."""
    run = DecisionRun.objects.select_related("valuation_run").get(id=run_id)
    base = _base(run_id, portfolio_id)
    return _fields(base.policy, run, list(base.people.customer_ids))


def _decided_by(ruling: Ruling, policy: PolicyInForce, run: DecisionRun) -> Ints:
    """Whom a ruling would decide for, were it the newest."""
    rank = _specificity(ruling)
    before = [each for each in policy.special if _specificity(each) <= rank]
    after = [each for each in policy.special if _specificity(each) > rank]
    asked = replace(policy, special=(*before, ruling, *after))
    column = [offer.id for offer in policy.offers].index(ruling.offer_id)
    codes = _codes(asked, run.id, ruling.portfolio_id)[:, column] // 2
    return np.flatnonzero(codes == len(before))


def _specificity(ruling: Ruling) -> int:
    return 2 if ruling.customer_id else int(bool(ruling.about))


def _stake(weight: float, proposed: Floats, stated: Floats, others: Floats) -> Stake:
    with_it = np.maximum(proposed, others)
    return Stake(
        covered=round(weight * len(proposed)),
        customers=round(weight * int((proposed > 0.0).sum())),
        best_for=round(weight * int(((proposed > 0.0) & (proposed >= others)).sum())),
        net_minor=weight * float((with_it - np.maximum(stated, others)).sum()),
        gross_minor=weight * float(np.maximum(proposed - stated, 0.0).sum()),
        worth_minor=weight * float((with_it - others).sum()),
    )


def _best(run_id: str, portfolio_id: str, place: int, terms: Terms) -> Floats:
    """``(n,)``: an offer's best score among its treatments at these terms, 0 where none pays."""
    return _best_of(run_id, portfolio_id, place, replace(terms, wording=None, options=None))


@lru_cache(maxsize=_KEPT_COLUMNS)
def _best_of(run_id: str, portfolio_id: str, place: int, terms: Terms) -> Floats:
    base = _base(run_id, portfolio_id)
    offer, people = base.policy.offers[place], base.people
    columns = np.flatnonzero(base.policy.offer_of == place)
    if terms.effect == "block" or not columns.size:
        return np.zeros(len(people.customer_ids))
    ruling = Ruling(effect=terms.effect, adaptation=terms.stored())
    policy = replace(
        base.policy,
        offers=(offer,),
        treatments=tuple(base.policy.treatments[column] for column in columns.tolist()),
        rulings={(portfolio_id, offer.id): ruling},
        special=(),
    )
    alone = replace(
        people,
        figures=people.figures[:, [place]],
        meets=people.meets[:, [place]],
        special=people.special[:, [place]],
        consented=people.consented[:, columns],
    )
    chosen = decide(situation(policy, alone, base.means))
    scores = np.where(np.isin(chosen.reasons, _OPEN), chosen.scores, 0.0)
    return np.asarray(scores.max(axis=1, initial=0.0), dtype=np.float64)


@lru_cache(maxsize=KEPT_PORTFOLIOS)
def _base(run_id: str, portfolio_id: str) -> _Base:
    run = DecisionRun.objects.select_related("company_version", "valuation_run").get(id=run_id)
    company = company_of(run.company_version)
    at = BusinessCalendar(company.time_zone).end_of_day(run.as_of)
    policy = policy_at(at, company, acting_at=run.created_at)
    decided = Decision.objects.filter(run=run, portfolio_id=portfolio_id, held_out=False)
    total = decided.count()
    kept = Affinity.objects.filter(
        run=run,
        customer_id__in=decided.order_by("customer_id").values("customer_id")[:MOST_CUSTOMERS],
    )
    rows = sorted(kept.values_list("customer_id", "figures"))
    ids = [customer_id for customer_id, _ in rows]
    figures = figures_of([bytes(blob) for _, blob in rows], len(policy.offers))
    return _Base(
        policy=policy,
        people=_people(policy, run, portfolio_id, ids, figures),
        means=Means(
            budget_left=2**62,
            price=run.prices[BUDGET],
            salt=run.input_digest,
            at=at,
            last_day=last_day_of(company, at),
            stocks=tuple(replace(each, left=2**62) for each in stocks_of(policy, at, run.prices)),
        ),
        weight=total / len(ids) if ids else 0.0,
    )


def figures_of(blobs: list[bytes], offers: int) -> Floats:
    """``(n, m, 3)`` from what was kept for each customer."""
    table = np.frombuffer(b"".join(blobs), dtype="<f4")
    return table.reshape(len(blobs), offers, FIGURES).astype(np.float64)


def _people(
    policy: PolicyInForce, run: DecisionRun, portfolio_id: str, ids: list[str], figures: Floats
) -> People:
    reasons = _reasons(run, ids, policy)
    rows = portfolio_rows([portfolio_id] * len(ids), policy)
    first = np.array([int(np.argmax(policy.offer_of == m)) for m in range(len(policy.offers))])
    of_offer = reasons[:, first]
    meets = np.where(of_offer == int(Reason.UNKNOWN), -1, of_offer != int(Reason.INELIGIBLE))
    capped = (reasons == int(Reason.CAPPED)).any(axis=1)
    at_last = last_day_of(policy.company, policy.at)
    return People(
        customer_ids=ids,
        portfolio=rows,
        figures=figures,
        meets=meets.astype(np.int8),
        matches=_matches(policy, run, ids, rows),
        # every offer is asked about at the terms of one ruling, whoever it is about
        special=np.broadcast_to(np.int32(PORTFOLIO), (len(ids), len(policy.offers))),
        beyond=_beyond(policy, run, ids),
        consented=np.asarray(reasons != int(Reason.NO_CONSENT), dtype=np.bool_),
        held_out=np.zeros(len(ids), dtype=np.bool_),
        fenced=(reasons == int(Reason.FENCED)).any(axis=1),
        full=dict.fromkeys(months_of(policy, policy.at, at_last), capped),
        hashes=hash_ids(ids),
    )


def _matches(policy: PolicyInForce, run: DecisionRun, ids: list[str], rows: Ints) -> Bools:
    """``(n, r)``: which rules match; nobody is read where there are none."""
    if not policy.book.rules:
        return np.zeros((len(ids), 0), dtype=np.bool_)
    return policy.book.matches(_fields(policy, run, ids), rows)


def _beyond(policy: PolicyInForce, run: DecisionRun, ids: list[str]) -> Bools:
    """``(n, b)``: which boundaries are about each; nobody is read where there are none."""
    if not policy.boundaries:
        return np.zeros((len(ids), 0), dtype=np.bool_)
    return beyond_everybody(policy.boundaries, _fields(policy, run, ids))


def _fields(policy: PolicyInForce, run: DecisionRun, ids: list[str]) -> pl.DataFrame:
    everybody = load_fields(policy.at, run.valuation_run, policy.company)
    return pl.DataFrame({"customer_id": ids}, schema={"customer_id": pl.String}).join(
        everybody, on="customer_id", how="left", maintain_order="left"
    )


def _reasons(run: DecisionRun, ids: list[str], policy: PolicyInForce) -> NDArray[np.int8]:
    """``int8 (n, k)``: the logged reasons, customers and treatments in the policy's order.

    The engine finds the places, so that of millions of candidates only small numbers come back.
    """
    if not ids:
        return np.zeros((0, len(policy.treatments)), dtype=np.int8)
    people = ibis.memtable(pa.table({"customer_id": ids, "row": np.arange(len(ids))}))
    said = [each.id for each in policy.treatments]
    treatments = ibis.memtable(pa.table({"treatment_id": said, "place": np.arange(len(said))}))
    rows: Any = datasets.read("decision_candidates", run.manifest)
    mine = rows.filter((rows.decision_run_id == run.id) & rows.customer_id.between(ids[0], ids[-1]))
    placed = mine.join(people, "customer_id").join(treatments, "treatment_id")
    found = datasets.warehouse().arrow(placed.select("row", "place", "reason"))
    reasons = np.zeros((len(ids), len(said)), dtype=np.int8)
    reasons[found["row"].to_numpy(), found["place"].to_numpy()] = found["reason"].to_numpy()
    return reasons
