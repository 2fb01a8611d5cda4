"""Who is still a customer, and how often will they buy? The Pareto/NBD model.

Source: Schmittlein, Morrison and Colombo (1987), "Counting your customers: who are they and what
will they do next?", Management Science 33(1), 1-24; Fader and Hardie's notes on the Pareto/NBD
(2005, 2020). Assumptions: Poisson purchases at a constant personal rate while alive, an exponential
lifetime, gamma distributed rates, rate and lifetime independent, no seasons, no trend.

Every time is in days. A customer's history is `x` (repeat purchases), `t_x` (days from the first to
the last purchase), `T` (days from the first purchase to now); arguments are scalars or arrays of
shape (customers,), missing values refused; results have shape (customers,).
"""

from dataclasses import astuple, dataclass
from typing import ClassVar, Final

import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike

from patronage.science.lifetime.cells import Cells
from patronage.science.lifetime.estimation import Estimation
from patronage.science.lifetime.fit_record import refuse_outside_domain
from patronage.science.lifetime.histories import FloatArray, validated_histories
from patronage.science.lifetime.optimum import (
    TWO_SHAPES_AND_SCALES,
    Objective,
    Optimum,
    SearchBox,
    maximise,
)
from patronage.science.lifetime.pareto_nbd_day_tables import DayTables
from patronage.science.lifetime.pareto_nbd_likelihood import (
    Shape,
    weighted_log_likelihood,
)
from patronage.science.lifetime.pareto_nbd_scoring import Scorer
from patronage.science.lifetime.purchase_fit import (
    PurchaseFit,
    estimated_of_cells,
    refuse_unidentified,
)
from patronage.science.lifetime.purchase_moments import PurchaseMoments
from patronage.science.lifetime.simulated_histories import SimulatedHistories
from patronage.science.lifetime.windows import (
    Window,
    expected_days_alive,
    expected_square_of_days_alive,
)

