"""What jobs, screens and the API may see of valuations, needs and models."""

from patronage.differentiate.reads.frames import (
    features,
    field_values,
    newest_run,
    previous_run,
    run_at,
    said_needs,
    statistics_of,
    valuations,
)
from patronage.differentiate.reads.seen import (
    CustomerValuation,
    ProfitAndLoss,
    WhalePoint,
    latest_valuation,
    model_versions,
    needs_of,
    profit_and_loss,
    valuation_page,
    value_history,
    whale_curve,
)

__all__ = [
    "CustomerValuation",
    "ProfitAndLoss",
    "WhalePoint",
    "features",
    "field_values",
    "latest_valuation",
    "model_versions",
    "needs_of",
    "newest_run",
    "previous_run",
    "profit_and_loss",
    "run_at",
    "said_needs",
    "statistics_of",
    "valuation_page",
    "valuations",
    "value_history",
    "whale_curve",
]
