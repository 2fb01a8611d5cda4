"""Did it work, by how much, how sure are we, and what did it earn on what it cost?"""

from patronage.science.evidence.difference import (
    Difference,
    difference_in_means,
    difference_in_proportions,
)
from patronage.science.evidence.hits import (
    HitRate,
    PairedComparison,
    compare_hit_rates,
    hit_rate,
)
from patronage.science.evidence.intervals import Interval, UndeterminedError, wilson_interval
from patronage.science.evidence.planning import SampleSize, required_sample_size
from patronage.science.evidence.ratio import SampleRatio, sample_ratio_test
from patronage.science.evidence.spend import return_on_spend

__all__ = [
    "Difference",
    "HitRate",
    "Interval",
    "PairedComparison",
    "SampleRatio",
    "SampleSize",
    "UndeterminedError",
    "compare_hit_rates",
    "difference_in_means",
    "difference_in_proportions",
    "hit_rate",
    "required_sample_size",
    "return_on_spend",
    "sample_ratio_test",
    "wilson_interval",
]
