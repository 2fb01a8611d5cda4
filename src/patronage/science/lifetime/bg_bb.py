"""Beta-geometric/beta-binomial: buying or not at each of a known series of opportunities.

For customers who can buy at most once an opportunity (a yearly appeal, a season, a cruise, a
weekly delivery). While alive a customer buys at each opportunity with a personal probability p, and
drops out before each with a personal probability θ; over customers, p is beta (α, β) and θ is beta
(γ, δ), independently.

Source: Fader, Hardie and Shang (2010), "Customer-base analysis in a discrete-time noncontractual
setting", Marketing Science 29(6). Assumptions: opportunities are the same for everybody, p and θ of
a customer do not change and are independent, no seasons, no trend.

A history is `x` purchases at `n` opportunities after the first purchase, the last purchase at
opportunity `t_x` (0 without one): whole numbers, scalars or arrays of shape (customers,), missing
values refused; results have shape (customers,).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import betaln, gammaln

from patronage.science.lifetime.bg_bb_likelihood import (
    DiscreteShape,
    log_likelihoods,
    weighted_log_likelihood,
)
from patronage.science.lifetime.cells import Cells
from patronage.science.lifetime.errors import NotIdentified
from patronage.science.lifetime.estimation import Estimation
from patronage.science.lifetime.fit_record import (
    FitRecord,
    estimated,
    estimation_of,
    logs_of,
    refuse_outside_domain,
)
from patronage.science.lifetime.histories import FloatArray, refuse_rows, validated_histories
from patronage.science.lifetime.optimum import (
    TWO_SHAPES_AND_SCALES,
    Objective,
    Optimum,
    SearchBox,
    maximise,
)
from patronage.science.lifetime.periods import PeriodWindow, discounted_survival
from patronage.science.lifetime.purchase_fit import FEWEST_HISTORIES

_NAMES: Final = ("alpha", "beta", "gamma", "delta")
#: opportunities whose cube is still a whole number in a float
_LARGEST_SPAN: Final = 2e5


@dataclass(frozen=True, slots=True, kw_only=True)
class BetaGeometricBetaBinomialParameters:
    """Parameters of the two beta distributions; they carry no unit."""

    #: first shape of the distribution of the purchase probability
    alpha: float
    #: second shape of it
    beta: float
    #: first shape of the distribution of the dropout probability
    gamma: float
    #: second shape of it
    delta: float


@dataclass(frozen=True, slots=True, kw_only=True)
class BetaGeometricBetaBinomial(FitRecord):
    """A BG/BB model with known parameters, fitted or rebuilt; immutable."""

    parameters: BetaGeometricBetaBinomialParameters
    #: how they were estimated; None for a model rebuilt from stored parameters
    estimation: Estimation | None = None

    @classmethod
    def from_parameters(
        cls, *, alpha: float, beta: float, gamma: float, delta: float
    ) -> "BetaGeometricBetaBinomial":
        """The model with these parameters. Raises `InvalidParameter` unless finite, above 0."""
        refuse_outside_domain(alpha=alpha, beta=beta, gamma=gamma, delta=delta)
        return cls(
            parameters=BetaGeometricBetaBinomialParameters(
                alpha=alpha, beta=beta, gamma=gamma, delta=delta
            )
        )

    @classmethod
    def fit(
        cls, cells: Cells, *, start: BetaGeometricBetaBinomialParameters | None = None
    ) -> "BetaGeometricBetaBinomial":
        """Maximum likelihood over the cells.

        Arguments: `cells`, times in opportunities: `frequency` purchases, `recency` the opportunity
        of the last, `age` opportunities; `start` of the search, by default from the cells' overall
        purchase rate. A search that fails is returned with `converged` False and a message. As for
        Pareto/NBD, alpha or gamma at 1000 is the limit at which customers do not differ measurably.

        Raises `InconsistentHistory` for times that are not whole or more purchases than
        opportunities; `InvalidParameter` for an impossible `start`; `NotIdentified` where nobody
        bought again, everybody always did, or there are fewer than five distinct histories.
        """
        x, t_x, n = _validated(cells.frequency, cells.recency, cells.age)
        offered, bought = float(cells.weight @ n), cells.repeat_purchases
        if bought in (0.0, offered) or cells.size < FEWEST_HISTORIES:
            raise NotIdentified(
                f"{cells.size} distinct histories with {bought:g} purchases at {offered:g} "
                "opportunities cannot identify four parameters; expected at least "
                f"{FEWEST_HISTORIES}, in which some buy and some do not. Observe longer, pool "
                "customers, or use parameters from a similar base."
            )
        rate = bought / offered
        centre = np.log([1.0, 1.0 / rate - 1.0 + 1e-3, 1.0, float(n.max())])
        box = SearchBox.around(
            centre,
            TWO_SHAPES_AND_SCALES,
            names=_NAMES,
            start=None if start is None else logs_of(start),
            may_rest=("alpha", "gamma"),
        )
        return _fitted(maximise(_objective(x, t_x, n, cells), box), cells)

    @property
    def standard_errors(self) -> BetaGeometricBetaBinomialParameters:
        """Asymptotic standard errors. Raises `NotEstimated` on a rebuilt model."""
        return BetaGeometricBetaBinomialParameters(**estimation_of(self).standard_errors)

    def log_likelihood_of(self, cells: Cells) -> float:
        """Sum of the cells' log-likelihoods, for out-of-sample scores."""
        x, t_x, n = _validated(cells.frequency, cells.recency, cells.age)
        return float(cells.weight @ log_likelihoods(self._shape(), x, t_x, n))

    # --- answers about customers ------------------------------------------------------------------

    def probability_alive(
        self, x: ArrayLike, t_x: ArrayLike, n: ArrayLike, *, opportunities_later: int = 0
    ) -> FloatArray:
        """Probability of being alive at opportunity n + `opportunities_later`.

        With 1, the figure that the source prints: alive at the next opportunity. Raises
        `InvalidWindow` for a negative or fractional number.
        """
        later = PeriodWindow.of(horizon=opportunities_later).horizon
        gamma, delta = self.parameters.gamma, self.parameters.delta

        def answer(x: FloatArray, t_x: FloatArray, n: FloatArray) -> FloatArray:
            lives_on = np.exp(betaln(gamma, delta + n + later) - betaln(gamma, delta + n))
            alive: FloatArray = self._alive(x, t_x, n) * lives_on
            return alive

        return _once_each(answer, *_validated(x, t_x, n))

    def expected_purchases(
        self,
        x: ArrayLike,
        t_x: ArrayLike,
        n: ArrayLike,
        *,
        opportunities: int,
        start_opportunities: int = 0,
    ) -> FloatArray:
        """Expected purchases at opportunities n + start + 1, ..., n + opportunities.

        Raises `InvalidWindow` unless 0 <= start_opportunities <= opportunities, both whole.
        """
        window = PeriodWindow.of(horizon=opportunities, start=start_opportunities)
        return self._expected(x, t_x, n, window)

    def discounted_expected_purchases(
        self,
        x: ArrayLike,
        t_x: ArrayLike,
        n: ArrayLike,
        *,
        discount_rate_per_opportunity: float,
        opportunities: int | None = None,
        start_opportunities: int = 0,
    ) -> FloatArray:
        """The same with opportunity n + k discounted by (1 + rate)^-k.

        `opportunities` None means for ever (DERT, discounted expected residual transactions), for
        which the rate must be at least 0.0001 an opportunity. Raises `InvalidWindow` otherwise, and
        for a rate outside (-1, 10).
        """
        window = PeriodWindow.of(
            horizon=opportunities,
            start=start_opportunities,
            discount_rate_per_period=discount_rate_per_opportunity,
        )
        return self._expected(x, t_x, n, window)

    def probability_of_purchase(
        self, x: ArrayLike, t_x: ArrayLike, n: ArrayLike, *, opportunities: int
    ) -> FloatArray:
        """Probability of at least one purchase at the next opportunities; 0 for none of them."""
        ahead = PeriodWindow.of(horizon=opportunities).horizon
        shape = self._shape()

        def answer(x: FloatArray, t_x: FloatArray, n: FloatArray) -> FloatArray:
            # alive at n and silent since: the histories whose lifetime is n opportunities or more
            silent = log_likelihoods(shape, x, n, n + ahead) - log_likelihoods(shape, x, t_x, n)
            buys: FloatArray = np.clip(self._alive(x, t_x, n) - np.exp(silent), 0.0, 1.0)
            return buys

        return _once_each(answer, *_validated(x, t_x, n))

    def expected_purchases_new_customer(self, *, opportunities: int) -> float:
        """Expected repeat purchases of a new customer at the first opportunities."""
        return float(self.expected_purchases(0, 0, 0, opportunities=opportunities)[0])

    def distribution_new_customer(self, *, opportunities: int) -> FloatArray:
        """Probabilities that a new customer buys 0, 1, ..., `opportunities` times.

        Shape (opportunities + 1,); equation 7 of the source, whose double sum takes memory and time
        in proportion to the square of `opportunities`. Raises `InvalidWindow` for a negative or
        fractional number.
        """
        n = PeriodWindow.of(horizon=opportunities).horizon
        a, b, c, d = (getattr(self.parameters, name) for name in _NAMES)
        x, lived = np.meshgrid(np.arange(n + 1.0), np.arange(n + 1.0), indexing="ij")
        gone = (lived < n).astype(np.float64)
        possible = lived >= x
        missed = np.where(possible, lived - x, 0.0)
        # the number of ways is beyond what a float holds from about a thousand opportunities on
        log_ways = gammaln(lived + 1.0) - gammaln(x + 1.0) - gammaln(missed + 1.0)
        bought = log_ways + betaln(a + x, b + missed) - betaln(a, b)
        chance = np.exp(bought + betaln(c + gone, d + lived) - betaln(c, d))
        distribution: FloatArray = np.where(possible, chance, 0.0).sum(axis=1)
        return distribution

    # --- the pieces they are made of --------------------------------------------------------------

    def _shape(self) -> DiscreteShape:
        alpha, beta, gamma, delta = (getattr(self.parameters, name) for name in _NAMES)
        return DiscreteShape(alpha=alpha, beta=beta, gamma=gamma, delta=delta)

    def _alive(self, x: FloatArray, t_x: FloatArray, n: FloatArray) -> FloatArray:
        a, b, c, d = (getattr(self.parameters, name) for name in _NAMES)
        joint = betaln(a + x, b + n - x) - betaln(a, b) + betaln(c, d + n) - betaln(c, d)
        alive: FloatArray = np.exp(joint - log_likelihoods(self._shape(), x, t_x, n))
        return alive

    def _expected(
        self, x: ArrayLike, t_x: ArrayLike, n: ArrayLike, window: PeriodWindow
    ) -> FloatArray:
        a, b, c, d = (getattr(self.parameters, name) for name in _NAMES)

        def answer(x: FloatArray, t_x: FloatArray, n: FloatArray) -> FloatArray:
            distinct, where = np.unique(n, return_inverse=True)
            lives = discounted_survival(
                window, lambda after: betaln(c, d + distinct[:, None] + after), distinct.size
            )
            rate = (a + x) / (a + b + n)
            expected: FloatArray = self._alive(x, t_x, n) * rate * lives[where]
            return expected

        return _once_each(answer, *_validated(x, t_x, n))


