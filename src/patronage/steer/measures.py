"""What did each portfolio return, what would chance alone have done, what can be paid for?

Every figure is a sum over pieces, so that it is of the time in which the portfolio held each
customer.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import polars as pl

from patronage.customize.models import Contact
from patronage.differentiate import reads as valuations
from patronage.differentiate.replay import realised
from patronage.differentiate.valuation.luck import VARIANCES
from patronage.science.equity import PAID_LINES, UNATTRIBUTABLE, paid_for
from patronage.steer.bridging import Bridged
from patronage.steer.inputs import Runs

_ACTIVITY: Final = ("realised_margin", "contact_cost", "acquisition_cost")
_FIRST: Final = pl.int_range(pl.len()).over("customer_id") == 0
_LAST: Final = pl.int_range(pl.len()).over("customer_id") == pl.len().over("customer_id") - 1


def measures(
    bridged: Bridged, runs: Runs, earned: pl.DataFrame, portfolio_ids: list[str]
) -> pl.DataFrame:
    """The figures of `models.PortfolioMeasure`, one row a portfolio.

    Args:
        earned: `customer_id` and `realised_margin_minor` of the whole quarter.
    """
    sent = _sent(runs)
    pieces = _with_activity(bridged.window, runs, earned, sent)
    found = pl.DataFrame({"portfolio_id": portfolio_ids}, schema={"portfolio_id": pl.String})
    for part in (
        _of_pieces(pieces, runs),
        _paid_for(pieces, bridged.for_pay),
        _of_lifetimes(bridged, runs),
        to_the_unvalued(pieces, sent),
    ):
        found = found.join(part, on="portfolio_id", how="left")
    contacts = pl.col("contact_cost_minor", "unvalued_minor").fill_null(0)
    found = found.with_columns(contact_cost_minor=pl.sum_horizontal(contacts)).drop(
        "unvalued_minor"
    )
    unknown = ["acquisition_cost_minor"] if _cost_unknown(pieces) else []
    if runs.opening is None:
        unknown.append("paid_for_minor")
    if bridged.lifetime is None:
        unknown += [name for name in found.columns if name.startswith("lifetime_")]
    known = [name for name in found.columns if name not in (*unknown, "portfolio_id")]
    return found.with_columns(
        pl.col(known).fill_null(0), *(pl.lit(None).alias(name) for name in unknown)
    )


def _of_pieces(pieces: pl.DataFrame, runs: Runs) -> pl.DataFrame:
    return pieces.group_by("portfolio_id").agg(
        *(pl.col(name).sum() for name in VARIANCES),
        *(pl.col(name).sum().alias(f"{name}_minor") for name in _ACTIVITY),
        weighted_hand_overs_minor=_weighted(runs),
    )


def _paid_for(pieces: pl.DataFrame, counted: pl.DataFrame) -> pl.DataFrame:
    """What can be paid for: what is shared counts for who handed the customer over."""
    earned = pieces.group_by(portfolio_id=pl.coalesce("handed_from", "portfolio_id")).agg(
        earned=pl.col("realised_margin").sum()
    )
    moved = counted.group_by("portfolio_id").agg(pl.col(PAID_LINES).sum())
    both = earned.join(moved, on="portfolio_id", how="full", coalesce=True).fill_null(0)
    lines = {name: pl.col(name) for name in PAID_LINES}
    return both.select("portfolio_id", paid_for_minor=paid_for(lines, pl.col("earned")))


def _of_lifetimes(bridged: Bridged, runs: Runs) -> pl.DataFrame:
    lines = bridged.window.clear() if bridged.lifetime is None else bridged.lifetime
    return lines.group_by("portfolio_id").agg(
        lifetime_opening_minor=pl.col("opening").sum(),
        lifetime_closing_minor=pl.col("closing").sum(),
        lifetime_hand_overs_minor=pl.col("hand_overs").sum(),
        lifetime_weighted_hand_overs_minor=_weighted(runs),
        lifetime_unattributable_minor=pl.sum_horizontal(
            pl.col(name).sum() for name in UNATTRIBUTABLE
        ),
        lifetime_time_minor=pl.col("unwinding").sum() + pl.col("roll_forward").sum(),
    )


def _weighted(runs: Runs) -> pl.Expr:
    """What came in and went, each by the share of the quarter that was left after it.

    A piece's value moves at its start and at its end; hand-overs within a portfolio cancel.
    """
    first = runs.closing.as_of if runs.opening is None else runs.opening.as_of
    length = max((runs.closing.as_of - first).days, 1)
    until = pl.lit(runs.closing.as_of)
    received = pl.when(pl.col("begins_as") == "handed").then("received").otherwise(0)
    given = pl.when(pl.col("ends_as") == "handed").then("given").otherwise(0)
    left_at_start = (until - pl.col("start_day")).dt.total_days()
    left_at_end = (until - pl.col("end_day")).dt.total_days()
    weighted = (received * left_at_start - given * left_at_end).sum() / length
    return weighted.round().cast(pl.Int64)


def _with_activity(
    pieces: pl.DataFrame, runs: Runs, earned: pl.DataFrame, sent: pl.DataFrame
) -> pl.DataFrame:
    """Add what each piece's customer left and cost while it lasted."""
    numbered = pieces.with_columns(
        key=pl.format("{}#{}", "customer_id", pl.int_range(pl.len()).over("customer_id")),
        is_first=_FIRST,
        is_last=_LAST,
    )
    priced = _acquired(_earned(numbered, runs, earned), runs)
    by_piece = during(priced, sent).group_by("key").agg(contact_cost=pl.col("cost").sum())
    return priced.join(by_piece, on="key", how="left", maintain_order="left").with_columns(
        pl.col("contact_cost").fill_null(0)
    )


