"""What is said of customers when the challenger is in use: the model and its learners, blended."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from scipy.special import expit

from patronage.science.lifetime.calibration import ProbabilityCalibration
from patronage.science.lifetime.challenger import (
    Challenger,
    Facts,
    at_the_level_of,
    fit_pool,
    pooled,
    together,
)
from patronage.science.lifetime.histories import FloatArray
from patronage.science.lifetime.logistic import logits
from patronage.science.lifetime.panel import Seen
from patronage.science.lifetime.purchase_model import PurchaseModel

CALIBRATED: Final = "calibrated model"
CHALLENGER: Final = "challenger"
#: members of the pool beside the calibrated model, as backtests name them
_LEARNERS: Final = ("facts", "trees")
_MEMBERS: Final = (CALIBRATED, *_LEARNERS)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Blend:
    """A trained challenger with the weights of its pool."""

    learners: Challenger
    #: the intercept, the calibrated model, the logistic learner, the trees; shape (4,)
    weights: FloatArray
    #: horizon of the event it was trained on, days
    horizon_days: int

    def members_and_pool(self, facts: Facts, model: FloatArray) -> dict[str, FloatArray]:
        """What both learners say and the pool of them and the model, at the model's level.

        Arguments, of the same customers: facts, and what the calibrated model says, shape
        (customers,). All customers of a date belong together: they share the level.
        """
        said = dict(zip(_LEARNERS, self.learners.members(facts).T, strict=True))
        said = {name: at_the_level_of(each, model) for name, each in said.items()}
        whole = pooled(_members(said | {CALIBRATED: model}), self.weights)
        return said | {CHALLENGER: at_the_level_of(whole, model)}

    def probability_of_purchase(
        self, seen: Seen, model: PurchaseModel, buying: ProbabilityCalibration, *, horizon_days: int
    ) -> FloatArray:
        """The chance that each buys in the horizon, shape (customers,).

        Arguments: `seen` of all customers of a date, `model` and `buying` as they are used then.

        The challenger was judged on its own horizon. A horizon a day shorter or longer, as
        calendar quarters are, takes the calibrated model's probability for it, and by as much as
        the challenger moved its log odds there.
        """
        raw = model.probability_of_purchase(*seen.past, horizon_days=self.horizon_days)
        facts = Facts.from_model(seen, model, probability=raw, horizon_days=self.horizon_days)
        judged = buying.apply(raw)
        said = self.members_and_pool(facts, judged)[CHALLENGER]
        if horizon_days == self.horizon_days:
            return said
        asked = buying.apply(model.probability_of_purchase(*seen.past, horizon_days=horizon_days))
        moved: FloatArray = expit(logits(asked) + logits(said) - logits(judged))
        return at_the_level_of(moved, asked)

    def stored(self) -> dict[str, Any]:
        """JSON-safe."""
        return {
            "learners": self.learners.stored(),
            "weights": self.weights.tolist(),
            "horizon_days": self.horizon_days,
        }

    @classmethod
    def restored(cls, stored: Mapping[str, Any]) -> "Blend":
        """What `stored` gave."""
        return cls(
            learners=Challenger.restored(stored["learners"]),
            weights=np.asarray(stored["weights"], dtype=np.float64),
            horizon_days=int(stored["horizon_days"]),
        )


def blend(
    facts: Sequence[Facts],
    said: Sequence[Mapping[str, FloatArray]],
    happened: Sequence[FloatArray],
    *,
    horizon_days: int,
) -> tuple[Blend | None, str]:
    """Train the challenger on origins whose outcomes had ended.

    Arguments, one entry an origin: `facts`; `said` by forecaster, from which the pool's weights are
    learnt where the learners spoke; `happened`.

    Returns the challenger and an empty text; None and why where it cannot be trained. Raises
    `NoBoostedTrees` where scikit-learn is missing.
    """
    try:
        trained = Challenger.fit(together(facts), np.concatenate(list(happened)))
    except (ValueError, ArithmeticError) as error:
        return None, str(error)
    if trained is None:
        return None, "Fewer than twenty customers bought, or fewer than twenty did not."
    spoke = [place for place, each in enumerate(said) if all(name in each for name in _LEARNERS)]
    weights = fit_pool([_members(said[place]) for place in spoke], [happened[p] for p in spoke])
    return Blend(learners=trained, weights=weights, horizon_days=horizon_days), ""


def _members(said: Mapping[str, FloatArray]) -> FloatArray:
    return np.column_stack([said[name] for name in _MEMBERS])
