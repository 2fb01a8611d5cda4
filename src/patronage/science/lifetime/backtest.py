"""Would we have been right? Rolling-origin backtests of an event.

At each past day the models are fitted to what had been seen, forecast the horizon after it, and are
scored by what came (rolling origins: Tashman, 2000, "Out-of-sample tests of forecasting accuracy",
International Journal of Forecasting 16). Whatever is learnt from outcomes - calibrations,
baselines, challenger, weights, levels of intervals, the choice of a model - is learnt at each
origin from those earlier origins alone whose outcomes had ended by then.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np

from patronage.science.lifetime import baselines as naive
from patronage.science.lifetime.blend import CALIBRATED, CHALLENGER, Blend, blend
from patronage.science.lifetime.calibration import ProbabilityCalibration
from patronage.science.lifetime.challenger import Facts
from patronage.science.lifetime.events import BUYS_NEXT_QUARTER, Event
from patronage.science.lifetime.forecast_scores import (
    Difference,
    Reliability,
    brier_scores,
    difference,
    log_scores,
    reliability,
)
from patronage.science.lifetime.histories import FloatArray
from patronage.science.lifetime.level import probability_calibration
from patronage.science.lifetime.logistic import fit_logistic, predict_logistic
from patronage.science.lifetime.panel import IntArray, Panel
from patronage.science.lifetime.purchase_model import PURCHASE_MODELS, PurchaseModel
from patronage.science.lifetime.rolling import Origin, ended_outcome, origins_of
from patronage.science.lifetime.spend_model import SpendModel
from patronage.science.lifetime.spend_models import SPEND_MODELS

#: the challenger where it had won by then; else the calibrated model; where nothing had ended to
#: calibrate it by, the champion as fitted
IN_USE: Final = "in use"
BASELINES: Final = (
    naive.BASE_RATE,
    naive.LAST_PERIOD,
    naive.COUNT_RECENCY,
    naive.LAST_QUARTER,
)
#: fewest origins with a challenger before it can be said to do better
_FEWEST_TO_PROMOTE: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OriginResult:
    """One origin, forecast and scored; arrays of shape (customers asked,)."""

    day: int
    customers: IntArray
    happened: FloatArray
    #: by forecaster; the learnt ones are missing where nothing had ended yet
    said: Mapping[str, FloatArray]
    #: the model chosen by rolling log score
    champion: str
    failed: Mapping[str, str]
    buying: ProbabilityCalibration
    #: weights of the challenger's pool, the intercept first
    weights: FloatArray | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Learnt:
    """What a backtest teaches for forecasts made today, from all outcomes that have ended."""

    #: the model with the best rolling log score, of those that spoke at every ended origin
    champion: str
    #: correction of its probabilities
    buying: ProbabilityCalibration
    #: lead of the challenger over the calibrated model in log score; None where it spoke at too
    #: few origins to say
    lead: Difference | None
    #: the challenger where it leads beyond chance, trained on every ended origin; else None
    challenger: Blend | None
    #: why one that leads could not be trained; empty where it could
    fault: str = ""
    #: customers seen at the newest origin
    customers: int = 0

    @property
    def promoted(self) -> bool:
        """Whether the challenger did better than the calibrated model at past dates."""
        return self.lead is not None and self.lead.is_better


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Backtest:
    """An event at every origin."""

    event: Event
    origins: tuple[OriginResult, ...]
    #: for forecasts made now; None without an origin
    learnt: Learnt | None

    def calibration_of(self, name: str) -> ProbabilityCalibration:
        """The correction of a model's probabilities that all of these origins teach."""
        spoke = self.scored(name)
        return probability_calibration(
            [each.said[name] for each in spoke], [each.happened for each in spoke]
        )

    def scored(self, *names: str) -> list[OriginResult]:
        """The origins at which all of these forecast."""
        return [each for each in self.origins if all(name in each.said for name in names)]

    def log_score(self, name: str, *others: str) -> float:
        """Mean log score over the rows of the origins at which it, and the others, forecast."""
        return _mean(log_scores, name, self.scored(name, *others))

    def brier(self, name: str, *others: str) -> float:
        """Mean Brier score over the same rows; lower is better."""
        return _mean(brier_scores, name, self.scored(name, *others))

    def reliability(self, name: str) -> Reliability:
        """Calibration over all rows, in ten groups by probability."""
        rows = self.scored(name)
        return reliability(
            np.concatenate([each.said[name] for each in rows]),
            np.concatenate([each.happened for each in rows]),
        )

    def compare(self, first: str, second: str) -> tuple[Difference, Difference]:
        """How much better the first is, by log score and by Brier score (both: above 0 better)."""
        return compared(self.scored(first, second), first, second)


