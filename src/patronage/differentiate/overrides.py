"""Which managers' words on objectives stand, and how do they reach what lists and rules read?"""

from __future__ import annotations

from datetime import date, datetime

from django.db.models import F, OuterRef, Q, QuerySet, Subquery

from patronage.access.company import current
from patronage.differentiate.models import LatestValuation, ObjectiveOverride
from patronage.vocabulary.periods import BusinessCalendar


def business_date(at: datetime) -> date:
    """The company's date at the instant."""
    return BusinessCalendar(current().company.time_zone).date_of(at)


def standing(at: datetime) -> QuerySet[ObjectiveOverride]:
    """The overrides that stand at the instant: set by then, not revoked, not past their date.

    At most one a customer.
    """
    known = ObjectiveOverride.objects.filter(set_at__lte=at)
    known = known.filter(Q(until__isnull=True) | Q(until__gte=business_date(at)))
    return known.filter(Q(revoked_at__isnull=True) | Q(revoked_at__gt=at))


def apply(rows: QuerySet[LatestValuation], at: datetime) -> None:
    """Bring the objectives in force in these rows up to date as of the instant, as one set.

    In the caller's transaction; where no override stands the rules' objective is in force.
    """
    rows.update(
        objective=F("rule_objective"),
        objective_reason=F("rule_objective_reason"),
        objective_since=F("rule_objective_since"),
    )
    words = standing(at)
    own = words.filter(customer_id=OuterRef("customer_id"))
    rows.filter(customer_id__in=words.values("customer_id")).update(
        objective=Subquery(own.values("objective")[:1]),
        objective_reason=Subquery(own.values("reason")[:1]),
        objective_since=Subquery(own.values("since")[:1]),
    )
