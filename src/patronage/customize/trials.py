"""Who would be decided, and from what, if the decisions of a date were made once more?

What the date's own run has used up counts as free again: its contacts' places, and the budget as
it stood before it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime

import numpy as np
import polars as pl
from django.utils.translation import gettext as _

from patronage.access.company import company_of
from patronage.customize.bounds import beyond_everybody
from patronage.customize.budgeting import BUDGET
from patronage.customize.contact_policy import full_months, places_taken
from patronage.customize.deciding import Floats
from patronage.customize.errors import NotPriced
from patronage.customize.figures import category_figures
from patronage.customize.history import answers
from patronage.customize.holdout import held_out, universal_holdout
from patronage.customize.inputs import Inputs, load_inputs
from patronage.customize.models import Affinity, DecisionRun
from patronage.customize.periods import budget_of, last_day_of, left_of
from patronage.customize.policy import PolicyInForce, policy_at
from patronage.customize.population import (
    among,
    consented,
    fields_of_some,
    load_population,
    meets_conditions,
    offer_figures,
    portfolio_rows,
)
from patronage.customize.response import fit_response
from patronage.customize.situations import FIGURES, Means, People, months_of
from patronage.customize.stocks import Stock, stocks_of
from patronage.govern import fence
from patronage.identify.models import Consent
from patronage.identify.suppression import suppressed
from patronage.science.arbitration import hash_ids
from patronage.vocabulary.periods import BusinessCalendar


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """Customers of a date with all that their decisions rest on but the rules."""

    policy: PolicyInForce
    #: what conditions may ask, one row a customer
    frame: pl.DataFrame
    #: in the frame's order; `matches` is empty
    people: People
    means: Means
    #: of the allocation
    seed: int


def trial_of_all(as_of: date, now: datetime) -> Trial:
    """Everybody, as of a date.

    Raises:
        DateNotOver, NotValued, NoOffers: as for decisions of that date.
    """
    inputs = load_inputs(as_of, now)
    policy = inputs.policy
    population = load_population(inputs.at, inputs.run, policy)
    frame, ids = population.frame, population.ids
    made = DecisionRun.objects.filter(as_of=as_of).order_by("-created_at", "-id").first()
    holdout = universal_holdout(policy.company, now)
    figures = _kept(made, ids, policy)
    if figures is None:
        figures = _worked_out(inputs, ids)
    rows, hashes = portfolio_rows(frame["portfolio_id"].to_list(), policy), hash_ids(ids)
    people = People(
        customer_ids=ids,
        portfolio=rows,
        figures=figures,
        meets=meets_conditions(frame, policy),
        matches=np.zeros((len(ids), 0), dtype=np.bool_),
        special=policy.scopes.everybody(frame, rows),
        beyond=beyond_everybody(policy.boundaries, frame),
        consented=consented(ids, policy, population.consents),
        fenced=among(ids, fence.fenced_now()),
        held_out=held_out(holdout, hashes),
        full={},
        hashes=hashes,
    )
    salt = inputs.digest if made is None else made.input_digest
    return _trial(policy, frame, people, made, salt, ids=None)


def trial_of_some(run: DecisionRun, ids: list[str], now: datetime) -> Trial:
    """Some customers of the last run, as they stand now.

    Raises:
        NotPriced: offers have opened or closed since that run, so that no figures are kept.
    """
    company = company_of(run.company_version)
    at = BusinessCalendar(company.time_zone).end_of_day(run.as_of)
    policy = policy_at(at, company, acting_at=now)
    frame = fields_of_some(ids, now, company)
    ids = frame["customer_id"].to_list()
    figures = _kept(run, ids, policy, at_least=False)
    if figures is None:
        raise NotPriced(
            _(
                "The offers of the last run's date have changed since. Run its decisions "
                "again, or ask for the exact answer."
            )
        )
    rows = portfolio_rows([each or "" for each in frame["portfolio_id"]], policy)
    hashes = hash_ids(ids)
    people = People(
        customer_ids=ids,
        portfolio=rows,
        figures=figures,
        meets=meets_conditions(frame, policy),
        matches=np.zeros((len(ids), 0), dtype=np.bool_),
        special=policy.scopes.everybody(frame, rows),
        beyond=beyond_everybody(policy.boundaries, frame),
        consented=consented(ids, policy, _consents(ids, at)),
        fenced=among(ids, fence.fenced_now()),
        held_out=held_out(universal_holdout(company, now), hashes),
        full={},
        hashes=hashes,
    )
    return _trial(policy, frame, people, run, run.input_digest, ids=ids)


def _trial(
    policy: PolicyInForce,
    frame: pl.DataFrame,
    people: People,
    made: DecisionRun | None,
    salt: str,
    ids: list[str] | None,
) -> Trial:
    company, at = policy.company, policy.at
    last_day = last_day_of(company, at)
    months = months_of(policy, at, last_day)
    taken = places_taken(months, ids, None if made is None else made.id)
    full = full_months(taken, months, people.customer_ids, company.contacts_per_month)
    left = left_of(budget_of(company, at))
    return Trial(
        policy=policy,
        frame=frame,
        people=replace(people, full=full),
        means=Means(
            budget_left=left if made is None else int(made.certificate["capacity"][BUDGET]),
            price=0.0,
            salt=salt,
            at=at,
            last_day=last_day,
            stocks=_stocks(policy, at, made),
        ),
        seed=int(salt[:8], 16),
    )


def _stocks(policy: PolicyInForce, at: datetime, made: DecisionRun | None) -> tuple[Stock, ...]:
    """As they are left now, or as a run that was made found them."""
    if made is None:
        return stocks_of(policy, at)
    there: dict[str, int] = made.certificate["capacity"]
    found = stocks_of(policy, at, made.prices)
    return tuple(replace(each, left=there.get(each.name, each.left)) for each in found)


def _kept(
    run: DecisionRun | None, ids: list[str], policy: PolicyInForce, *, at_least: bool = True
) -> Floats | None:
    """``(n, m, 3)`` as the run left them; None where it did not, or of other offers.

    Args:
        at_least: give None as well where somebody has none; otherwise those are unknown.
    """
    if run is None or run.offers != [offer.id for offer in policy.offers]:
        return None
    wanted = Affinity.objects.filter(run=run)
    if not at_least:
        wanted = wanted.filter(customer__in=ids)
    kept = dict(wanted.values_list("customer_id", "figures"))
    if not kept or (at_least and not kept.keys() >= set(ids)):
        return None
    unknown = np.full(len(policy.offers) * FIGURES, np.nan, dtype="<f4").tobytes()
    table = np.frombuffer(b"".join([kept.get(each, unknown) for each in ids]), dtype="<f4")
    return table.reshape(len(ids), len(policy.offers), FIGURES).astype(np.float64)


def _worked_out(inputs: Inputs, ids: list[str]) -> Floats:
    categories = [offer.category for offer in inputs.policy.offers]
    figures = category_figures(inputs.seen, ids, categories)
    return offer_figures(inputs.policy, figures, fit_response(answers(inputs.seen)))


def _consents(ids: list[str], at: datetime) -> dict[str, dict[str, str]]:
    """By channel: customer → consent that stands, of some customers."""
    never = suppressed(ids)
    said = Consent.objects.filter(customer__in=ids, purpose="marketing", valid_from__lte=at)
    rows = said.order_by("valid_from", "recorded_at", "id")
    last: dict[tuple[str, str], tuple[str, str]] = {}
    for channel, customer_id, state, consent_id in rows.values_list(
        "channel", "customer_id", "state", "id"
    ):
        last[channel, customer_id] = (state, consent_id)
    standing: dict[str, dict[str, str]] = {}
    for (channel, customer_id), (state, consent_id) in last.items():
        if state == "given" and customer_id not in never:
            standing.setdefault(channel, {})[customer_id] = consent_id
    return standing