NAMES: Final = ("r", "alpha", "s", "beta")
#: cells whose peak leads to that of many more
_ROUGH_CELLS: Final = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ParetoNBDParameters:
    """Parameters of the two gamma distributions."""

    #: shape of the purchase rate's distribution
    r: float
    #: rate of the purchase rate's distribution, in time units
    alpha: float
    #: shape of the dropout rate's distribution
    s: float
    #: rate of the dropout rate's distribution, in time units
    beta: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ParetoNBD(PurchaseFit[ParetoNBDParameters]):
    """A Pareto/NBD model with known parameters, fitted or rebuilt; immutable."""

    TIME_POWERS: ClassVar = {"alpha": 1, "beta": 1}

    #: parameters, in days
    parameters: ParetoNBDParameters
    #: how they were estimated; None for a model rebuilt from stored parameters
    estimation: Estimation | None = None

    @classmethod
    def from_parameters(cls, *, r: float, alpha: float, s: float, beta: float) -> "ParetoNBD":
        """The model with these parameters, in days.

        Raises `InvalidParameter` unless all four are finite and above 0.
        """
        refuse_outside_domain(r=r, alpha=alpha, s=s, beta=beta)
        return cls(parameters=ParetoNBDParameters(r=r, alpha=alpha, s=s, beta=beta))

    @classmethod
    def fit(cls, cells: Cells, *, start: ParetoNBDParameters | None = None) -> "ParetoNBD":
        """Maximum likelihood over the cells.

        Arguments: `cells`, times in days; `start` of the search, in days, by default from the
        cells' overall rate. A search that fails is returned with `converged` False and a message.

        A shape r or s of 1000 (rates differing by 3 % between customers) is the limit: where the
        likelihood still rises there, customers do not differ measurably in that rate, the fit rests
        at the limit, has no standard error for it and says so in `estimation.at_limit`.

        Raises `NotIdentified` where no search could succeed: nobody bought twice, or there are
        fewer than five distinct histories (one customer, say) for four parameters.
        """
        refuse_unidentified(cells, parameters="four")
        box = search_box(cells, start=start)
        sample = cells.sample(_ROUGH_CELLS)
        rough = None if sample is cells else objective_of_cells(sample)
        return _fitted(maximise(objective_of_cells(cells), box, rough=rough), cells)

    # --- answers about customers ------------------------------------------------------------------

    def probability_alive(self, x: ArrayLike, t_x: ArrayLike, T: ArrayLike) -> FloatArray:
        """Probability that the customer has not dropped out by T (not a churn probability)."""
        return self._scorer(x, t_x, T).alive()

    def probability_of_purchase(
        self, x: ArrayLike, t_x: ArrayLike, T: ArrayLike, *, horizon_days: float
    ) -> FloatArray:
        """Probability of at least one purchase in (T, T + horizon_days]; 0 for horizon 0.

        P(alive) ∫_0^h k/(α+T+v) ((α+T)/(α+T+v))^k ((β+T)/(β+T+v))^s dv with k = r + x: the density
        of the next purchase's time. Raises `InvalidWindow` for a negative or infinite horizon.
        """
        window = Window.of(horizon_days=horizon_days)
        scorer = self._scorer(x, t_x, T)
        return scorer.alive() * scorer.buys_if_alive(window.horizon_days)

    def expected_purchases(
        self,
        x: ArrayLike,
        t_x: ArrayLike,
        T: ArrayLike,
        *,
        horizon_days: float,
        start_days: float = 0.0,
    ) -> FloatArray:
        """Expected purchases in (T + start_days, T + horizon_days].

        Raises `InvalidWindow` unless 0 <= start_days <= horizon_days; equal means 0 purchases.
        """
        window = Window.of(horizon_days=horizon_days, start_days=start_days)
        return self._expected(self._scorer(x, t_x, T), window)

    def discounted_expected_purchases(
        self,
        x: ArrayLike,
        t_x: ArrayLike,
        T: ArrayLike,
        *,
        horizon_days: float,
        annual_discount_rate: float,
        start_days: float = 0.0,
    ) -> FloatArray:
        """Expected purchases in (T + start_days, T + horizon_days], each discounted back to T.

        `annual_discount_rate` is effective (0.10 is 10 % a year of 365 days), -1 < rate < 10;
        discounting is continuous. Raises `InvalidWindow` outside these limits.
        """
        window = Window.of(
            horizon_days=horizon_days,
            start_days=start_days,
            annual_discount_rate=annual_discount_rate,
        )
        return self._expected(self._scorer(x, t_x, T), window)

    def expected_purchases_new_customer(self, *, horizon_days: float) -> float:
        """Expected repeat purchases of a new customer within the days after the first purchase."""
        return float(self.expected_purchases(0, 0, 0, horizon_days=horizon_days)[0])

    def purchase_moments(
        self,
        x: ArrayLike,
        t_x: ArrayLike,
        T: ArrayLike,
        *,
        horizon_days: float,
        annual_discount_rate: float = 0.0,
    ) -> PurchaseMoments:
        """Mean and variance of the discounted number of purchases in (T, T + horizon_days].

        The customer's unknown rate and dropout time are integrated out: given alive at T, the rate
        is gamma (k, α + T), and purchases given rate and lifetime are Poisson. Raises as
        `discounted_expected_purchases`.
        """
        window = Window.of(horizon_days=horizon_days, annual_discount_rate=annual_discount_rate)
        scorer, s, beta = self._scorer(x, t_x, T), self.parameters.s, self.parameters.beta
        twice = window.with_discounting(2.0)
        days, days_twice, squares = scorer.by_age(
            lambda T: expected_days_alive(window, s, beta + T),
            lambda T: expected_days_alive(twice, s, beta + T),
            lambda T: expected_square_of_days_alive(window, s, beta + T),
        )
        alive, k = scorer.alive(), self.parameters.r + scorer.x
        aged = self.parameters.alpha + scorer.T
        rate = alive * (k / aged)
        mean, noise = rate * days, rate * days_twice
        second = rate * ((k + 1.0) / aged) * squares + noise
        return PurchaseMoments(
            mean=mean,
            variance=np.maximum(second - mean**2, 0.0),
            mean_squared_discount=noise,
            probability_of_purchase=alive * scorer.buys_if_alive(window.horizon_days),
        )

    def log_likelihood_of(self, cells: Cells) -> float:
        """Log-likelihood of these cells under this model, times in days: an out-of-sample score."""
        parameters = self.parameters
        point = np.log([parameters.r, parameters.alpha, parameters.s, parameters.beta])
        return objective_of_cells(cells)(point)[0] * cells.customers

    def simulate(
        self, x: ArrayLike, t_x: ArrayLike, T: ArrayLike, *, days: float, rng: Generator
    ) -> SimulatedHistories:
        """One future of `days` days for each customer, drawn from what their history leaves open.

        A customer is alive with P(alive); the rates of those are gamma (r + x, α + T) for purchases
        and gamma (s, β + T) for dropout; the others stay silent. Raises `InvalidWindow` for a
        negative or infinite number of days.
        """
        window = Window.of(horizon_days=days)
        scorer = self._scorer(x, t_x, T)
        x, t_x, T = scorer.x, scorer.t_x, scorer.T
        r, alpha, s, beta = (getattr(self.parameters, name) for name in NAMES)
        alive = rng.random(x.size) < scorer.alive()
        rate = rng.standard_gamma(r + x) / (alpha + T)
        # an exponential lifetime whose rate is gamma (s, β + T) is a Lomax one
        with np.errstate(over="ignore"):
            lifetime = (beta + T) * np.expm1(rng.standard_exponential(x.size) / s)
        return SimulatedHistories.after_poisson(
            x,
            t_x,
            T,
            days=window.horizon_days,
            rate=rate,
            days_alive=np.where(alive, lifetime, 0.0),
            rng=rng,
        )

    # --- the pieces they are made of --------------------------------------------------------------

    def _shape(self) -> Shape:
        return Shape(
            r=self.parameters.r,
            alpha=self.parameters.alpha,
            s=self.parameters.s,
            beta=self.parameters.beta,
        )

    def _scorer(self, x: ArrayLike, t_x: ArrayLike, T: ArrayLike) -> Scorer:
        return Scorer.of(self._shape(), *validated_histories(x, t_x, T))

    def _expected(self, scorer: Scorer, window: Window) -> FloatArray:
        s, beta = self.parameters.s, self.parameters.beta
        (days,) = scorer.by_age(lambda T: expected_days_alive(window, s, beta + T))
        days *= self.parameters.r + scorer.x
        days /= self.parameters.alpha + scorer.T
        days *= scorer.alive()
        return days


