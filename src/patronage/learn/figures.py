"""The read-out's figures: held out against treated, and choices against redemptions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any, Final

import numpy as np
import polars as pl

from patronage.science.evidence import (
    Difference,
    Interval,
    UndeterminedError,
    compare_hit_rates,
    difference_in_means,
    difference_in_proportions,
    hit_rate,
    return_on_spend,
    sample_ratio_test,
)

REPLAYED: Final = "replayed history: the retailer never made these offers, so this is not an effect"
CAUSAL: Final = (
    "customers were held out at random, so that the difference is the effect of deciding to treat"
)
UNSOUND: Final = (
    "the arms' sizes do not fit the holdout's share: find out why before reading any effect"
)


def verdict(compared: dict[str, Any], *, replayed: bool) -> str:
    """Say in one sentence what the comparison may be taken for."""
    if replayed:
        return REPLAYED
    return UNSOUND if compared["sample_ratio"].get("sound") is False else CAUSAL


def comparison(
    outcomes: pl.DataFrame, holdout_share: float, *, replayed: bool = False
) -> dict[str, Any]:
    """Compare customers for whom something was chosen: offered it, or withheld by the holdout.

    Both arms went through the same choice before the holdout parted them. Every customer counts
    in the arm assigned, contacted or not. `everybody` compares all customers decided by arm,
    whether anything was chosen or not.

    Args:
        outcomes: as `learn.outcomes.outcomes` gives them.
        holdout_share: share of customers meant to be held out.
        replayed: whether the decisions caused nothing of this, so that there is no return either.
    """
    treated = outcomes.filter(pl.col("outcome") == "offered")
    control = outcomes.filter(pl.col("outcome") == "withheld")
    margins = attempt(lambda: _means(treated, control, "margin_minor"))
    return {
        "arms": {
            "treated": _arm(treated),
            "held_out": _arm(control),
            "nothing": _arm(outcomes.filter(pl.col("outcome") == "nothing")),
        },
        "sample_ratio": attempt(lambda: _ratio(outcomes, holdout_share)),
        "margin_minor": margins,
        "revenue_minor": attempt(lambda: _means(treated, control, "revenue_minor")),
        "bought": attempt(lambda: _proportions(treated, control, pl.col("purchases") > 0)),
        "redeemed": attempt(lambda: _proportions(treated, control, pl.col("redeemed"))),
        "everybody": {
            "margin_minor": attempt(lambda: _by_arm(outcomes, "margin_minor")),
            "revenue_minor": attempt(lambda: _by_arm(outcomes, "revenue_minor")),
        },
        "return_on_spend": attempt(lambda: _return(treated, control, replayed=replayed)),
    }


def hits(
    outcomes: pl.DataFrame,
    redeemed: pl.DataFrame,
    offers: pl.DataFrame,
    popularity: pl.DataFrame,
) -> dict[str, Any]:
    """How often did customers who redeemed anything redeem what was chosen for them?

    Beside it stands the most redeemed offer before the instant, for everyone: both are judged on
    the same customers. An offer counts as redeemed when a coupon on its category was.

    Args:
        outcomes: as `learn.outcomes.outcomes` gives them.
        redeemed: (customer_id, category) redeemed in the window.
        offers: (offer_id, category) that could be chosen, by offer id.
        popularity: (category, redemptions) before the instant.
    """
    redeemers = outcomes.join(redeemed.select("customer_id").unique(), on="customer_id", how="semi")
    ranked = offers.with_row_index("number").join(popularity, on="category", how="inner")
    if ranked.is_empty():
        return {"undetermined": "no offer's category was redeemed before the decisions"}
    favourite = ranked.sort(["redemptions", "number"], descending=[True, False]).row(0, named=True)
    numbers = offers.with_row_index("number").select("offer_id", "number")
    places = redeemers.select("customer_id", "offer_id").join(
        numbers, on="offer_id", how="left", maintain_order="left"
    )
    chosen = places["number"].cast(pl.Int64).fill_null(-1).to_numpy()
    baseline = np.where(chosen >= 0, int(favourite["number"]), -1)
    taken = _taken(places["customer_id"], offers["category"], redeemed)
    return {
        "customers_who_redeemed": redeemers.height,
        "baseline_offer_id": favourite["offer_id"],
        "baseline_category": favourite["category"],
        "chosen": attempt(lambda: asdict(hit_rate(chosen, taken))),
        "baseline": attempt(lambda: asdict(hit_rate(baseline, taken))),
        "paired": attempt(lambda: asdict(compare_hit_rates(chosen, baseline, taken))),
    }


def attempt(figure: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Give a figure, or why it cannot be known: never a zero in its place."""
    try:
        return figure()
    except UndeterminedError as error:
        return {"undetermined": str(error)}


