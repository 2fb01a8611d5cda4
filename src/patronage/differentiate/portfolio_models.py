"""Which portfolios are valued under a model that their own customers chose, and who is in them?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

import polars as pl

from patronage.differentiate import registry
from patronage.differentiate.models import BacktestChoice, BacktestRun, ModelVersion
from patronage.differentiate.valuation.fitting import Fit


def names(backtest: BacktestRun | None) -> list[str]:
    """The models that portfolios chose beside that of everybody."""
    return [] if backtest is None else sorted(backtest.alternates)


def versions(
    backtest: BacktestRun | None,
    fits: Sequence[Fit],
    fitted: Sequence[ModelVersion | None],
    as_of: date,
) -> dict[str, ModelVersion]:
    """The version of each portfolio that chose its own; of a failed fit the last good one.

    Without one, the portfolio goes with everybody.

    Args:
        fits, fitted: of the models of `names`, and their versions.
    """
    if backtest is None or not fits:
        return {}
    usable: dict[str, ModelVersion] = {}
    for fit, version in zip(fits, fitted, strict=True):
        good = version if version is not None and fit.usable else None
        chosen = good or registry.last_good(fit.kind, as_of, fit.name)
        if chosen is not None:
            usable[fit.name] = chosen
    choices = BacktestChoice.objects.filter(run=backtest, chosen__in=usable)
    return {each.portfolio_id: usable[each.chosen] for each in choices.order_by("portfolio_id")}


def named(
    customers: pl.DataFrame,
    there: pl.DataFrame,
    own: Mapping[str, ModelVersion],
    *,
    usual: str,
) -> pl.DataFrame:
    """Add the `model_version` of each customer: that of the portfolio they are in.

    Args:
        there: `customer_id` and `portfolio_id` on the date.
        own: versions by portfolio.
        usual: id of the version of everybody else.
    """
    ids = {portfolio: version.id for portfolio, version in own.items()}
    theirs = pl.col("portfolio_id").replace_strict(ids, default=None, return_dtype=pl.String)
    placed = there.select("customer_id", model_version=theirs)
    joined = customers.join(placed, on="customer_id", how="left", maintain_order="left")
    return joined.with_columns(pl.col("model_version").fill_null(usual))
