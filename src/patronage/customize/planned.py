"""What was decided for everybody, not written yet, and by which versions each was."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import polars as pl

from patronage.access.roles import Actor
from patronage.customize.budgeting import Priced
from patronage.customize.inputs import Inputs
from patronage.customize.models import Budget, Holdout
from patronage.customize.population import Population
from patronage.customize.propensity import Drawn, told
from patronage.customize.response import ResponseModel
from patronage.customize.situations import Means, People


class Moved(Exception):
    """What the plan rested on has changed since: decide again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What was decided for everybody, not written yet."""

    actor: Actor
    now: datetime
    inputs: Inputs
    population: Population
    people: People
    means: Means
    model: ResponseModel
    #: customers with contacts that the model rests on
    contacted: int
    holdout: Holdout
    priced: Priced
    budget: Budget


def versions_of_each(plan: Plan) -> list[str]:
    """What each customer was decided by, the rules of their portfolio among it."""
    policy, shared = plan.inputs.policy, _versions(plan)
    people = plan.people
    ruled = policy.applied(people.portfolio, people.matches, people.special)
    handling = ruled.handling(len(people.portfolio))
    keys = np.column_stack(
        [np.asarray(each, dtype=np.int64) for each in (people.portfolio, *handling)]
    )
    known, place = np.unique(keys, axis=0, return_inverse=True)
    told: list[str] = []
    for row, tier, route in known.tolist():
        portfolio_id = policy.portfolios[row] if row >= 0 else ""
        rules = {"rules": policy.book.version_of(portfolio_id)}
        handled = policy.book.handled(tier, route)
        told.append(json.dumps(shared | rules | handled, sort_keys=True))
    return pl.Series(told, dtype=pl.String).gather(place.ravel()).to_list()


def with_tests(plan: Plan, versions: list[str], chance: Drawn) -> list[str]:
    """Add the tests of blocks that had a part in some of the choices."""
    for row in np.flatnonzero(chance.part.any(axis=1)).tolist():
        tests = told(plan.inputs.policy, plan.people.special[row], chance.part[row])
        versions[row] = json.dumps(json.loads(versions[row]) | {"tests": tests}, sort_keys=True)
    return versions


def _versions(plan: Plan) -> dict[str, Any]:
    return {
        "company": plan.inputs.declared.version.number,
        "valuation": plan.inputs.run.id,
        "policy": plan.inputs.policy.digest,
        "holdout": plan.holdout.id,
    }
