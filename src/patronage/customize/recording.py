"""The one writer of decisions and contacts: for all customers at night and for one in the moment.

Decision, contact, place under the contact policy and reservation in the budget are written in one
transaction, the caller's: none of them exists without the others.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import F

from patronage.customize.errors import BudgetSpent
from patronage.customize.models import Budget, Contact, Decision
from patronage.customize.stocks import Stock
from patronage.govern.capacities import take
from patronage.identify import bulk
from patronage.identify.models import Customer
from patronage.vocabulary.ids import IdPrefix, new_ids

_AT_ONCE = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionColumns:
    """Decisions, one list a column, all of one length."""

    ids: list[str]
    customer_ids: list[str]
    portfolio_ids: list[str]
    outcomes: list[str]
    #: None where nothing was chosen
    treatment_ids: list[str | None]
    scores: list[float | None]
    held_out: list[bool]
    #: probability of each choice
    propensities: list[float]
    #: every candidate with its terms and reason, as JSON; empty where the warehouse has them
    candidates: list[str]
    versions: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactColumns:
    """Contacts of the offered ones, one list a column, all of one length."""

    decision_ids: list[str]
    customer_ids: list[str]
    treatment_ids: list[str]
    channels: list[str]
    consent_ids: list[str]
    ruling_ids: list[str]
    reserved_minor: list[int]
    #: boundaries on stock or capacity, by id, of which each takes one
    takes: list[tuple[str, ...]]
    cap_months: list[str]
    cap_places: list[int]
    due_at: list[datetime]
    terms: list[dict[str, Any]]


def lock_customers(customer_ids: Sequence[str]) -> None:
    """Keep these customers' places from changing until the caller's transaction ends.

    SQLite has one writer anyway; PostgreSQL locks the rows, in the order of their ids.
    """
    ordered = sorted(customer_ids)
    for start in range(0, len(ordered), _AT_ONCE):
        some = Customer.objects.filter(id__in=ordered[start : start + _AT_ONCE]).order_by("id")
        list(some.select_for_update(no_key=True).values_list("id"))


def record_decisions(
    *,
    at: datetime,
    now: datetime,
    run_id: str | None,
    channel: str,
    budget: Budget,
    decisions: DecisionColumns,
    contacts: ContactColumns,
    presented: bool,
    stocks: Sequence[Stock] = (),
) -> list[str]:
    """Write decisions with their contacts; return the contacts' ids.

    Args:
        at: the instant decided for.
        run_id: the run; None in the moment.
        channel: the channel asked for; empty for any.
        presented: whether the answer itself is the contact, so that it is sent already.
        stocks: what the contacts take from.

    Raises:
        BudgetSpent: the budget does not hold all of it; roll back.
        CapacityTaken: of a stock or capacity there is not so much left; roll back.
    """
    _hold(budget, sum(contacts.reserved_minor), spent=presented)
    counts = _take(stocks, contacts, at)
    count = len(decisions.ids)
    bulk.insert(
        Decision,
        {
            "id": decisions.ids,
            "run": [run_id] * count,
            "customer": decisions.customer_ids,
            "portfolio": decisions.portfolio_ids,
            "at": [at] * count,
            "channel": [channel] * count,
            "outcome": decisions.outcomes,
            "treatment": decisions.treatment_ids,
            "score_minor": decisions.scores,
            "propensity": decisions.propensities,
            "held_out": decisions.held_out,
            "candidates": decisions.candidates,
            "versions": decisions.versions,
        },
    )
    return _contacts(contacts, counts, budget, now, presented=presented)


def _take(stocks: Sequence[Stock], contacts: ContactColumns, at: datetime) -> list[str]:
    """Take one of everything that each contact takes from; give the counts it is in, of each."""
    wanted = Counter(boundary for takes in contacts.takes for boundary in takes)
    counts = take(wanted, [each.row for each in stocks], at)
    said = {takes: " ".join(str(counts[each]) for each in takes) for takes in set(contacts.takes)}
    return [said[takes] for takes in contacts.takes]


def _contacts(
    contacts: ContactColumns, counts: list[str], budget: Budget, now: datetime, *, presented: bool
) -> list[str]:
    count = len(contacts.decision_ids)
    ids = new_ids(IdPrefix.CONTACT, count)
    bulk.insert(
        Contact,
        {
            "id": ids,
            "decision": contacts.decision_ids,
            "customer": contacts.customer_ids,
            "treatment": contacts.treatment_ids,
            "channel": contacts.channels,
            "consent": contacts.consent_ids,
            "ruling": contacts.ruling_ids,
            "budget": [budget.id] * count,
            "reserved_minor": contacts.reserved_minor,
            "capacities": counts,
            "cap_month": contacts.cap_months,
            "cap_place": contacts.cap_places,
            "due_at": contacts.due_at,
            "state": ["sent" if presented else "queued"] * count,
            "terms": [json.dumps(terms, sort_keys=True) for terms in contacts.terms],
            "state_at": [now] * count,
            "state_reason": ["presented in the answer" if presented else ""] * count,
            "lease_token": [""] * count,
        },
    )
    return ids


def _hold(budget: Budget, amount_minor: int, *, spent: bool) -> None:
    """Take an amount out of what is left, if it is left: checked and written in one statement."""
    if amount_minor == 0:
        return
    column = "spent_minor" if spent else "reserved_minor"
    enough = Budget.objects.filter(
        id=budget.id, amount_minor__gte=F("reserved_minor") + F("spent_minor") + amount_minor
    )
    if enough.update(**{column: F(column) + amount_minor}) != 1:
        raise BudgetSpent(period=budget.period, wanted_minor=amount_minor)
