"""Who is still a customer, and how often will they buy? The Gamma/Gompertz/NBD model.

Source: Bemmaor and Glady (2012), "Modeling purchasing behavior with sudden 'death': a flexible
customer lifetime model", Management Science 58(5), 1012-1021. Assumptions: Poisson purchases at a
constant personal rate while alive, gamma distributed over customers (shape r, rate α); Gompertz
lifetimes with a common scale b, so that the risk of dropping out grows or, over customers, falls
and levels off; the personal η gamma distributed (shape s, rate β); rate and lifetime independent,
no seasons, no trend.

Times and histories as in `pareto_nbd`: days, scalars or arrays of shape (customers,), missing
values refused.
"""

from dataclasses import dataclass, replace
from typing import ClassVar, Final

import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike
from scipy.special import expit, exprel

from patronage.science.lifetime.cells import Cells
from patronage.science.lifetime.estimation import Estimation
from patronage.science.lifetime.fit_record import logs_of, refuse_outside_domain
from patronage.science.lifetime.ggompertz_nbd_day_tables import DayTables
from patronage.science.lifetime.ggompertz_nbd_likelihood import (
    Ages,
    Gompertz,
    dropped_out,
    weighted_log_likelihood,
)
from patronage.science.lifetime.histories import FloatArray, validated_histories
from patronage.science.lifetime.optimum import (
    LARGEST_SHAPE,
    Objective,
    Optimum,
    SearchBox,
    maximise,
)
from patronage.science.lifetime.pareto_nbd import ParetoNBD
from patronage.science.lifetime.purchase_answers import MomentsIfAlive, PurchaseAnswers
from patronage.science.lifetime.purchase_fit import (
    PurchaseFit,
    estimated_of_cells,
    refuse_unidentified,
)
from patronage.science.lifetime.quadrature import row_blocks
from patronage.science.lifetime.simulated_histories import SimulatedHistories
from patronage.science.lifetime.windows import Window

_NAMES: Final = ("r", "alpha", "b", "s", "beta")
#: what is searched over: where 1/b rests at its limit, the model is Pareto/NBD with scale β/b
_SEARCHED: Final = ("r", "alpha", "s", "beta/b", "1/b")
#: logs of the parameters from logs of what is searched over
_TO_NAMES: Final = np.array(
    [[1, 0, 0, 0, 0], [0, 1, 0, 0, 0], [0, 0, 0, 0, -1], [0, 0, 1, 0, 0], [0, 0, 0, 1, -1]],
    dtype=np.float64,
)
_LARGEST_SCALE: Final = 1e7
_LARGEST_RATIO: Final = 1e12
#: 1/b in mean ages, at least and at most: there risk moves by a millionth over a customer's age
_SHORTEST: Final = 1e-2
#: difference in mean log-likelihood below which two peaks are one
_EQUALLY_HIGH: Final = 1e-8
_LONGEST: Final = 1e6


@dataclass(frozen=True, slots=True, kw_only=True)
class GGompertzNBDParameters:
    """Parameters of the two gamma distributions and the Gompertz scale."""

    #: shape of the purchase rate's distribution
    r: float
    #: rate of the purchase rate's distribution, in time units
    alpha: float
    #: scale of the lifetimes' Gompertz distribution, in 1 / time unit, the same for all customers
    b: float
    #: shape of the distribution of η
    s: float
    #: rate of the distribution of η
    beta: float


