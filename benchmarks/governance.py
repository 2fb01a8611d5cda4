"""How long does it take to assign a million customers, to hand one over, to price a rule change?

    python -m benchmarks.governance [--customers 1000000]

Sets up the company of tests/stages/govern/world.py with invented values, once on SQLite in a
temporary folder and, where PATRONAGE_BENCH_POSTGRES_URL names a server, once on PostgreSQL in a
database of its own that is dropped afterwards. Prints wall seconds and processor seconds of our
process, without those of PostgreSQL's server. The first assignment moves everybody out of the
portfolio where customers enter; for the second a tenth of them have another need. Then six offers
by two channels are proposed, with invented answers of every customer to each, and a draft that
blocks a third of them for a part of one portfolio is priced: the estimate and the exact answer.

Published: at most 10 s for an assignment, at most 50 ms for a hand-over, at most 3 s for the
first and 20 s for the exact answer to what a change of a rule would do.
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

    from patronage.customize.models import DecisionRun
    from patronage.differentiate.models import ValuationRun

SEED = 20260101
DATABASE = "patronage_benchmark_governance"
SET_UP = datetime(2026, 1, 15, 12, tzinfo=UTC)
LATER = datetime(2026, 4, 15, 12, tzinfo=UTC)
AS_OF, NEXT = date(2025, 12, 31), date(2026, 3, 31)
HAND_OVERS = 50
#: for contacts of a quarter: some 200,000 letters
BUDGET = 10_000_000
CATEGORY = "offer_category ="
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
        simulations(base, run)


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


def simulations(base: Base, run: ValuationRun) -> None:
    """Price a draft of one portfolio's rules: exactly, and by a sample."""
    from patronage.access.roles import SYSTEM
    from patronage.customize.price_tags import Kind, simulate
    from patronage.govern.actions import NewRule, draft_policy

    propose()
    decided = scored(base.figures, run)
    rules = [
        NewRule(
            name="no fruit", effect="block", when="value_minor < 9000", offers=f"{CATEGORY} 'a'"
        ),
        NewRule(name="no bread", effect="block", when="orders_90d >= 3", offers=f"{CATEGORY} 'b'"),
    ]
    version = draft_policy(
        actor=SYSTEM,
        now=LATER,
        portfolio_id=base.world.portfolios["Rest"],
        rules=rules,
        note="benchmark",
    ).version

    def priced(kind: Kind) -> str:
        said = simulate(version, kind=kind, now=LATER).figures
        decided.prices = {"budget": said.price_before}
        return (
            f"{said.decided:,} of {said.customers:,} decided, {said.customers_affected:,} "
            f"affected: {said.value_minor:,} "
            f"({said.value_low_minor:,} to {said.value_high_minor:,})"
        )

    timed("exact answer", lambda: priced("exact"), "bar 20 s")
    decided.save(update_fields=["prices"])
    timed("first answer", lambda: priced("estimate"), "bar 3 s")
    timed("first answer again", lambda: priced("estimate"), "bar 3 s")


def propose() -> None:
    """Propose six offers by two channels, with money for some, and let everybody be written to."""
    from tests.stages.govern.world import COMPANY

    from patronage.access.company import load_company
    from patronage.access.roles import SYSTEM
    from patronage.customize.actions import Proposal, Wording, create_team, propose_offers
    from patronage.govern.models import Portfolio
    from patronage.identify.actions import declare_consents

    channel = '[[channels]]\nname = "email"\ntitle = "E-mail"\ncost_minor = 2\nresponse = 0.7\n'
    text = COMPANY.replace("quarterly_budget_minor = 100000", f"quarterly_budget_minor = {BUDGET}")
    load_company(actor=SYSTEM, now=SET_UP, text=text + channel, reason="benchmark")
    Portfolio.objects.update(default_ruling="allow")
    create_team(actor=SYSTEM, now=SET_UP, name="Team")
    rows = [
        Proposal(
            ref=f"offer-{name}",
            team="Team",
            name=f"Save on {name}",
            category=name,
            department="GROCERY",
            face_value_minor=50 + 25 * place,
            redemption_cost_minor=10,
            eligibility="orders_90d >= 1" if place % 2 else "",
            valid_from=SET_UP,
            treatments=[Wording(channel=each, wording=name) for each in ("mail", "email")],
        )
        for place, name in enumerate("abcdef")
    ]
    propose_offers(actor=SYSTEM, now=SET_UP, rows=rows)
    declare_consents(
        actor=SYSTEM,
        now=SET_UP,
        purpose="marketing",
        channels=["mail", "email"],
        source="benchmark",
        valid_from=SET_UP,
    )


def scored(figures: pl.DataFrame, run: ValuationRun) -> DecisionRun:
    """Store what a run of decisions leaves of everybody: invented answers to every offer."""
    from patronage.access.company import current
    from patronage.access.transactions import atomic, much_at_once
    from patronage.customize.models import Affinity, DecisionRun
    from patronage.customize.periods import budget_of
    from patronage.customize.policy import policy_at
    from patronage.differentiate.models import ModelVersion
    from patronage.identify import bulk
    from patronage.vocabulary.periods import BusinessCalendar

    declared = current()
    at = BusinessCalendar(declared.company.time_zone).end_of_day(NEXT)
    policy = policy_at(at, declared.company)
    made = DecisionRun.objects.create(
        as_of=NEXT,
        input_digest="b" * 64,
        company_version=declared.version,
        valuation_run=run,
        response_model=ModelVersion.objects.earliest("fitted_at"),
        budget=budget_of(declared.company, at),
        policy_digest=policy.digest,
        offers=[offer.id for offer in policy.offers],
        prices={"budget": 0.0},
        certificate={"capacity": {"budget": BUDGET}},
        counts={},
        manifest=0,
        created_at=LATER,
    )
    draw, shape = np.random.default_rng(SEED), (len(figures), len(policy.offers))
    answers = [draw.beta(2, 60, shape), draw.beta(1, 9, shape), draw.lognormal(6.5, 0.8, shape)]
    table = np.stack(answers, axis=2).astype("<f4").reshape(len(figures), -1)
    columns = {
        # in order, so that no page of the index is written twice
        "customer": figures["customer_id"].sort().to_list(),
        "run": [made.id] * len(figures),
        "figures": [row.tobytes() for row in table],
    }
    with much_at_once(), atomic():
        bulk.insert(Affinity, columns)
    return made


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
    """Let a tenth turn: with a need instead of none, or the other way round; all grow a little."""
    turned = pl.Series(np.random.default_rng(SEED + 1).random(len(figures)) < 0.1)
    need = pl.when(pl.col("need").is_null()).then(pl.lit("fresh"))
    return figures.with_columns(
        need=pl.when(turned).then(need).otherwise("need"),
        value_minor=(1.01 * pl.col("value_minor")).round().cast(pl.Int64),
    )


if __name__ == "__main__":
    sys.exit(main())
