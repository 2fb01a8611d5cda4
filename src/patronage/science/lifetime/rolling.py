"""What would have been said at each of many past dates, and what came of it?

An origin is a past day. At each, the models are fitted to what had been seen by its end and to
nothing else; what happened afterwards is kept apart and handed out only once it had ended.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from patronage.science.lifetime.cells import Cells
from patronage.science.lifetime.errors import LifetimeError
from patronage.science.lifetime.gamma_gamma import GammaGamma
from patronage.science.lifetime.histories import FloatArray
from patronage.science.lifetime.level import PIECES_DAYS, Stretch
from patronage.science.lifetime.panel import QUARTER_DAYS, Outcome, Panel, Seen
from patronage.science.lifetime.purchase_model import PurchaseModel
from patronage.science.lifetime.spend_model import SpendModel

DRAWS: Final = 99


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Origin:
    """One past day: what was known, and the models fitted to it."""

    day: int
    seen: Seen
    #: by name; where a fit failed, the last good one of that name
    models: Mapping[str, PurchaseModel]
    #: why a model could not be fitted here, by name
    failed: Mapping[str, str]
    #: the spend model; None where none could ever be fitted
    spend: SpendModel | None

    def unit_spend(self) -> FloatArray:
        """Expected spend of a purchase day, shape (customers,)."""
        seen = self.seen
        if self.spend is None:
            mean = seen.spend.sum() / (seen.frequency + 1.0).sum()
            return np.full_like(seen.age, mean)
        return self.spend.expected_spend(seen.frequency, seen.average_spend)

    def purchase_draws(
        self, name: str, *, days: float, rng: np.random.Generator, draws: int = DRAWS
    ) -> FloatArray:
        """Purchases of the next days under a model, shape (draws, customers)."""
        model = self.models[name]
        return np.stack(
            [model.simulate(*self.seen.past, days=days, rng=rng).purchases for _ in range(draws)]
        )

    def spend_draws(self, purchases: FloatArray, rng: np.random.Generator) -> FloatArray:
        """Spend of as many purchases, the customer's mean spend unknown; shape as `purchases`.

        Mean and single purchases are gamma distributed with the spend model's moments; Gamma-Gamma
        itself is drawn exactly.
        """
        seen = self.seen
        bought = np.maximum(purchases, 1.0)
        if isinstance(self.spend, GammaGamma):
            p, q, v = (getattr(self.spend.parameters, name) for name in ("p", "q", "v"))
            shape, scale = p * seen.frequency + q, v + seen.frequency * seen.average_spend
            rate = rng.gamma(np.broadcast_to(shape, purchases.shape)) / scale
            total = rng.gamma(p * bought) / rate
        else:
            mean, between, within = self._spend_moments()
            level = _gamma_of(mean, between, purchases.shape, rng)
            total = _gamma_of(bought * level, bought * within, purchases.shape, rng)
        drawn: FloatArray = np.where(purchases > 0, total, 0.0)
        return drawn

    def _spend_moments(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        seen, mean = self.seen, self.unit_spend()
        if self.spend is None:
            return mean, mean**2, mean**2
        past = (seen.frequency, seen.average_spend)
        between = self.spend.spend_variance(*past)
        within = self.spend.purchase_spend_variance(*past)
        wide = 10.0 * mean**2
        return mean, np.minimum(between, wide), np.minimum(within, wide)


def rolling_origins(
    panel: Panel,
    *,
    last_day: int,
    horizon_days: int,
    step_days: int = 28,
    warm_up_days: int = QUARTER_DAYS,
) -> tuple[int, ...]:
    """Days that lie a step apart, the last one a horizon before the last day seen.

    The first is the earliest of them at which half of those seen had been customers for
    `warm_up_days`, so that facts about the last quarter mean the same at every origin. Empty where
    the history is too short.
    """
    first, newest = int(panel.day.min()), last_day - horizon_days
    known = np.sort(panel.first_day)

    def has_warmed_up(day: int) -> bool:
        seen = known[known <= day]
        return bool(seen.size) and float(np.median(day - seen)) >= warm_up_days

    days = range(newest, first, -step_days)
    return tuple(day for day in days if has_warmed_up(day))[::-1]


def origins_of(
    panel: Panel,
    days: Sequence[int],
    models: Mapping[str, type[PurchaseModel]],
    spend_models: Mapping[str, type[SpendModel]],
) -> Iterator[Origin]:
    """Fit every model at every origin, in order; a fit that fails leaves the last good one."""
    good: dict[str, PurchaseModel] = {}
    spend: SpendModel | None = None
    for day in days:
        seen = panel.seen(day)
        cells = Cells.from_customers(frequency=seen.frequency, recency=seen.recency, age=seen.age)
        failed: dict[str, str] = {}
        for name, kind in models.items():
            try:
                model = kind.fit(cells)
            except LifetimeError as error:
                failed[name] = str(error)
                continue
            if model.converged:
                good[name] = model
            else:
                message = model.estimation.message if model.estimation else "no record"
                failed[name] = message or "The search for parameters did not converge."
        spend = _spend_of(seen, spend_models) or spend
        yield Origin(day=day, seen=seen, models=dict(good), failed=failed, spend=spend)


def stretches_of(
    panel: Panel, origins: Sequence[Origin], names: Collection[str], *, last_day: int
) -> dict[str, list[Stretch]]:
    """Margin expected by each of these models and come, in each ended stretch of the path."""
    return {
        name: [
            stretch
            for origin in origins
            if name in origin.models
            for stretch in _stretches(origin, name, panel, last_day=last_day)
        ]
        for name in names
    }


def _stretches(origin: Origin, name: str, panel: Panel, *, last_day: int) -> Iterator[Stretch]:
    unit = origin.unit_spend() * origin.seen.margin_rate
    start = 0.0
    for end in PIECES_DAYS:
        if origin.day + end > last_day:
            return
        expected = origin.models[name].expected_purchases(
            *origin.seen.past, start_days=start, horizon_days=end
        )
        came = panel.outcome(
            origin.seen, after=origin.day + int(start), until=origin.day + int(end)
        )
        yield Stretch(
            origin=origin.day,
            start_days=start,
            end_days=end,
            expected=float((expected * unit).sum()),
            came=float(came.margin.sum()),
        )
        start = end


def ended_outcome(panel: Panel, origin: Origin, *, horizon_days: int, known_on: int) -> Outcome:
    """What happened in the horizon after an origin, as known at the end of a later day.

    Raises `LookupError` where it had not ended by then: such an outcome must not be learnt from.
    """
    if origin.day + horizon_days > known_on:
        raise LookupError(
            f"The outcome of day {origin.day} ends on day {origin.day + horizon_days}, which is "
            f"after day {known_on}."
        )
    return panel.outcome(origin.seen, after=origin.day, until=origin.day + horizon_days)


def _spend_of(seen: Seen, kinds: Mapping[str, type[SpendModel]]) -> SpendModel | None:
    """The first spend model that can be fitted and gives a new customer a finite mean."""
    for kind in kinds.values():
        try:
            model = kind.fit(frequency=seen.frequency, average_spend=seen.average_spend)
        except LifetimeError:
            continue
        estimation = model.estimation
        if estimation and estimation.converged and np.isfinite(model.population_mean):
            return model
    return None


def _gamma_of(
    mean: FloatArray, variance: FloatArray, size: tuple[int, ...], rng: np.random.Generator
) -> FloatArray:
    mean, variance = np.broadcast_to(mean, size), np.broadcast_to(variance, size)
    spread = np.maximum(variance, 1e-12 * mean**2)
    drawn: FloatArray = rng.gamma(mean**2 / spread) * spread / mean
    return drawn
