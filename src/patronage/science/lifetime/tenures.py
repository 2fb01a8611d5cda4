"""Who left a contract at which renewal, and who is still there: the data of retention models."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from patronage.science.lifetime.errors import InconsistentHistory
from patronage.science.lifetime.histories import FloatArray, as_columns, refuse_rows

#: renewals of one contract beyond which the number must be something else
_MOST_RENEWALS: Final = 100_000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Tenures:
    """Weights by number of renewals; arrays of shape (periods + 1,), read-only."""

    #: customers who left at renewal 1, 2, ...; element 0 is 0
    lost: FloatArray
    #: customers last seen active after 0, 1, 2, ... renewals
    kept: FloatArray

    @classmethod
    def from_survivors(cls, *cohorts: ArrayLike) -> "Tenures":
        """From how many customers of a cohort were there at the start and after each renewal.

        Arguments: one sequence a cohort, such as (1000, 869, 743); cohorts may have been seen for
        different times. Counts may be weights.

        Raises `InconsistentHistory` for a cohort with fewer than two counts, with counts that are
        missing, negative or rising, or that begins with nobody.
        """
        if not cohorts:
            raise InconsistentHistory("No cohort was given. Pass at least one.")
        counts = [_validated(cohort, at) for at, cohort in enumerate(cohorts)]
        lost = np.zeros(max(cohort.size for cohort in counts))
        kept = np.zeros_like(lost)
        for cohort in counts:
            lost[1 : cohort.size] -= np.diff(cohort)
            kept[cohort.size - 1] += cohort[-1]
        return cls._read_only(lost, kept)

    @classmethod
    def from_customers(
        cls, *, renewals: ArrayLike, active: ArrayLike, weights: ArrayLike | None = None
    ) -> "Tenures":
        """From customers, one a row, shape (customers,).

        Arguments: `renewals`, how often the customer renewed, whole, not negative; `active`,
        whether the contract still runs (if not, it ended at the next renewal); `weights` finite and
        not negative, None counting each customer once.

        Raises `InconsistentHistory`, naming the first offending rows: also those of more than
        100,000 renewals, which are days or ids.
        """
        times, runs, weight = as_columns(
            renewals=renewals, active=active, weights=1.0 if weights is None else weights
        )
        refuse_rows(
            [
                (
                    "renewals must be whole numbers, not negative.",
                    ~(np.isfinite(times) & (times >= 0) & (times == np.floor(times))),
                ),
                (
                    f"renewals must be at most {_MOST_RENEWALS:,}, or are counted in another unit.",
                    times > _MOST_RENEWALS,
                ),
                ("active must be true or false.", ~np.isin(runs, (0.0, 1.0))),
                (
                    "weights must be finite and not negative.",
                    ~(np.isfinite(weight) & (weight >= 0)),
                ),
                ("Some weight must be above 0.", np.full(weight.shape, not weight.any())),
            ],
            renewals=times,
            active=runs,
            weights=weight,
        )
        length = int(times.max()) + 2
        there = runs == 1.0
        kept = np.bincount(times[there].astype(np.intp), weight[there], length)
        lost = np.bincount(times[~there].astype(np.intp) + 1, weight[~there], length)
        return cls._read_only(lost.astype(np.float64), kept.astype(np.float64))

    @classmethod
    def _read_only(cls, lost: FloatArray, kept: FloatArray) -> "Tenures":
        for column in (lost, kept):
            column.flags.writeable = False
        return cls(lost=lost, kept=kept)

    @property
    def customers(self) -> float:
        """Sum of the weights."""
        return float(self.lost.sum() + self.kept.sum())

    @property
    def at_risk(self) -> FloatArray:
        """Customers who came up for renewal 1, 2, ..., shape (periods,)."""
        there: FloatArray = np.cumsum((self.lost + self.kept)[::-1])[::-1]
        return there[1:]

    @property
    def retention_rates(self) -> FloatArray:
        """Share that renewed at renewal 1, 2, ..., shape (periods,); NaN where nobody came up."""
        with np.errstate(invalid="ignore"):
            rates: FloatArray = 1.0 - self.lost[1:] / self.at_risk
        return rates


def _validated(cohort: ArrayLike, at: int) -> FloatArray:
    (counts,) = as_columns(survivors=cohort)
    rising = np.concatenate(([False], np.diff(counts) > 0))
    refuse_rows(
        [
            (
                f"Survivors of cohort {at} must be finite and not negative.",
                ~(np.isfinite(counts) & (counts >= 0)),
            ),
            (f"Survivors of cohort {at} must not rise.", rising),
        ],
        survivors=counts,
    )
    if counts.size < 2 or counts[0] == 0:
        raise InconsistentHistory(
            f"Cohort {at} must start with somebody and have been up for renewal, "
            f"found survivors {counts.tolist()}."
        )
    return counts


def whole_renewals(renewals: ArrayLike | Sequence[int], *, least: int = 0) -> FloatArray:
    """Numbers of renewals as an array. Raises `InconsistentHistory`, naming the rows."""
    (times,) = as_columns(renewals=renewals)
    broken = ~(np.isfinite(times) & (times >= least) & (times == np.floor(times)))
    refuse_rows([(f"renewals must be whole numbers from {least}.", broken)], renewals=times)
    return times
