"""Which parameters describe this base best, and may they be used?"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

import polars as pl

from patronage.science.lifetime import Cells, Estimation, GammaGamma, LifetimeError
from patronage.science.lifetime.purchase_model import PURCHASE_MODELS

PURCHASE = "purchase"
SPEND = "spend"
CHALLENGER = "challenger"
#: Name of the model of each kind that is used until a backtest chooses another.
NAMES = {PURCHASE: "Pareto/NBD", SPEND: "Gamma-Gamma", CHALLENGER: "Boosted trees"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """The outcome of one search for parameters; JSON-safe."""

    #: "purchase" or "spend"
    kind: str
    #: published name of the model
    name: str
    #: by name; None where no search was possible
    parameters: dict[str, float] | None
    #: asymptotic, by name of the parameter; None where there is none
    standard_errors: dict[str, float | None]
    #: summed over customers; None where no search was possible
    log_likelihood: float | None
    #: customers in the likelihood
    customers: int
    #: why the parameters must not be used; empty where they may
    fault: str

    @property
    def usable(self) -> bool:
        """Whether a valuation may rest on these parameters."""
        return not self.fault


def fit_purchases(frame: pl.DataFrame, name: str = NAMES[PURCHASE]) -> Fit:
    """Fit a purchase model to `frequency`, `recency_days`, `age_days`, one row a customer."""
    try:
        model = PURCHASE_MODELS[name].fit(
            Cells.from_customers(
                frequency=frame["frequency"].to_numpy(),
                recency=frame["recency_days"].to_numpy(),
                age=frame["age_days"].to_numpy(),
            )
        )
    except LifetimeError as error:
        return _impossible(PURCHASE, name, error)
    return _outcome(PURCHASE, name, asdict(model.parameters), model.estimation)


def fit_spend(frame: pl.DataFrame, minor_per_major: int) -> Fit:
    """Fit Gamma-Gamma to the net spend per repeat shopping day, in major units.

    Customers whose returns left nothing are out of the fit: their spend is no purchase's.
    """
    spent = frame.filter(pl.col("frequency") > 0, pl.col("later_minor") >= pl.col("frequency"))
    try:
        model = GammaGamma.fit(
            frequency=spent["frequency"].to_numpy(),
            average_spend=spent["average_spend_minor"].to_numpy() / minor_per_major,
        )
    except LifetimeError as error:
        return _impossible(SPEND, NAMES[SPEND], error)
    fault = ""
    if not math.isfinite(model.population_mean):
        fault = "The average spend of a new customer would be infinite (q is not above 1)."
    return _outcome(SPEND, NAMES[SPEND], asdict(model.parameters), model.estimation, fault)


def _outcome(
    kind: str,
    name: str,
    parameters: dict[str, float],
    estimation: Estimation | None,
    fault: str = "",
) -> Fit:
    if estimation is None:
        raise ValueError(f"a fitted {kind} model must carry the record of its estimation")
    return Fit(
        kind=kind,
        name=name,
        parameters=parameters,
        standard_errors={
            name: error if math.isfinite(error) else None
            for name, error in estimation.standard_errors.items()
        },
        log_likelihood=estimation.log_likelihood,
        customers=round(estimation.customers),
        fault=fault or ("" if estimation.converged else estimation.message),
    )


def _impossible(kind: str, name: str, error: LifetimeError) -> Fit:
    return Fit(
        kind=kind,
        name=name,
        parameters=None,
        standard_errors={},
        log_likelihood=None,
        customers=0,
        fault=str(error),
    )
