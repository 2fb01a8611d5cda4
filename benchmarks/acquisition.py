"""Does a score of first days find the valuable newcomers? CDNOW, out of time.

Run `PATRONAGE_TEST_DATA=FOLDER python -m benchmarks.acquisition`, where FOLDER holds cdnow/.

Every CDNOW customer of the file bought for the first time in the first twelve weeks of 1997. The
score is fitted to those of January: what the first 30 days show, against the spend of the 28 days
after them, all over by the end of March. It is tested on those of March, scored at their thirtieth
day: no outcome that it was fitted to lies after the first prediction. What counts is what they
spend in the next 28 days, and in the next year, which the score never saw.
"""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import polars as pl
from benchmarks.cdnow import folder, lines
from numpy.typing import NDArray

from patronage.science.evidence import difference_in_means
from patronage.science.lifetime.early_value import EarlyValue

_WINDOW, _OUTCOME, _YEAR = 30, 28, 365
_FEATURES = ("first", "window", "days", "silent")


def purchases(file: Path) -> pl.DataFrame:
    """`customer`, `day` (since their first), `joined` (day of 1997), `spend`, a row a purchase."""
    rows = list(lines(file))
    frame = pl.DataFrame(rows, schema=["customer", "on", "spend"], orient="row")
    first = pl.col("on").min().over("customer")
    return frame.with_columns(
        day=(pl.col("on") - first).dt.total_days(),
        joined=(first - pl.date(1997, 1, 1)).dt.total_days(),
    )


def described(frame: pl.DataFrame) -> pl.DataFrame:
    """One row a customer: what the first days show, what they spend after them."""
    spend, day = pl.col("spend"), pl.col("day")
    inside = day < _WINDOW
    return frame.group_by("customer").agg(
        joined=pl.col("joined").first(),
        first=spend.filter(day == 0).sum().log1p(),
        window=spend.filter(inside).sum().log1p(),
        days=day.filter(inside).n_unique().log1p(),
        silent=(_WINDOW - 1 - day.filter(inside).max()) / _WINDOW,
        soon=spend.filter(day.is_between(_WINDOW, _WINDOW + _OUTCOME - 1)).sum(),
        year=spend.filter(day.is_between(_WINDOW, _WINDOW + _YEAR - 1)).sum(),
    )


def tell(name: str, brought: NDArray[np.float64], score: NDArray[np.float64]) -> None:
    """Print the best tenth by a score against a customer picked at random."""
    order = np.argsort(-score, kind="stable")
    best = round(len(brought) / 10)
    top, rest = brought[order[:best]], brought[order[best:]]
    gain = difference_in_means(top, rest).interval.times(len(rest) / len(brought))
    print(
        f"{name:<38} {top.mean():>9.2f} {brought.mean():>9.2f} {top.mean() / brought.mean():>7.2f}"
        f" {gain.estimate:>9.2f} {gain.low:>9.2f} to {gain.high:.2f}"
    )


def main() -> None:
    """Fit on January, test on March, print."""
    customers = described(purchases(folder() / "CDNOW_master.txt")).sort("customer")
    january = customers.filter(pl.col("joined") < 31)
    march = customers.filter(pl.col("joined") >= 31 + 28)
    began = time.process_time()
    model = EarlyValue.fit(january.select(_FEATURES).to_numpy(), january["soon"].to_numpy())
    score = model.predict(march.select(_FEATURES).to_numpy())
    seconds = time.process_time() - began
    print(f"fitted on {len(january):,} customers, tested on {len(march):,}; {seconds:.2f} CPU-s")
    print(f"level: predicted {score.sum():,.0f}, spent {march['soon'].sum():,.0f} in 28 days")
    print(f"{'dollars a customer':<38} {'best 10%':>9} {'random':>9} {'times':>7} {'gain':>9}")
    for span, brought in (("28 days", march["soon"]), ("a year", march["year"])):
        tell(f"score, next {span}", brought.to_numpy(), score)
        tell(f"first order alone, next {span}", brought.to_numpy(), march["first"].to_numpy())
        tell(f"spend so far alone, next {span}", brought.to_numpy(), march["window"].to_numpy())


if __name__ == "__main__":
    main()