@dataclass(frozen=True, slots=True, kw_only=True)
class GGompertzNBD(PurchaseFit[GGompertzNBDParameters], PurchaseAnswers):
    """A Gamma/Gompertz/NBD model with known parameters, fitted or rebuilt; immutable."""

    TIME_POWERS: ClassVar = {"alpha": 1, "b": -1}

    #: parameters, in days
    parameters: GGompertzNBDParameters
    #: how they were estimated; None for a model rebuilt from stored parameters
    estimation: Estimation | None = None

    @classmethod
    def from_parameters(
        cls, *, r: float, alpha: float, b: float, s: float, beta: float
    ) -> "GGompertzNBD":
        """The model with these parameters, in days.

        Raises `InvalidParameter` unless all five are finite and above 0.
        """
        refuse_outside_domain(r=r, alpha=alpha, b=b, s=s, beta=beta)
        return cls(parameters=GGompertzNBDParameters(r=r, alpha=alpha, b=b, s=s, beta=beta))

    @classmethod
    def fit(cls, cells: Cells, *, start: GGompertzNBDParameters | None = None) -> "GGompertzNBD":
        """Maximum likelihood over the cells.

        Arguments: `cells`, times in days; `start` of a search, in days. The likelihood may have
        several peaks: other searches start from Pareto/NBD with and without growth of risk, and the
        highest peak is the answer.

        Where the data show no growth of risk, the likelihood is highest at b → 0, which is
        Pareto/NBD: 1/b then rests at its limit of a million mean ages (`estimation.at_limit`), b
        has no standard error and that of β is the one of β/b. r and s may rest at 1000.

        Raises `NotIdentified` where nobody bought twice or there are fewer than five histories,
        `InvalidParameter` for an impossible `start`.
        """
        refuse_unidentified(cells, parameters="five")
        age = float(cells.weight @ cells.age) / cells.customers
        days_a_purchase = float(cells.weight @ cells.age) / cells.repeat_purchases
        centre = np.log([1.0, days_a_purchase, 1.0, age, age])
        width = np.log([LARGEST_SHAPE, _LARGEST_SCALE, LARGEST_SHAPE, _LARGEST_RATIO])
        pareto = _pareto(cells)
        starts = [np.append(pareto, np.log(age)), np.append(pareto, np.log(_LONGEST * age))]
        starts += [] if start is None else [_searched(start)]
        box = SearchBox(
            names=_SEARCHED,
            start=centre,
            lower=centre - np.append(width, -np.log(_SHORTEST)),
            upper=centre + np.append(width, np.log(_LONGEST)),
            may_rest=("r", "s", "1/b"),
        )
        objective = _mean_log_likelihood(cells)
        found = _highest([maximise(objective, replace(box, start=first)) for first in starts])
        values, estimation = estimated_of_cells(_by_name(found), cells, _NAMES)
        return cls(parameters=GGompertzNBDParameters(**values), estimation=estimation)

    def log_likelihood_of(self, cells: Cells) -> float:
        """Log-likelihood of these histories at the parameters, for scores out of sample."""
        columns = (cells.frequency, cells.recency, cells.age, cells.weight)
        return weighted_log_likelihood(self._law(), *columns)[0]

    def simulate(
        self, x: ArrayLike, t_x: ArrayLike, T: ArrayLike, *, days: float, rng: Generator
    ) -> SimulatedHistories:
        """One future of `days` days for each customer, drawn from what their history leaves open.

        A customer is alive with P(alive), then has a rate that is gamma (r + x, α + T) and a
        lifetime longer than T. Raises `InvalidWindow` for a negative or infinite number of days.
        """
        window = Window.of(horizon_days=days)
        x, t_x, T = validated_histories(x, t_x, T)
        law = self._law()
        alive = rng.random(x.size) < self._alive(x, t_x, T)
        rate = rng.standard_gamma(law.r + x) / (law.alpha + T)
        risen = law.log_rise(T) + rng.standard_exponential(x.size) / law.s
        return SimulatedHistories.after_poisson(
            x,
            t_x,
            T,
            days=window.horizon_days,
            rate=rate,
            days_alive=np.where(alive, np.maximum(law.age_at_rise(risen) - T, 0.0), 0.0),
            rng=rng,
        )

    # --- the pieces they are made of --------------------------------------------------------------

    def _law(self) -> Gompertz:
        p = self.parameters
        return Gompertz(r=p.r, alpha=p.alpha, b=p.b, s=p.s, beta=p.beta)

    def _alive(self, x: FloatArray, t_x: FloatArray, T: FloatArray) -> FloatArray:
        law = self._law()
        blocks = [
            expit(-dropped_out(law, x[rows], t_x[rows], T[rows])[0]) for rows in row_blocks(x.size)
        ]
        return np.concatenate(blocks)

    def _buys_if_alive(
        self,
        x: FloatArray,
        t_x: FloatArray,  # noqa: ARG002 (only P(alive) depends on it here)
        T: FloatArray,
        window: Window,
    ) -> FloatArray:
        law = self._law()
        distinct, place = np.unique(x + 1j * T, return_inverse=True)
        blocks = [
            _buys(law, distinct.real[rows], distinct.imag[rows], window)
            for rows in row_blocks(distinct.size)
        ]
        buys: FloatArray = np.concatenate(blocks)[place]
        return buys

    def _mean_if_alive(
        self, x: FloatArray, t_x: FloatArray, T: FloatArray, window: Window
    ) -> FloatArray:
        return self._moments_if_alive(x, t_x, T, window).mean

    def _moments_if_alive(
        self,
        x: FloatArray,
        t_x: FloatArray,  # noqa: ARG002 (only P(alive) depends on it here)
        T: FloatArray,
        window: Window,
    ) -> MomentsIfAlive:
        law = self._law()
        distinct, place = np.unique(T, return_inverse=True)
        blocks = [_days(law, distinct[rows], window) for rows in row_blocks(distinct.size)]
        days, squares, pairs = np.concatenate(blocks, axis=1)[:, place]
        k, aged = law.r + x, law.alpha + T
        rate = k / aged
        return MomentsIfAlive(
            mean=rate * days, squares=rate * squares, pairs=rate * (k + 1.0) / aged * pairs
        )


