"""How long does it take to assign a million customers by policy, and to hand one of them over?

    python -m benchmarks.governance [--customers 1000000]

Sets up the company of tests/stages/govern/world.py with invented values, once on SQLite in a
temporary folder and, where PATRONAGE_BENCH_POSTGRES_URL names a server, once on PostgreSQL in a
database of its own that is dropped afterwards. Prints wall seconds and processor seconds of our
process, without those of PostgreSQL's server. The first assignment moves everybody out of the
portfolio where customers enter; for the second a tenth of them have another need.

Published: at most 10 s for an assignment, at most 50 ms for a hand-over.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

import numpy as np
import polars as pl

sys.path.insert(0, str(Path(__file__).parents[1]))

if TYPE_CHECKING:
    from tests.stages.govern.world import World

    from patronage.differentiate.models import ValuationRun

SEED = 20260101
DATABASE = "patronage_benchmark_governance"
SET_UP = datetime(2026, 1, 15, 12, tzinfo=UTC)
LATER = datetime(2026, 4, 15, 12, tzinfo=UTC)
AS_OF, NEXT = date(2025, 12, 31), date(2026, 3, 31)
HAND_OVERS = 50
#: customers that one call creates
AT_ONCE = 250_000


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.inside:
        measure(asked.customers)
        return 0
    own = [sys.executable, "-m", "benchmarks.governance", "--inside"]
    command = [*own, "--customers", str(asked.customers)]
    in_a_home("SQLite", command, "")
    server = os.environ.get("PATRONAGE_BENCH_POSTGRES_URL")
    if server is None:
        print("PostgreSQL: skipped, PATRONAGE_BENCH_POSTGRES_URL names no server")
        return 0
    with database_of_its_own(server) as url:
        in_a_home("PostgreSQL", command, url)
    return 0


def in_a_home(store: str, command: list[str], url: str) -> None:
    """Measure in a process and a folder of their own."""
    print(f"{store}, load average before: {os.getloadavg()[0]:.1f}", flush=True)
    with tempfile.TemporaryDirectory(prefix="patronage-governance-") as home:
        environment = {**os.environ, "PATRONAGE_HOME": home, "PATRONAGE_DATABASE_URL": url}
        subprocess.run(command, env=environment, check=True)


@contextmanager
def database_of_its_own(server: str) -> Iterator[str]:
    """Create a database on the server for the length of a block; give its URL."""
    import psycopg

    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {DATABASE}")
        connection.execute(f"CREATE DATABASE {DATABASE}")
        try:
            yield urlunsplit(urlsplit(server)._replace(path=f"/{DATABASE}"))
        finally:
            connection.execute(f"DROP DATABASE {DATABASE} WITH (FORCE)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """The company with its customers, their figures and the first valuation."""

    world: World
    figures: pl.DataFrame
    run: ValuationRun


def measure(customers: int) -> None:
    """Assign twice and hand over in the store that the environment names."""
    from patronage.cli import start

    start.set_up()
    with start.ready_store():
        base = invent(customers)
        from tests.stages.govern.world import value

        from patronage.access.roles import SYSTEM
        from patronage.govern.jobs import assign

        def tried() -> str:
            done = assign(actor=SYSTEM, now=SET_UP, as_of=AS_OF, run=base.run, dry_run=True)
            return f"{done.moved:,} of {done.customers:,} would move"

        def first() -> str:
            done = assign(actor=SYSTEM, now=SET_UP, as_of=AS_OF, run=base.run)
            return f"{done.moved:,} of {done.customers:,} move"

        timed("a dry run", tried)
        timed("the first assignment", first, "bar 10 s")
        run = value(other_needs(base.figures), as_of=NEXT, now=LATER)

        def second() -> str:
            done = assign(actor=SYSTEM, now=LATER, as_of=NEXT, run=run)
            return f"{done.moved:,} of {done.customers:,} move"

        timed("the next quarter's", second, "bar 10 s")
        hand_overs(base)


def timed(what: str, work: Callable[[], str], bar: str = "") -> None:
    """Do it and print what it took."""
    wall, cpu = time.monotonic(), time.process_time()
    said = work()
    wall, cpu = time.monotonic() - wall, time.process_time() - cpu
    print(f"  {what:24}{wall:7.2f} s wall {cpu:7.2f} CPU-s  {bar:10}{said}", flush=True)


def hand_overs(base: Base) -> None:
    """Hand single customers over, one call each."""
    from patronage.govern.actions import hand_over

    executive, target = base.world.actor("eve"), base.world.portfolios["New"]
    chosen = base.figures.sample(HAND_OVERS, seed=SEED)["customer_id"]
    walls, cpu = [], time.process_time()
    for customer_id in chosen:
        began = time.monotonic()
        hand_over(
            actor=executive,
            now=LATER,
            customer_ids=[customer_id],
            to_portfolio_id=target,
            reason="benchmark",
        )
        walls.append(1000 * (time.monotonic() - began))
    cpu = 1000 * (time.process_time() - cpu) / HAND_OVERS
    print(
        f"  {'one hand-over':24}{statistics.median(walls):6.1f} ms wall (slowest "
        f"{max(walls):.1f}), {cpu:.1f} CPU-ms  bar 50 ms, of {HAND_OVERS}",
        flush=True,
    )


def invent(customers: int) -> Base:
    """Declare the company, create its customers and value them once."""
    from tests.stages.govern.world import add_customers, build, value

    world = build(SET_UP)
    ids: list[str] = []
    while len(ids) < customers:
        ids += add_customers(min(AT_ONCE, customers - len(ids)), SET_UP, first=len(ids))
    figures = valued(ids)
    return Base(world=world, figures=figures, run=value(figures, as_of=AS_OF, now=SET_UP))


def valued(ids: list[str]) -> pl.DataFrame:
    """Draw values, cut tiers as the company declares them, and give a third a need."""
    draw = np.random.default_rng(SEED)
    values = np.sort(draw.lognormal(9, 1.2, len(ids)).astype(np.int64))[::-1]
    place = np.arange(len(ids)) / len(ids)
    return pl.DataFrame(
        {
            "customer_id": draw.permutation(np.array(ids)),
            "value_minor": values,
            "tier": np.select([place < 0.2, place < 0.5], ["top", "middle"], "base"),
            "fresh": draw.random(len(ids)) < 1 / 3,
        }
    ).select(
        "customer_id",
        "value_minor",
        "tier",
        pl.when("fresh").then(pl.lit("fresh")).alias("need"),
        probability=pl.lit(0.75),
    )


def other_needs(figures: pl.DataFrame) -> pl.DataFrame:
    """Let a tenth turn: with a need instead of none, or the other way round."""
    turned = pl.Series(np.random.default_rng(SEED + 1).random(len(figures)) < 0.1)
    need = pl.when(pl.col("need").is_null()).then(pl.lit("fresh"))
    return figures.with_columns(need=pl.when(turned).then(need).otherwise("need"))


if __name__ == "__main__":
    sys.exit(main())
