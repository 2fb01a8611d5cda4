"""Decide everybody as of a date: figures, price, choice, and one transaction that writes it all."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from typing import Final

from patronage.access.progress import Progress, silent
from patronage.access.roles import Actor, Right
from patronage.customize.actions.falling import fall_to_default
from patronage.customize.actions.offers import complete_rulings
from patronage.customize.bounds import beyond_everybody
from patronage.customize.budgeting import decide_all
from patronage.customize.contact_policy import full_months, places_taken
from patronage.customize.errors import BaseMoved
from patronage.customize.figures import category_figures
from patronage.customize.history import answers, contacted_customers
from patronage.customize.holdout import held_out, universal_holdout
from patronage.customize.inputs import Inputs, load_inputs
from patronage.customize.models import DecisionRun, Holdout
from patronage.customize.periods import budget_of, last_day_of, left_of
from patronage.customize.plan import write_plan
from patronage.customize.planned import Moved, Plan
from patronage.customize.population import (
    Population,
    among,
    consented,
    load_population,
    meets_conditions,
    offer_figures,
    portfolio_rows,
)
from patronage.customize.response import ResponseModel, fit_response
from patronage.customize.situations import Means, People, months_of, situation
from patronage.customize.stocks import stocks_of
from patronage.govern import fence

_TRIES: Final = 3


def decide(*, actor: Actor, now: datetime, as_of: date, progress: Progress = silent) -> DecisionRun:
    """Decide every customer as of a date; the same inputs again give the run that is there.

    Raises:
        DateNotOver: the date has not ended yet.
        NotValued: nobody was valued as of the date.
        NoOffers: no offer is open then.
        BaseMoved: what the plan rested on kept changing; nothing was written.
    """
    actor.require(Right.DECIDE_EVERYBODY)
    complete_rulings(actor=actor, now=now)
    fall_to_default(actor=actor, now=now)
    inputs = load_inputs(as_of, now)
    known = DecisionRun.objects.filter(input_digest=inputs.digest).first()
    if known is not None:
        return known
    progress(0.1, "Reading customers and consents")
    population = load_population(inputs.at, inputs.run, inputs.policy)
    progress(0.2, "Learning responses")
    model = fit_response(answers(inputs.seen))
    contacted = contacted_customers(inputs.seen)
    progress(0.35, "Working out what each customer would do")
    holdout = universal_holdout(inputs.policy.company, now)
    people = _people(inputs, population, model, holdout)
    for _ in range(_TRIES):
        progress(0.6, "Choosing")
        plan = _plan(actor, now, inputs, population, people, model, contacted, holdout)
        progress(0.75, "Writing decisions and contacts")
        try:
            run = write_plan(plan)
        except Moved:
            continue
        progress(1.0, "Done")
        return run
    raise BaseMoved(tries=_TRIES)


def _people(
    inputs: Inputs, population: Population, model: ResponseModel, holdout: Holdout
) -> People:
    policy, ids = inputs.policy, population.ids
    figures = category_figures(inputs.seen, ids, [offer.category for offer in policy.offers])
    rows = portfolio_rows(population.frame["portfolio_id"].to_list(), policy)
    return People(
        customer_ids=ids,
        portfolio=rows,
        figures=offer_figures(policy, figures, model),
        meets=meets_conditions(population.frame, policy),
        matches=policy.book.matches(population.frame, rows),
        special=policy.scopes.everybody(population.frame, rows),
        beyond=beyond_everybody(policy.boundaries, population.frame),
        consented=consented(ids, policy, population.consents),
        held_out=held_out(holdout, ids),
        fenced=among(ids, fence.fenced_now()),
        full={},
    )


def _plan(
    actor: Actor,
    now: datetime,
    inputs: Inputs,
    population: Population,
    people: People,
    model: ResponseModel,
    contacted: int,
    holdout: Holdout,
) -> Plan:
    """Choose for everybody with the places and the budget that are left now."""
    policy, ids = inputs.policy, people.customer_ids
    company, last_day = policy.company, last_day_of(policy.company, inputs.at)
    budget = budget_of(company, inputs.at)
    months = months_of(policy, inputs.at, last_day)
    taken = places_taken(months)
    people = replace(
        people,
        full=full_months(taken, months, ids, company.contacts_per_month),
        fenced=among(ids, fence.fenced_now()),
    )
    means = Means(
        budget_left=left_of(budget),
        price=0.0,
        salt=inputs.digest,
        at=inputs.at,
        last_day=last_day,
        stocks=stocks_of(policy, inputs.at),
    )
    seed = int(inputs.digest[:8], 16)
    priced = decide_all(situation(policy, people, means), seed, means.stocks)
    return Plan(
        actor=actor,
        now=now,
        inputs=inputs,
        population=population,
        people=people,
        means=replace(means, price=priced.situation.price, stocks=priced.stocks),
        model=model,
        contacted=contacted,
        holdout=holdout,
        priced=priced,
        budget=budget,
    )
