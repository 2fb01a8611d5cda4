"""For how long will each customer have to be kept, and what does that cost?"""

from __future__ import annotations

from typing import Final, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from patronage.differentiate.valuation.profit import DAYS_A_YEAR, MONTHS_A_YEAR

Real = NDArray[np.float64]

#: A window so short that nobody drops out in it: what is expected of it is today's rate.
_INSTANT_DAYS: Final = 1e-3


class Lasts(Protocol):
    """A purchase model, as far as it says for how long somebody stays a customer."""

    def probability_alive(self, x: ArrayLike, t_x: ArrayLike, T: ArrayLike) -> Real:
        """Probability of still being a customer."""

    def discounted_expected_purchases(
        self,
        x: ArrayLike,
        t_x: ArrayLike,
        T: ArrayLike,
        *,
        horizon_days: float,
        annual_discount_rate: float,
        start_days: float = 0.0,
    ) -> Real:
        """Expected purchases in (T + start_days, T + horizon_days], discounted to T."""


def months_kept(
    model: Lasts,
    past: tuple[ArrayLike, ArrayLike, ArrayLike],
    *,
    horizon_days: float,
    annual_discount_rate: float,
    start_days: float = 0.0,
) -> Real:
    """Discounted months for which each is expected to be a customer in the window.

    P(alive) × (discounted purchases expected in the window) ÷ (rate expected now): while a customer
    is one their rate is constant, so that the expected path of purchases falls as customers are
    lost. Exact, to five digits, where the dropout is independent of the rate (Pareto/NBD,
    GGompertz/NBD); where it comes with purchases (BG/NBD and its kin) it counts the frequent, who
    drop out sooner, by their rate. No calibration of the level of purchases enters: it does not
    change who is a customer.

    Args:
        model: the purchase model.
        past: x, t_x, T of each customer, days, shape (customers,).
        horizon_days, start_days: end and start of the window, days from T.
        annual_discount_rate: effective; 0.0 gives nominal months.

    Returns:
        Months (a twelfth of 365 days), shape (customers,), from 0. Windows add up.
    """
    purchases = model.discounted_expected_purchases(
        *past,
        horizon_days=horizon_days,
        annual_discount_rate=annual_discount_rate,
        start_days=start_days,
    )
    now = model.discounted_expected_purchases(
        *past, horizon_days=_INSTANT_DAYS, annual_discount_rate=0.0
    )
    alive = model.probability_alive(*past)
    days_if_alive = np.divide(purchases, now, out=np.zeros_like(purchases), where=now > 0)
    months: Real = alive * days_if_alive * _INSTANT_DAYS * MONTHS_A_YEAR / DAYS_A_YEAR
    return months
