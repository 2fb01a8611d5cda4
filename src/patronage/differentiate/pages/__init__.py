"""The screens on what customers are worth, and the parts of a customer's page that say so."""

from patronage.differentiate.pages.acquisition import acquisition
from patronage.differentiate.pages.assumptions import assumption_steps, assumptions
from patronage.differentiate.pages.audit import audit
from patronage.differentiate.pages.customer import Ledger, Worth, ledger_of, worth_of
from patronage.differentiate.pages.loyalty import loyalty
from patronage.differentiate.pages.models import model_tracking, models
from patronage.differentiate.pages.objective import (
    objective_context,
    revoke_objective,
    set_objective,
)
from patronage.differentiate.pages.opening import open_ranking
from patronage.differentiate.pages.rankings import (
    move_ranking,
    ranking,
    rankings,
    review_ranking,
    vote_ranking,
)
from patronage.differentiate.pages.reconciliation import reconcile, record_total
from patronage.differentiate.pages.segments import segments
from patronage.differentiate.pages.value import value
from patronage.differentiate.pages.value_file import value_csv

__all__ = [
    "Ledger",
    "Worth",
    "acquisition",
    "assumption_steps",
    "assumptions",
    "audit",
    "ledger_of",
    "loyalty",
    "model_tracking",
    "models",
    "move_ranking",
    "objective_context",
    "open_ranking",
    "ranking",
    "rankings",
    "reconcile",
    "record_total",
    "review_ranking",
    "revoke_objective",
    "segments",
    "set_objective",
    "value",
    "value_csv",
    "vote_ranking",
    "worth_of",
]
