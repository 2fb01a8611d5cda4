"""What do the decisions of one date rest on, and were they made from it before?"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from typing import Any, Final

from django.db import models
from django.db.models import Count, Max

from patronage.access.company import CurrentCompany, current
from patronage.customize.errors import DateNotOver, NoOffers, NotValued
from patronage.customize.history import Seen
from patronage.customize.policy import PolicyInForce, policy_at
from patronage.differentiate.models import Need, ValuationRun
from patronage.differentiate.reads import run_at
from patronage.govern.models import FenceChange, Membership
from patronage.identify.models import Consent
from patronage.vocabulary.periods import BusinessCalendar

#: Raised whenever the same inputs would give other decisions than before.
METHOD_VERSION: Final = 1


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """Everything that the decisions of one date rest on."""

    as_of: date
    #: the instant at which the date ends
    at: datetime
    declared: CurrentCompany
    run: ValuationRun
    policy: PolicyInForce
    seen: Seen
    #: state of the fence when it is acted
    fence: list[Any]

    @cached_property
    def digest(self) -> str:
        """The same for the same inputs; contacts and budget, which decisions use up, are not in."""
        content: dict[str, Any] = {
            "as_of": self.as_of.isoformat(),
            "company": self.declared.version.digest,
            "run": self.run.input_digest,
            "policy": self.policy.digest,
            "history": [*self.seen.numbers, self.seen.merges],
            "consents": _state(Consent, valid_from__lte=self.at),
            "memberships": _state(Membership, starts_at__lte=self.at),
            "needs": _state(Need, said_at__lt=self.at),
            "needs closed": _state(Need, closed_at__lt=self.at),
            "fence": self.fence,
            "method": METHOD_VERSION,
        }
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def load_inputs(as_of: date, now: datetime) -> Inputs:
    """Find what the decisions as of a date rest on.

    Raises:
        DateNotOver: the date has not ended yet.
        NotValued: nobody was valued as of the date.
        NoOffers: no offer is open then.
    """
    declared = current()
    at = BusinessCalendar(declared.company.time_zone).end_of_day(as_of)
    if at > now:
        raise DateNotOver(as_of=as_of)
    run = run_at(as_of)
    if run is None:
        raise NotValued(as_of=as_of)
    policy = policy_at(at, declared.company, acting_at=now)
    if not policy.treatments:
        raise NoOffers(as_of=as_of)
    return Inputs(
        as_of=as_of,
        at=at,
        declared=declared,
        run=run,
        policy=policy,
        seen=Seen.before(at),
        fence=_state(FenceChange),
    )


def _state(model: type[models.Model], **condition: Any) -> list[Any]:
    """Rows are only ever appended, so their number and the newest recording tell states apart."""
    rows = model._default_manager.filter(**condition)
    found = rows.aggregate(rows=Count("pk"), newest=Max("recorded_at"))
    newest = found["newest"]
    return [found["rows"], None if newest is None else newest.isoformat()]
