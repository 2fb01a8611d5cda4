"""Who gets which treatment: eligible, permitted, scored, chosen, withheld; one definition."""

from patronage.science.arbitration.assignment import Hashes, hash_ids, holdout_arm, tie_break_hash
from patronage.science.arbitration.choice import Choice, choose
from patronage.science.arbitration.reasons import (
    OUTCOME_WORDS,
    REASON_WORDS,
    STAGES,
    Outcome,
    Reason,
)
from patronage.science.arbitration.score import incremental_value, uplift_from_response

__all__ = [
    "OUTCOME_WORDS",
    "REASON_WORDS",
    "STAGES",
    "Choice",
    "Hashes",
    "Outcome",
    "Reason",
    "choose",
    "hash_ids",
    "holdout_arm",
    "incremental_value",
    "tie_break_hash",
    "uplift_from_response",
]