def _arm(customers: pl.DataFrame) -> dict[str, int]:
    return {
        "customers": customers.height,
        "sent": int(customers["sent"].sum()),
        "bought": int((customers["purchases"] > 0).sum()),
        "redeemed": int(customers["redeemed"].fill_null(value=False).sum()),
        "revenue_minor": int(customers["revenue_minor"].sum()),
        "margin_minor": int(customers["margin_minor"].sum()),
        "cost_minor": int(customers["cost_minor"].sum()),
    }


def _means(treated: pl.DataFrame, control: pl.DataFrame, name: str) -> dict[str, Any]:
    return _difference(difference_in_means(treated[name].to_numpy(), control[name].to_numpy()))


def _by_arm(outcomes: pl.DataFrame, name: str) -> dict[str, Any]:
    held_out = pl.col("held_out")
    return _means(outcomes.filter(~held_out), outcomes.filter(held_out), name)


def _proportions(treated: pl.DataFrame, control: pl.DataFrame, success: pl.Expr) -> dict[str, Any]:
    successes = [int(arm.filter(success).height) for arm in (treated, control)]
    return _difference(
        difference_in_proportions(
            treated_successes=successes[0],
            n_treated=treated.height,
            control_successes=successes[1],
            n_control=control.height,
        )
    )


def _ratio(outcomes: pl.DataFrame, holdout_share: float) -> dict[str, Any]:
    if not 0.0 < holdout_share < 1.0:
        raise UndeterminedError(
            f"{holdout_share:.0%} of customers are held out, so that there are no two arms"
        )
    held_out = int(outcomes["held_out"].sum())
    counts = [outcomes.height - held_out, held_out]
    return asdict(sample_ratio_test(counts, [1.0 - holdout_share, holdout_share]))


def _return(treated: pl.DataFrame, control: pl.DataFrame, *, replayed: bool) -> dict[str, Any]:
    """What each unit spent on contacts and redemptions earned back, on top of itself."""
    if replayed:
        raise UndeterminedError("the offers were never made, so that nothing was earned with them")
    cost = int(treated["cost_minor"].sum())
    if cost == 0:
        raise UndeterminedError("nothing was spent, and a return on nothing is undefined")
    margin = difference_in_means(
        treated["margin_minor"].to_numpy(), control["margin_minor"].to_numpy()
    )
    return {"cost_minor": cost, **_interval(return_on_spend(margin.total(), float(cost)))}


def _difference(found: Difference) -> dict[str, Any]:
    return {
        **_interval(found.interval),
        "standard_error": found.standard_error,
        "treated": found.treated,
        "held_out": found.control,
        "customers_treated": found.n_treated,
        "customers_held_out": found.n_control,
    }


def _interval(interval: Interval) -> dict[str, float]:
    return asdict(interval)


def _taken(
    customers: pl.Series, categories: pl.Series, redeemed: pl.DataFrame
) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    """``(customers, offers)``: whether the customer redeemed on the offer's category."""
    rows = pl.DataFrame({"customer_id": customers}).with_row_index("row")
    columns = pl.DataFrame({"category": categories}).with_row_index("column")
    pairs = redeemed.join(rows, on="customer_id").join(columns, on="category")
    taken = np.zeros((customers.len(), categories.len()), dtype=np.bool_)
    taken[pairs["row"].to_numpy(), pairs["column"].to_numpy()] = True
    return taken
