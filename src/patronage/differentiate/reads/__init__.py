"""What jobs, screens and the API may see of valuations, needs and models."""

from patronage.differentiate.reads.frames import (
    Manifests,
    declared_facts,
    features,
    field_values,
    newest_run,
    previous_run,
    run_at,
    run_before,
    said_needs,
    statistics_of,
    valuations,
)
from patronage.differentiate.reads.objectives import ObjectiveInForce, objective_of
from patronage.differentiate.reads.seen import (
    CustomerValuation,
    ProfitAndLoss,
    ServingCost,
    figures_over_time,
    latest_valuation,
    model_versions,
    needs_of,
    profit_and_loss,
    valuation_page,
    value_history,
)

__all__ = [
    "CustomerValuation",
    "Manifests",
    "ObjectiveInForce",
    "ProfitAndLoss",
    "ServingCost",
    "declared_facts",
    "features",
    "field_values",
    "figures_over_time",
    "latest_valuation",
    "model_versions",
    "needs_of",
    "newest_run",
    "objective_of",
    "previous_run",
    "profit_and_loss",
    "run_at",
    "run_before",
    "said_needs",
    "statistics_of",
    "valuation_page",
    "valuations",
    "value_history",
]