def _days(law: Gompertz, T: FloatArray, window: Window) -> FloatArray:
    """Discounted days alive, with the discount squared, and their square; shape (3, rows)."""
    delta = window.discount_rate_a_day
    ages = Ages.between(law, T + window.start_days, T + window.horizon_days, 0.0)
    v = ages.u - T[:, None]
    lived = ages.du * np.exp(-law.s * (law.log_rise(ages.u) - law.log_rise(T)[:, None]))
    discount, gone = np.exp(-delta * v), v - window.start_days
    so_far = np.exp(-delta * window.start_days) * gone * exprel(-delta * gone)
    weights = (discount, discount**2, 2.0 * so_far * discount)
    return np.stack([np.einsum("ij,ij->i", lived, weight) for weight in weights])


def _buys(law: Gompertz, x: FloatArray, T: FloatArray, window: Window) -> FloatArray:
    """Probability of a purchase in (T, T + horizon] if alive: the next one's density, integrated.

    ∫_0^h k/(α+T+v) ((α+T)/(α+T+v))^k S(T+v)/S(T) dv.
    """
    k, aged = law.r + x, law.alpha + T
    ages = Ages.between(law, T, T + window.horizon_days, k + 1.0)
    later = np.log((law.alpha + ages.u) / aged[:, None])
    risen = law.log_rise(ages.u) - law.log_rise(T)[:, None]
    density = np.exp(-(k[:, None] + 1.0) * later - law.s * risen)
    buys: FloatArray = np.clip(k / aged * np.einsum("ij,ij->i", density, ages.du), 0.0, 1.0)
    return buys


def _mean_log_likelihood(cells: Cells) -> Objective:
    """The objective of the fit: by look-up where that is exact and pays, else directly."""
    tables = DayTables.of(cells)
    columns = (cells.frequency, cells.recency, cells.age, cells.weight)

    def objective(point: FloatArray) -> tuple[float, FloatArray]:
        law = Gompertz(**dict(zip(_NAMES, np.exp(_TO_NAMES @ point).tolist(), strict=True)))
        if tables is not None:
            total, gradient = tables.weighted_log_likelihood(law)
        else:
            total, gradient = weighted_log_likelihood(law, *columns)
        return total / cells.customers, _TO_NAMES.T @ gradient / cells.customers

    return objective


def _searched(start: GGompertzNBDParameters) -> FloatArray:
    r, alpha, b, s, beta = logs_of(start)
    return np.array([r, alpha, s, beta - b, -b])


def _pareto(cells: Cells) -> FloatArray:
    """Pareto/NBD's peak: logs of r, α, s and β/b."""
    p = ParetoNBD.fit(cells).parameters
    return np.log([p.r, p.alpha, p.s, p.beta])


def _highest(peaks: list[Optimum]) -> Optimum:
    """The highest peak; of equally high ones, on a ridge, the one whose search ended properly."""
    top = max(peak.mean_log_likelihood for peak in peaks)
    equal = [peak for peak in peaks if peak.mean_log_likelihood >= top - _EQUALLY_HIGH]
    return max(equal, key=lambda peak: (peak.converged, peak.mean_log_likelihood))


def _by_name(found: Optimum) -> Optimum:
    """The optimum in the logs of the parameters; b has no error where 1/b rests."""
    rests = _SEARCHED.index("1/b") if "1/b" in found.at_limit else None
    inverse = found.inverse_information.copy()
    if rests is not None:
        inverse[rests, :] = inverse[:, rests] = 0.0
    by_name = _TO_NAMES @ inverse @ _TO_NAMES.T
    if rests is not None:
        b = _NAMES.index("b")
        by_name[b, :] = by_name[:, b] = np.nan
    return replace(
        found, log_parameters=_TO_NAMES @ found.log_parameters, inverse_information=by_name
    )