def _once_each(
    answer: Callable[[FloatArray, FloatArray, FloatArray], FloatArray],
    x: FloatArray,
    t_x: FloatArray,
    n: FloatArray,
) -> FloatArray:
    """Answer every distinct history once: whole numbers up to n repeat themselves soon."""
    span = float(n.max()) + 1.0
    if span > _LARGEST_SPAN:
        return answer(x, t_x, n)
    code = ((n * span + t_x) * span + x).astype(np.int64)
    _, first, where = np.unique(code, return_index=True, return_inverse=True)
    return answer(x[first], t_x[first], n[first])[where]


def _validated(
    x: ArrayLike, t_x: ArrayLike, n: ArrayLike
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Histories of discrete opportunities. Raises `InconsistentHistory`, naming the rows."""
    x, t_x, n = validated_histories(x, t_x, n)
    refuse_rows(
        [
            (
                "recency and age must be whole numbers of opportunities.",
                (t_x != np.floor(t_x)) | (n != np.floor(n)),
            ),
            ("frequency must not exceed the opportunity of the last purchase.", x > t_x),
        ],
        frequency=x,
        recency=t_x,
        age=n,
    )
    return x, t_x, n


def _objective(x: FloatArray, t_x: FloatArray, n: FloatArray, cells: Cells) -> Objective:
    def mean_log_likelihood(point: FloatArray) -> tuple[float, FloatArray]:
        alpha, beta, gamma, delta = np.exp(point).tolist()
        shape = DiscreteShape(alpha=alpha, beta=beta, gamma=gamma, delta=delta)
        total, gradient = weighted_log_likelihood(shape, x, t_x, n, cells.weight)
        return total / cells.customers, gradient / cells.customers

    return mean_log_likelihood


def _fitted(found: Optimum, cells: Cells) -> BetaGeometricBetaBinomial:
    values, estimation = estimated(found, _NAMES, customers=cells.customers, unit_events=0.0)
    parameters = BetaGeometricBetaBinomialParameters(**values)
    return BetaGeometricBetaBinomial(parameters=parameters, estimation=estimation)