def search_box(cells: Cells, *, start: ParetoNBDParameters | None = None) -> SearchBox:
    """Where the peak is looked for: around what is typical of the cells, or from `start`."""
    centre = np.log(_typical(cells))
    return SearchBox.around(
        centre,
        TWO_SHAPES_AND_SCALES,
        names=NAMES,
        start=None if start is None else np.log(astuple(start)),
        may_rest=("r", "s"),
    )


def objective_of_cells(cells: Cells, tables: DayTables | None = None) -> Objective:
    """The objective of the fit: by look-up where that is exact and pays, else directly.

    Arguments: `tables`, the same cells arranged, where they are at hand.
    """
    tables = tables or DayTables.of(cells)

    def objective(point: FloatArray) -> tuple[float, FloatArray]:
        r, alpha, s, beta = np.exp(point).tolist()
        shape = Shape(r=r, alpha=alpha, s=s, beta=beta)
        if tables is not None:
            total, gradient = tables.weighted_log_likelihood(shape)
        else:
            total, gradient = weighted_log_likelihood(
                shape, cells.frequency, cells.recency, cells.age, cells.weight
            )
        return total / cells.customers, gradient / cells.customers

    return objective


def _typical(cells: Cells) -> FloatArray:
    """A start on the data's own scale: exponential rates with the base's means."""
    observed = float(cells.weight @ cells.age)
    days_a_purchase = observed / cells.repeat_purchases
    return np.array([1.0, days_a_purchase, 1.0, observed / cells.customers])


def _fitted(found: Optimum, cells: Cells) -> ParetoNBD:
    values, estimation = estimated_of_cells(found, cells, NAMES)
    return ParetoNBD(parameters=ParetoNBDParameters(**values), estimation=estimation)
