"""What did a block cost that was lifted for a share of its customers, drawn by chance?

Whoever was in the share is compared with whoever was not, among all whom the offer could have
reached but for the block, contacted or not, so that chance alone parts them. Each customer counts
once a window that was read out. Who is held out of everything is left out: nothing reaches them in
either arm; so are windows of replayed history, of which no decision of ours is a cause.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import polars as pl

from patronage.access import datasets
from patronage.customize.learned import FEWEST, LearnedCost
from patronage.customize.models import Contact, Ruling
from patronage.customize.scoped import in_test
from patronage.learn.models import ReadOut
from patronage.science.arbitration import Reason
from patronage.science.evidence import UndeterminedError, difference_in_means


def cost_of_block(ruling: Ruling) -> LearnedCost:
    """Compare the two arms over every window that was read out."""
    read = ReadOut.objects.filter(
        state="read", replayed=False, run__created_at__gte=ruling.valid_from
    )
    return _cost(ruling.id, tuple(read.order_by("read_at", "id").values_list("id", flat=True)))


@lru_cache(maxsize=256)
def _cost(ruling_id: str, read_out_ids: tuple[str, ...]) -> LearnedCost:
    """What was read out never changes, so it is added up once."""
    ruling = Ruling.objects.select_related("offer").get(id=ruling_id)
    found = ReadOut.objects.select_related("run").filter(id__in=read_out_ids)
    windows = [_window(ruling, each) for each in found.order_by("read_at", "id")]
    everybody = pl.concat([_NOBODY, *windows])
    ids = everybody["customer_id"].to_list()
    arm = in_test(ruling, ids) if ids else np.zeros(0, dtype=np.bool_)
    brought = everybody["brought_minor"].to_numpy()
    return compared(brought[arm], brought[~arm])


def compared(lifted: Any, blocked: Any) -> LearnedCost:
    """What a customer brings more where the block is lifted; unknown while too few are."""
    counts = {"lifted": len(lifted), "blocked": len(blocked)}
    nothing = LearnedCost(each_minor=None, each_low_minor=None, each_high_minor=None, **counts)
    if len(lifted) < FEWEST or len(blocked) < FEWEST:
        return nothing
    try:
        interval = difference_in_means(lifted, blocked).interval
    except UndeterminedError:
        return nothing
    return LearnedCost(
        each_minor=interval.estimate,
        each_low_minor=interval.low,
        each_high_minor=interval.high,
        **counts,
    )


_NOBODY = pl.DataFrame(schema={"customer_id": pl.String, "brought_minor": pl.Float64})


def _window(ruling: Ruling, read: ReadOut) -> pl.DataFrame:
    """Margin after the contact's cost of everybody whom the block decided about in one run."""
    candidates = datasets.read("decision_candidates", read.run.manifest)
    about = candidates.filter(
        candidates.decision_run_id == read.run_id,
        candidates.ruling_id == ruling.id,
        candidates.reason >= int(Reason.BLOCKED),
    )
    outcomes = datasets.read("outcomes", read.manifest)
    mine = outcomes.filter(outcomes.outcome_run_id == read.id, outcomes.arm != "held out")
    joined = about.select("customer_id").distinct().join(mine, "customer_id")
    told = datasets.warehouse().polars(joined.select("customer_id", "margin_minor", "redeemed"))
    sent = Contact.objects.filter(decision__run=read.run, ruling=ruling, state="sent")
    costs = pl.DataFrame(
        list(sent.values_list("customer_id", "treatment__cost_minor")),
        schema={"customer_id": pl.String, "cost_minor": pl.Int64},
        orient="row",
    )
    redemption = pl.when(pl.col("redeemed").fill_null(value=False)).then(
        ruling.offer.redemption_cost_minor
    )
    cost = (
        pl.when(pl.col("cost_minor").is_not_null())
        .then(pl.col("cost_minor") + redemption.otherwise(0))
        .otherwise(0)
    )
    return told.join(costs, on="customer_id", how="left").select(
        "customer_id",
        brought_minor=(pl.col("margin_minor").fill_null(0) - cost).cast(pl.Float64),
    )
