"""Do the lifetime models give the figures that their authors published, digit by digit?

Prints every published figure beside ours, and ends with 1 if one differs.

    PATRONAGE_TEST_DATA=FOLDER python -m benchmarks.published

Of GGompertz/NBD, b, s and β are left out: the published ones are a point on a ridge of the
likelihood that still rises beyond them, by less than the digits show (see its unit test).

FOLDER/cdnow holds `CDNOW_sample.txt` and `donations.csv` as published on brucehardie.com/datasets.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import astuple, dataclass
from pathlib import Path

import numpy as np
from benchmarks.cdnow import Buyers, buyers, folder
from numpy.typing import NDArray

from patronage.science.lifetime import (
    BGNBD,
    BetaGeometricBetaBinomial,
    Cells,
    GammaGamma,
    GGompertzNBD,
    ParetoNBD,
    ShiftedBetaGeometric,
    Tenures,
)

FloatArray = NDArray[np.float64]

HOLDOUT_DAYS = 39 * 7
#: a week, the time unit of the published parameters
WEEK = 7.0
REGULAR = (1000, 631, 468, 382, 326, 289, 262, 241)
HIGH_END = (1000, 869, 743, 653, 593, 551, 517, 491)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the table: figures as printed in the paper and as computed here."""

    what: str
    published: tuple[str, ...]
    ours: tuple[float, ...]

    @property
    def printed(self) -> tuple[str, ...]:
        """Ours with as many digits as the published figures have."""
        digits = [len(text.partition(".")[2]) for text in self.published]
        return tuple(f"{value:.{n}f}" for value, n in zip(self.ours, digits, strict=True))

    @property
    def agrees(self) -> bool:
        """Whether every figure rounds to the published one."""
        return self.printed == self.published


def main() -> int:
    if not os.environ.get("PATRONAGE_TEST_DATA"):
        print("PATRONAGE_TEST_DATA names no folder; see above.\n" + str(__doc__), file=sys.stderr)
        return 2
    rows = [*of_cdnow(buyers(folder() / "CDNOW_sample.txt")), *contracts()]
    rows += donors(folder() / "donations.csv")
    print(f"{'':34}{'published':>42}{'ours':>42}")
    for row in rows:
        mark = "" if row.agrees else "  DIFFERS"
        print(f"{row.what:34}{', '.join(row.published):>42}{', '.join(row.printed):>42}{mark}")
    return 0 if all(row.agrees for row in rows) else 1


def of_cdnow(known: Buyers) -> Iterator[Row]:
    history = (known.frequency, known.recency, known.age)
    cells = Cells.from_customers(frequency=known.frequency, recency=known.recency, age=known.age)
    pareto, geometric, gompertz = (model.fit(cells) for model in (ParetoNBD, BGNBD, GGompertzNBD))
    for name, model, figures, likelihood in (
        ("BG/NBD r, α, a, b", geometric, ("0.243", "4.414", "0.793", "2.426"), "-9582.4"),
        ("Pareto/NBD r, α, s, β", pareto, ("0.553", "10.578", "0.606", "11.669"), "-9595.0"),
        ("GGompertz/NBD r, α", gompertz, ("0.553", "10.578"), "-9594.98"),
    ):
        yield Row(
            what=name,
            published=figures,
            ours=astuple(model.parameters_per(days=WEEK))[: len(figures)],
        )
        yield log_likelihood(likelihood, model.log_likelihood_per(days=WEEK))
    yield Row(
        what="Pareto/NBD standard errors",
        published=("0.0476", "0.843", "0.187", "6.21"),
        ours=astuple(pareto.standard_errors_per(days=WEEK)),
    )
    for name, one, figure in (("Pareto/NBD", pareto, "0.630"), ("BG/NBD", geometric, "0.626")):
        guess = one.expected_purchases(*history, horizon_days=HOLDOUT_DAYS)
        found = float(np.corrcoef(guess, known.holdout)[0, 1])
        yield Row(what=f"{name} holdout correlation", published=(figure,), ours=(found,))
    spend = GammaGamma.fit(frequency=known.frequency, average_spend=known.average_spend)
    yield Row(
        what="Gamma-Gamma p, q, v",
        published=("6.25", "3.74", "15.44"),
        ours=astuple(spend.parameters),
    )
    yield log_likelihood("-4055.92", spend.log_likelihood)


def contracts() -> Iterator[Row]:
    for name, seen, figures, left in (
        ("regular", REGULAR, ("0.704", "1.182"), "170"),
        ("high end", HIGH_END, ("0.668", "3.806"), "378"),
    ):
        fit = ShiftedBetaGeometric.fit(Tenures.from_survivors(seen))
        yield Row(what=f"sBG {name} α, β", published=figures, ours=astuple(fit.parameters))
        survive = 1000.0 * float(fit.survival(12)[0])
        yield Row(what=f"sBG {name} of 1,000 in year 12", published=(left,), ours=(survive,))


def donors(path: Path) -> Iterator[Row]:
    x, t_x, n, weight = np.loadtxt(path, delimiter=",", skiprows=1).T
    fit = BetaGeometricBetaBinomial.fit(
        Cells.from_customers(frequency=x, recency=t_x, age=n, weights=weight)
    )
    yield Row(
        what="BG/BB α, β, γ, δ",
        published=("1.204", "0.750", "0.657", "2.783"),
        ours=astuple(fit.parameters),
    )
    yield log_likelihood("-33225.6", fit.log_likelihood)


def log_likelihood(published: str, ours: float) -> Row:
    return Row(what="  log-likelihood", published=(published,), ours=(ours,))


if __name__ == "__main__":
    sys.exit(main())