def backtest(
    panel: Panel,
    days: Sequence[int],
    *,
    event: Event = BUYS_NEXT_QUARTER,
    models: Mapping[str, type[PurchaseModel]] = PURCHASE_MODELS,
    spend_models: Mapping[str, type[SpendModel]] = SPEND_MODELS,
    challenger: bool = True,
    seed: int = 0,
) -> Backtest:
    """Forecast an event at each of these days from what was seen by then, and score it.

    Arguments: `days` ascending, each with its outcome inside the panel (`rolling_origins` gives
    them); `models` by name, the first the champion until another has a better rolling log score;
    `challenger` whether to train one (needs scikit-learn); `seed` of draws and trees.
    """
    return Rolling(
        panel=panel, event=event, challenger=challenger, rng=np.random.default_rng(seed)
    ).run(list(origins_of(panel, days, models, spend_models)))


@dataclass(slots=True, kw_only=True, eq=False)
class Rolling:
    """Walks through the origins in order and remembers what was forecast, not what came."""

    panel: Panel
    event: Event
    challenger: bool
    rng: np.random.Generator
    _origins: list[Origin] = field(default_factory=list)
    _results: list[OriginResult] = field(default_factory=list)
    _facts: list[Facts] = field(default_factory=list)

    def run(self, origins: Sequence[Origin]) -> Backtest:
        """Forecast and score all of them."""
        for origin in origins:
            if origin.models:
                self._step(origin)
        learnt = self._learnt() if self._results else None
        return Backtest(event=self.event, origins=tuple(self._results), learnt=learnt)

    def _learnt(self) -> Learnt:
        places = list(range(len(self._results)))
        champion = self._champion(list(self._origins[-1].models), places)
        said = [each.said[champion] for each in self._results]
        came = [each.happened for each in self._results]
        lead = self._lead(places)
        learnt = Learnt(
            champion=champion,
            buying=probability_calibration(said, came),
            lead=lead,
            challenger=None,
            customers=self._results[-1].customers.size,
        )
        if not learnt.promoted:
            return learnt
        trained, fault = self._blend(places)
        return replace(learnt, challenger=trained, fault=fault)

    def _step(self, origin: Origin) -> None:
        ended = self._ended(origin.day)
        came = [self._results[place].happened for place in ended]
        asked = np.flatnonzero(self.event.concerns(origin.seen))
        said = {
            name: self._model_says(origin, name, model)[asked]
            for name, model in origin.models.items()
        }
        champion = self._champion(list(origin.models), ended)
        buying = probability_calibration(
            [self._results[place].said[champion] for place in ended], came
        )
        if ended:
            said |= self._baselines(origin, asked, ended, came)
            said[CALIBRATED] = buying.apply(said[champion])
        facts, trained = self._facts_of(origin, champion, asked, said[champion]), None
        if ended and self.challenger:
            trained, _ = self._blend(ended)
        if trained is not None:
            said |= trained.members_and_pool(facts, said[CALIBRATED])
        said[IN_USE] = said.get(self._in_use(ended), said[champion])
        self._origins.append(origin)
        self._facts.append(facts)
        self._results.append(
            OriginResult(
                day=origin.day,
                customers=origin.seen.customer[asked],
                happened=self._outcome(origin)[asked],
                said=said,
                champion=champion,
                failed=origin.failed,
                buying=buying,
                weights=None if trained is None else trained.weights,
            )
        )

    def _ended(self, day: int) -> list[int]:
        """Places of the earlier origins whose outcomes had ended by the end of a day."""
        horizon = self.event.horizon_days
        return [place for place, each in enumerate(self._origins) if each.day + horizon <= day]

    def _outcome(self, origin: Origin) -> FloatArray:
        horizon = self.event.horizon_days
        came = ended_outcome(
            self.panel, origin, horizon_days=horizon, known_on=origin.day + horizon
        )
        return self.event.happened(origin.seen, came)

    def _model_says(self, origin: Origin, name: str, model: PurchaseModel) -> FloatArray:
        draws = None
        if self.event.spend_share is not None:
            purchases = origin.purchase_draws(name, days=self.event.horizon_days, rng=self.rng)
            draws = origin.spend_draws(purchases, self.rng)
        return self.event.probability(origin, model, draws)

    def _champion(self, names: Sequence[str], ended: Sequence[int]) -> str:
        """The best mean log score over the ended origins, of the models that spoke at each of them.

        The first where nothing has ended, or none spoke at all of them.
        """
        rows = [self._results[place] for place in ended]
        usable = [name for name in names if all(name in each.said for each in rows)]
        if not rows or not usable:
            return names[0]
        return max(usable, key=lambda name: _mean(log_scores, name, rows))

    def _baselines(
        self, origin: Origin, asked: IntArray, ended: Sequence[int], came: Sequence[FloatArray]
    ) -> dict[str, FloatArray]:
        said = {}
        for name, read in naive.baselines(self.event.last_period).items():
            past = [read(self._origins[place].seen)[self._asked(place)] for place in ended]
            fitted = fit_logistic(
                np.concatenate(past)[:, None],
                np.concatenate(list(came)),
                towards=(0.0, 0.0),
                strength=1e-3,
            )
            said[name] = predict_logistic(read(origin.seen)[asked][:, None], fitted)
        return said

    def _asked(self, place: int) -> IntArray:
        return np.flatnonzero(self.event.concerns(self._origins[place].seen))

    def _facts_of(
        self, origin: Origin, champion: str, asked: IntArray, probability: FloatArray
    ) -> Facts:
        whole = np.zeros_like(origin.seen.age)
        whole[asked] = probability
        facts = Facts.from_model(
            origin.seen,
            origin.models[champion],
            probability=whole,
            horizon_days=self.event.horizon_days,
        )
        return Facts(few=facts.few[asked], many=facts.many[asked])

    def _blend(self, ended: Sequence[int]) -> tuple[Blend | None, str]:
        """The challenger that these origins teach; where they cannot, None and why."""
        return blend(
            [self._facts[place] for place in ended],
            [self._results[place].said for place in ended],
            [self._results[place].happened for place in ended],
            horizon_days=self.event.horizon_days,
        )

    def _in_use(self, ended: Sequence[int]) -> str:
        lead = self._lead(ended)
        return CHALLENGER if lead is not None and lead.is_better else CALIBRATED

    def _lead(self, places: Sequence[int]) -> Difference | None:
        """How far the challenger led the calibrated model at these origins, by log score."""
        rows = [self._results[place] for place in places]
        rows = [each for each in rows if CHALLENGER in each.said]
        if len(rows) < _FEWEST_TO_PROMOTE:
            return None
        return compared(rows, CHALLENGER, CALIBRATED)[0]


def compared(
    rows: Sequence[OriginResult], first: str, second: str
) -> tuple[Difference, Difference]:
    """Two forecasters on the same rows, by log score and by Brier score; above 0 the first wins."""
    customers = [each.customers for each in rows]

    def gap(score: Callable[[FloatArray, FloatArray], FloatArray], sign: float) -> Difference:
        one, two = (
            [sign * score(each.said[name], each.happened) for each in rows]
            for name in (first, second)
        )
        return difference(one, two, customers)

    return gap(log_scores, 1.0), gap(brier_scores, -1.0)


def _mean(
    score: Callable[[FloatArray, FloatArray], FloatArray],
    name: str,
    rows: Sequence[OriginResult],
) -> float:
    return float(np.concatenate([score(each.said[name], each.happened) for each in rows]).mean())