def _earned(pieces: pl.DataFrame, runs: Runs, earned: pl.DataFrame) -> pl.DataFrame:
    """Realised margin: counted for each piece but the last, which has the rest of the quarter's."""
    eve = pl.lit(runs.period_start - timedelta(days=1))
    comes_in = pl.col("is_first") & pl.col("begins_as").is_in(["new", "panel"])
    windows = pieces.filter(~pl.col("is_last")).select(
        "key",
        "customer_id",
        after=pl.when(comes_in)
        .then(pl.max_horizontal(eve, pl.col("start_day") - pl.duration(days=1)))
        .otherwise("start_day"),
        until="end_day",
    )
    windows = windows.filter(pl.col("until") > pl.col("after"))
    counted = realised(runs.closing, windows) if len(windows) else None
    parts = (
        pieces.with_columns(part=pl.lit(0, pl.Int64))
        if counted is None
        else pieces.join(
            counted.select("key", part="realised_margin_minor"), on="key", how="left"
        ).with_columns(pl.col("part").fill_null(0))
    )
    whole = earned.select("customer_id", whole="realised_margin_minor")
    rest = pl.col("whole").fill_null(0) - pl.col("part").sum().over("customer_id")
    return (
        parts.join(whole, on="customer_id", how="left", maintain_order="left")
        .with_columns(realised_margin=pl.when("is_last").then(rest).otherwise("part"))
        .drop("part", "whole")
    )


def _acquired(pieces: pl.DataFrame, runs: Runs) -> pl.DataFrame:
    """What winning the quarter's new customers cost; NULL where the company does not say."""
    valued = valuations.valuations(runs.closing).select(
        "customer_id", acquisition_cost="quarter_acquisition_cost_minor"
    )
    return pieces.join(valued, on="customer_id", how="left", maintain_order="left").with_columns(
        acquisition_cost=pl.when(pl.col("begins_as") == "new").then("acquisition_cost").otherwise(0)
    )


def _cost_unknown(pieces: pl.DataFrame) -> bool:
    return bool(pieces["acquisition_cost"].is_null().any())


def _sent(runs: Runs) -> pl.DataFrame:
    """The quarter's contacts: `contact_id`, `customer_id`, `portfolio_id`, `day`, `cost`.

    The portfolio is that for which the contact was decided.
    """
    calendar = runs.calendar
    start = calendar.end_of_day(runs.period_start - timedelta(days=1))
    rows = Contact.objects.filter(
        state="sent", state_at__gte=start, state_at__lt=calendar.end_of_day(runs.closing.as_of)
    ).values_list(
        "id", "customer_id", "decision__portfolio_id", "state_at", "treatment__cost_minor"
    )
    schema: dict[str, pl.DataType | type[pl.DataType]] = {
        "contact_id": pl.String,
        "customer_id": pl.String,
        "portfolio_id": pl.String,
        "at": pl.Datetime("us", "UTC"),
        "cost": pl.Int64,
    }
    return pl.DataFrame(list(rows), schema=schema, orient="row").with_columns(
        day=pl.col("at").dt.convert_time_zone(calendar.time_zone).dt.date()
    )


def during(pieces: pl.DataFrame, sent: pl.DataFrame) -> pl.DataFrame:
    """`contact_id`, `key` and `cost` of the contacts sent while a piece lasted."""
    known = pieces.select("key", "customer_id", "start_day", "end_day", "is_first", "is_last")
    during = sent.join(known, on="customer_id").filter(
        ((pl.col("day") > pl.col("start_day")) | pl.col("is_first"))
        & ((pl.col("day") <= pl.col("end_day")) | pl.col("is_last"))
    )
    return during.select("contact_id", "key", "cost")


def to_the_unvalued(pieces: pl.DataFrame, sent: pl.DataFrame) -> pl.DataFrame:
    """What contacts cost that fall into no piece: to who never bought, or is not valued."""
    booked = during(pieces, sent)
    others = sent.join(booked, on="contact_id", how="anti")
    return others.group_by("portfolio_id").agg(unvalued_minor=pl.col("cost").sum())
