"""Can trees that see the model's answers and the customer's facts do better than the model?

Two learners are trained on outcomes that had ended: a logistic one on nine columns, which carries
far, and boosted trees (Friedman, 2001, "Greedy function approximation", Annals of Statistics 29;
scikit-learn's histogram version) on those and more, which bend. They and the calibrated model are
combined on the scale of log odds (a logarithmic opinion pool: Genest and Zidek, 1986, "Combining
probability distributions", Statistical Science 1), with weights of at least 0 that are fitted to
forecasts made before their outcomes were known. They tell customers apart; the level is the
calibrated model's: all customers of an origin share what is special about its time, so that few
origins teach a learner little of the level, however many customers they have.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from scipy.optimize import brentq
from scipy.special import expit, logit

from patronage.science.lifetime.boosted_trees import BoostedTrees
from patronage.science.lifetime.histories import FloatArray
from patronage.science.lifetime.logistic import (
    fit_logistic,
    logits,
    predict_logistic,
    trusted_logits,
)
from patronage.science.lifetime.panel import QUARTER_DAYS, Seen
from patronage.science.lifetime.purchase_model import PurchaseModel

#: the least that an expectation counts as on a logarithmic scale, purchases
_LITTLE: Final = 0.01
_RIDGE: Final = 2.0
#: weights of the pool before it is fitted: the model, the logistic learner, the trees
FIRST_POOL: Final = (0.0, 0.0, 0.75, 0.25)
#: high, since the forecasts of overlapping horizons are few, however many customers they are of
_POOL_STRENGTH: Final = 500.0
_FEWEST_OF_EITHER: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Facts:
    """What the learners read of each customer; arrays of shape (customers, columns)."""

    #: on scales on which a straight line is plausible
    few: FloatArray
    #: those and more, as they are
    many: FloatArray

    @classmethod
    def of(
        cls, seen: Seen, *, probability: FloatArray, expected: FloatArray, alive: FloatArray
    ) -> "Facts":
        """From what was known and what the purchase model said, each of shape (customers,)."""
        silent = seen.age - seen.recency
        usual = np.maximum(seen.spend, 0.0) / np.maximum(seen.age, 7.0) * QUARTER_DAYS
        lately = np.maximum(seen.quarter_spend, 0.0)
        few = np.column_stack(
            [
                trusted_logits(probability),
                np.log(np.maximum(expected, 0.0) + _LITTLE),
                np.log1p(seen.quarter_days),
                np.log1p(silent),
                np.log((lately + 1.0) / (usual + 1.0)),
                np.log1p(lately),
                np.log1p(seen.earlier_days),
                np.log1p(seen.month_days),
                np.log1p(seen.quarter_weeks),
            ]
        )
        rate = seen.frequency / np.maximum(seen.age, 7.0)
        more = [alive, rate, silent, seen.average_spend, lately, seen.week_days, seen.frequency]
        return cls(few=few, many=np.column_stack([few, *more]))

    @classmethod
    def from_model(
        cls, seen: Seen, model: PurchaseModel, *, probability: FloatArray, horizon_days: int
    ) -> "Facts":
        """The same with what a model expects of a horizon, and what it says of the event."""
        return cls.of(
            seen,
            probability=probability,
            expected=model.expected_purchases(*seen.past, horizon_days=horizon_days),
            alive=model.probability_alive(*seen.past),
        )


def together(parts: Sequence[Facts]) -> Facts:
    """The rows of several origins, one after the other."""
    return Facts(
        few=np.concatenate([part.few for part in parts]),
        many=np.concatenate([part.many for part in parts]),
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Challenger:
    """The two learners, trained."""

    #: of the logistic learner, the intercept first; shape (few columns + 1,)
    coefficients: FloatArray
    #: mean of each of its columns over the rows trained on, and standard deviation, above 0
    centre: FloatArray
    scale: FloatArray
    #: of all columns
    trees: BoostedTrees

    @classmethod
    def fit(cls, facts: Facts, happened: FloatArray, *, seed: int = 0) -> "Challenger | None":
        """Train on outcomes; None where fewer than twenty happened, or did not.

        Arguments: `facts` of all rows; `happened` of shape (rows,), above 0 where it did; `seed`
        of the trees.

        Raises `NoBoostedTrees` where scikit-learn is missing, `ValueError` for facts that are not
        finite.
        """
        came = int((happened > 0).sum())
        if min(came, happened.size - came) < _FEWEST_OF_EITHER:
            return None
        centre, scale = facts.few.mean(axis=0), np.maximum(facts.few.std(axis=0), 1e-9)
        return cls(
            coefficients=fit_logistic(
                (facts.few - centre) / scale,
                happened,
                towards=[0.0] * (facts.few.shape[1] + 1),
                strength=_RIDGE,
            ),
            centre=centre,
            scale=scale,
            trees=BoostedTrees.grow(facts.many, happened, seed=seed),
        )

    def members(self, facts: Facts) -> FloatArray:
        """What the two learners say, shape (customers, 2)."""
        straight = predict_logistic((facts.few - self.centre) / self.scale, self.coefficients)
        return np.column_stack([straight, self.trees.probability(facts.many)])

    def stored(self) -> dict[str, Any]:
        """JSON-safe."""
        return {
            "coefficients": self.coefficients.tolist(),
            "centre": self.centre.tolist(),
            "scale": self.scale.tolist(),
            "trees": self.trees.stored(),
        }

    @classmethod
    def restored(cls, stored: Mapping[str, Any]) -> "Challenger":
        """What `stored` gave."""
        straight = (
            np.asarray(stored[name], np.float64) for name in ("coefficients", "centre", "scale")
        )
        coefficients, centre, scale = straight
        trees = BoostedTrees.restored(stored["trees"])
        return cls(coefficients=coefficients, centre=centre, scale=scale, trees=trees)


def at_the_level_of(probability: FloatArray, model: FloatArray) -> FloatArray:
    """Probabilities shifted on the scale of log odds so that their mean is the model's.

    Arguments, shape (customers,): probabilities, the model's of the same customers. No order of
    customers changes; where the mean is 0 or 1, or nobody is asked, they come back as they are.
    """
    odds, mean = logits(probability), float(model.mean()) if model.size else 0.0
    if not 0.0 < mean < 1.0:
        return probability
    reach = float(np.abs(odds).max()) + abs(float(logit(mean))) + 1.0
    shift = brentq(lambda by: float(expit(odds + by).mean()) - mean, -reach, reach)
    shifted: FloatArray = expit(odds + shift)
    return shifted


def fit_pool(said: Sequence[FloatArray], happened: Sequence[FloatArray]) -> FloatArray:
    """Weights of the pool from forecasts made at earlier origins, by their log score.

    Arguments, one entry an origin: `said` of shape (customers, members), `happened` of shape
    (customers,).

    Returns shape (members + 1,), an intercept first; `FIRST_POOL` where there is no origin.
    """
    if not said:
        return np.asarray(FIRST_POOL)
    return fit_logistic(
        logits(np.concatenate(list(said))),
        np.concatenate(list(happened)),
        towards=FIRST_POOL,
        strength=_POOL_STRENGTH,
        lowest=0.0,
    )


def pooled(said: FloatArray, weights: FloatArray) -> FloatArray:
    """The pool's probability, shape (customers,), of members' of shape (customers, members)."""
    return predict_logistic(logits(said), weights)
