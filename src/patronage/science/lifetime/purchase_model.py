"""What every model of buying and dropping out can be asked, and which models there are."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final, Protocol, Self

import numpy as np
from numpy.typing import ArrayLike

from patronage.science.lifetime.bg_nbd import BGNBD
from patronage.science.lifetime.cells import Cells
from patronage.science.lifetime.cnbd_k import CNBDk
from patronage.science.lifetime.estimation import Estimation
from patronage.science.lifetime.ggompertz_nbd import GGompertzNBD
from patronage.science.lifetime.histories import FloatArray
from patronage.science.lifetime.mbg_nbd import MBGNBD
from patronage.science.lifetime.pareto_nbd import ParetoNBD
from patronage.science.lifetime.purchase_moments import PurchaseMoments
from patronage.science.lifetime.simulated_histories import SimulatedHistories


class PurchaseModel(Protocol):
    """A model of purchases and dropout without a contract; parameters known, immutable.

    Histories are `x`, `t_x`, `T` as in `Cells`: scalars or arrays of shape (customers,), in days,
    missing values refused (`InconsistentHistory`); answers have shape (customers,). A window is
    (T + start_days, T + horizon_days] with 0 <= start_days <= horizon_days (`InvalidWindow`).
    """

    @property
    def parameters(self) -> Any:
        """A frozen dataclass of floats, in days; `from_parameters(**asdict(...))` rebuilds."""

    @property
    def estimation(self) -> Estimation | None:
        """How they were estimated; None for a model rebuilt from stored parameters."""

    @classmethod
    def from_parameters(cls, *args: Any, **parameters: Any) -> Self:
        """The model with these parameters by name. Raises `InvalidParameter` outside the domain."""

    @classmethod
    def fit(cls, cells: Cells, *, start: Any = None) -> Self:
        """Maximum likelihood; use it only where `converged`. Raises `NotIdentified`."""

    @property
    def converged(self) -> bool:
        """Whether the search ended in a proper maximum. Raises `NotEstimated` if rebuilt."""

    def log_likelihood_of(self, cells: Cells) -> float:
        """Log-likelihood of these histories at the parameters, for scores out of sample.

        Summed over customers, times in days, the density of the purchase times up to T; comparable
        between models.
        """

    def probability_alive(self, x: ArrayLike, t_x: ArrayLike, T: ArrayLike) -> FloatArray:
        """Probability that the customer has not dropped out by T (not a churn probability)."""

    def probability_of_purchase(
        self, x: ArrayLike, t_x: ArrayLike, T: ArrayLike, *, horizon_days: float
    ) -> FloatArray:
        """Probability of at least one purchase in (T, T + horizon_days]; 0 for horizon 0."""

    def expected_purchases(
        self,
        x: ArrayLike,
        t_x: ArrayLike,
        T: ArrayLike,
        *,
        horizon_days: float,
        start_days: float = 0.0,
    ) -> FloatArray:
        """Expected purchases in the window."""

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
        """Expected purchases in the window, each discounted back to T."""

    def expected_purchases_new_customer(self, *, horizon_days: float) -> float:
        """Expected repeat purchases of a new customer within the days after the first purchase."""

    def purchase_moments(
        self,
        x: ArrayLike,
        t_x: ArrayLike,
        T: ArrayLike,
        *,
        horizon_days: float,
        annual_discount_rate: float = 0.0,
    ) -> PurchaseMoments:
        """Mean and variance of the discounted number of purchases in (T, T + horizon_days]."""

    def simulate(
        self,
        x: ArrayLike,
        t_x: ArrayLike,
        T: ArrayLike,
        *,
        days: float,
        rng: np.random.Generator,
    ) -> SimulatedHistories:
        """One draw a customer of rate and dropout given the history, then the next `days` days."""


#: model by its published name, in the order in which they are tried
PURCHASE_MODELS: Final[Mapping[str, type[PurchaseModel]]] = MappingProxyType(
    {
        "Pareto/NBD": ParetoNBD,
        "BG/NBD": BGNBD,
        "MBG/NBD": MBGNBD,
        "CNBD-k": CNBDk,
        "GGompertz/NBD": GGompertzNBD,
    }
)
