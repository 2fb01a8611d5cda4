"""The policy in force now, compiled and kept in memory until anything about it changes.

What may have changed is looked at inside each decision's own transaction, with one small query:
rulings, boundaries and published rules are only ever added, and every change of an offer leaves an
audit row.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db import connection
from django.db.models import F, Min

from patronage.access.company import current
from patronage.customize.holdout import universal_holdout
from patronage.customize.models import DecisionRun, Holdout, Offer
from patronage.customize.policy import PolicyInForce, policy_at
from patronage.customize.stakes import last_run
from patronage.customize.standing import standing
from patronage.govern.boundaries import next_boundary
from patronage.govern.peace import next_peace_end

_EPOCH: Final = """
    SELECT (SELECT MAX(number) FROM access_companyversion),
           (SELECT COUNT(*) FROM customize_ruling),
           (SELECT COUNT(*) FROM customize_rulingend),
           (SELECT id FROM customize_ruling ORDER BY recorded_at DESC, id DESC LIMIT 1),
           (SELECT MAX(id) FROM access_auditentry WHERE subject_kind = 'offer'),
           (SELECT MAX(id) FROM customize_offer),
           (SELECT COUNT(*) FROM govern_portfolio),
           (SELECT COUNT(*) FROM govern_policyversion WHERE published_at IS NOT NULL),
           (SELECT COUNT(*) FROM govern_boundary),
           (SELECT COUNT(*) FROM govern_conflictruling),
           (SELECT COUNT(*) FROM govern_conflict WHERE merge_id <> ''),
           (SELECT COUNT(closed_at) FROM govern_conflict WHERE merge_id <> ''),
           (SELECT id FROM customize_decisionrun ORDER BY as_of DESC, created_at DESC, id DESC
            LIMIT 1)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """What decisions in the moment rest on."""

    policy: PolicyInForce
    company_version: int
    #: who is held out
    holdout: Holdout
    #: the run whose prices and figures are used; None before the first
    run: DecisionRun | None
    #: prices of the budget, of stock and of capacity at that run, by name
    prices: Mapping[str, float]
    #: what tells this state from the next
    epoch: tuple[Any, ...]
    #: first instant at which an offer opens or closes, or a rule ends, by itself
    until: datetime | None


_LOCK = threading.Lock()
_KEPT: dict[str, Served] = {}


def serve(now: datetime) -> Served:
    """Give the policy in force at `now`, never a stale one: call it in your own transaction."""
    store = str(connection.settings_dict["NAME"])
    epoch = _epoch()
    kept = _KEPT.get(store)
    if kept is not None and kept.epoch == epoch and _holds(kept, now):
        return kept
    fresh = _load(now, epoch)
    with _LOCK:
        _KEPT[store] = fresh
    return fresh


def _holds(kept: Served, now: datetime) -> bool:
    return kept.policy.at <= now and (kept.until is None or now < kept.until)


def _epoch() -> tuple[Any, ...]:
    with connection.cursor() as cursor:
        cursor.execute(_EPOCH)
        return tuple(cursor.fetchone())


def _load(now: datetime, epoch: tuple[Any, ...]) -> Served:
    declared = current()
    policy = policy_at(now, declared.company)
    # Worked out once here, not in the first customer's answer.
    _ = policy.rules, policy.gate, policy.digest, policy.book.conditions, policy.targets
    _ = policy.scopes.conditions
    run = last_run()
    return Served(
        policy=policy,
        company_version=declared.version.number,
        holdout=universal_holdout(declared.company, now),
        run=run,
        prices={} if run is None else run.prices,
        epoch=epoch,
        until=_next_change(now, policy),
    )


def _next_change(now: datetime, policy: PolicyInForce) -> datetime | None:
    opens = Offer.objects.filter(valid_from__gt=now).aggregate(at=Min(F("valid_from")))["at"]
    closes = Offer.objects.filter(valid_until__gt=now).aggregate(at=Min(F("valid_until")))["at"]
    ends, begins = policy.book.until(), next_boundary(now)
    ruled = standing(now).aggregate(at=Min("valid_until"))["at"]
    every = (opens, closes, ends, begins, next_peace_end(now), ruled)
    return min((at for at in every if at is not None), default=None)
