"""Were the totals right, and did as many outcomes fall into the intervals as they promise?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from patronage.science.lifetime import baselines as naive
from patronage.science.lifetime.calibration import Calibration
from patronage.science.lifetime.forecast_scores import covered, ranks_among_draws
from patronage.science.lifetime.histories import FloatArray
from patronage.science.lifetime.level import Stretch, path_calibration
from patronage.science.lifetime.panel import QUARTER_DAYS, Panel
from patronage.science.lifetime.predictive_levels import LevelCalibration, level_calibration
from patronage.science.lifetime.rolling import DRAWS, Origin, ended_outcome


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Total:
    """A sum over customers, expected on the path as fitted and as calibrated, and what came."""

    fitted: float
    calibrated: float
    #: the last period's, repeated
    repeated: float
    came: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LevelResult:
    """Totals and coverage of one origin."""

    day: int
    purchases: Total
    margin: Total
    calibration: Calibration
    #: correlation of expected with actual purchases over customers, and of two baselines
    correlation: Mapping[str, float]
    #: randomised ranks of the outcomes, shape (customers,)
    purchase_ranks: FloatArray
    spend_ranks: FloatArray
    #: where intervals are cut, by the newest outcomes that had ended by this day
    purchase_levels: LevelCalibration
    spend_levels: LevelCalibration

    @property
    def has_learnt(self) -> bool:
        """Whether any outcome had ended to cut intervals by."""
        return self.purchase_levels != LevelCalibration.identity()

    @property
    def purchases_covered(self) -> float:
        """The share of customers whose purchases lay in their 90 % interval as set that day."""
        return covered(self.purchase_ranks, self.purchase_levels.ends())

    @property
    def spend_covered(self) -> float:
        """The share of customers whose spend did."""
        return covered(self.spend_ranks, self.spend_levels.ends())


def levels(
    panel: Panel,
    origins: Sequence[Origin],
    champions: Mapping[int, str],
    known: Mapping[str, Sequence[Stretch]],
    *,
    horizon_days: int = QUARTER_DAYS,
    draws: int = DRAWS,
    seed: int = 0,
) -> tuple[LevelResult, ...]:
    """Totals, correlation and coverage at each origin, on the path as calibrated there.

    Arguments: `origins` in order; `champions`, the model chosen at each origin's day; `known`
    the stretches of their paths, as of `stretches_of`; `draws` a customer for the ranks.
    """
    rng = np.random.default_rng(seed)
    results: list[LevelResult] = []
    for origin in origins:
        name = champions[origin.day]
        # Only what has ended by then is learnt from, so later origins' stretches are not.
        curve = path_calibration(known[name], known_on=origin.day)
        cuts = interval_levels(results, horizon_days=horizon_days, known_on=origin.day)
        results.append(
            _level(
                panel, origin, name, curve, cuts, horizon_days=horizon_days, draws=draws, rng=rng
            )
        )
    return tuple(results)


def interval_levels(
    results: Sequence[LevelResult], *, horizon_days: int, known_on: int
) -> tuple[LevelCalibration, LevelCalibration]:
    """Where intervals of purchases and of spend are to be cut, from what had ended by a day.

    The newest origin that had ended alone speaks: the longer the histories, the narrower are the
    intervals that a model makes of them, so that an older one says less.
    """
    ended = [each for each in results if each.day + horizon_days <= known_on]
    if not ended:
        return LevelCalibration.identity(), LevelCalibration.identity()
    return level_calibration(ended[-1].purchase_ranks), level_calibration(ended[-1].spend_ranks)


def _level(
    panel: Panel,
    origin: Origin,
    name: str,
    curve: Calibration,
    cuts: tuple[LevelCalibration, LevelCalibration],
    *,
    horizon_days: int,
    draws: int,
    rng: np.random.Generator,
) -> LevelResult:
    seen, model = origin.seen, origin.models[name]
    came = ended_outcome(
        panel, origin, horizon_days=horizon_days, known_on=origin.day + horizon_days
    )
    fitted = model.expected_purchases(*seen.past, horizon_days=horizon_days)
    pieces = curve.pieces(start_days=0, end_days=horizon_days)
    calibrated = np.sum(
        [
            factor * model.expected_purchases(*seen.past, start_days=start, horizon_days=end)
            for start, end, factor in pieces
        ],
        axis=0,
    )
    unit = origin.unit_spend() * seen.margin_rate
    # A clock that runs faster by the factor expects as many purchases more.
    clock = sum(factor * (end - start) for start, end, factor in pieces)
    drawn = origin.purchase_draws(name, days=clock, rng=rng, draws=draws)
    spent = origin.spend_draws(drawn, rng)
    repeated = seen.quarter_days * horizon_days / QUARTER_DAYS
    return LevelResult(
        day=origin.day,
        purchases=Total(
            fitted=float(fitted.sum()),
            calibrated=float(calibrated.sum()),
            repeated=float(repeated.sum()),
            came=float(came.purchases.sum()),
        ),
        margin=Total(
            fitted=float((fitted * unit).sum()),
            calibrated=float((calibrated * unit).sum()),
            repeated=float((seen.quarter_spend * seen.margin_rate).sum())
            * horizon_days
            / QUARTER_DAYS,
            came=float(came.margin.sum()),
        ),
        calibration=curve,
        correlation={
            name: _correlation(calibrated, came.purchases),
            naive.COUNT_RECENCY: _correlation(naive.count_times_recency(seen), came.purchases),
            naive.LAST_QUARTER: _correlation(seen.quarter_days, came.purchases),
        },
        purchase_ranks=ranks_among_draws(came.purchases, drawn, rng),
        spend_ranks=ranks_among_draws(came.spend, spent, rng),
        purchase_levels=cuts[0],
        spend_levels=cuts[1],
    )


def _correlation(one: FloatArray, two: FloatArray) -> float:
    if one.size < 2 or np.ptp(one) == 0 or np.ptp(two) == 0:
        return float("nan")
    return float(np.corrcoef(one, two)[0, 1])
