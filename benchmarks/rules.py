"""How fast are 200 rules, on one customer and on a million?

    python benchmarks/rules.py [CUSTOMERS]        (1,000,000)

The rules and customers are those of tests/parity/customers.py. Processor seconds of all threads;
data are made before any clock starts; of repeated work the median and the fastest are printed.
DuckDB runs beside us; `cel-python` and `zen-engine` do where PATRONAGE_BENCH_PEERS names an
interpreter that has them (the dependency group `benchmarks`), and are skipped with a line if not.
Every engine's answers are compared with ours before its time is printed.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from random import Random
from typing import Any

import duckdb
import polars as pl

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.parity.customers import FIELDS, frame, record, rules

from patronage.vocabulary.predicates import Policy, Predicate
from patronage.vocabulary.predicates.analysis import analyse, pairs

RULES_SEED, RECORDS_SEED, BASE_SEED = 1, 2, 3
RECORDS = 1_000
#: records that slow peers are asked about
PEER_RECORDS = 20
#: expressions of one DuckDB query; its optimizer takes longer than the work for more
WIDTH = 50
EPOCH = date(1970, 1, 1)
Answers = list[tuple[bool | None, ...]]


def line(what: str, found: str, bar: str = "") -> None:
    print(f"{what:48s} {found:46s} {'bar ' + bar if bar else ''}".rstrip(), flush=True)


def seconds(work: Callable[[], object], runs: int) -> list[float]:
    """Give the processor seconds of each run, fastest first."""
    taken = []
    for _ in range(runs):
        began = time.process_time()
        work()
        taken.append(time.process_time() - began)
    return sorted(taken)


def shown(taken: Sequence[float], unit: str, scale: float) -> str:
    middle, fastest = statistics.median(taken) * scale, taken[0] * scale
    return f"{middle:,.3g} {unit} (fastest of {len(taken)}: {fastest:,.3g})"


def compiling(texts: Sequence[str]) -> Policy:
    def compiled() -> Policy:
        return Policy.compile([Predicate.parse(text, FIELDS) for text in texts])

    line(
        f"read and compile {len(texts)} rules", shown(seconds(compiled, 5), "CPU-s", 1), "0.5 CPU-s"
    )
    return compiled()


def one_by_one(policy: Policy, records: Sequence[dict[str, Any]]) -> float:
    def work() -> None:
        for each in records:
            policy(each)

    taken = [run / len(records) for run in seconds(work, 25)]
    line(f"{len(policy.predicates)} rules on one customer", shown(taken, "µs", 1e6), "25 µs")
    return statistics.median(taken)


def in_columns(policy: Policy, base: pl.DataFrame) -> None:
    asked = [rule.alias(f"r{at}") for at, rule in enumerate(policy.to_polars())]
    found = base.select(asked)
    # A sample only: row by row, a million would take half a minute.
    step = max(1, base.height // 2_000)
    sample = base.gather_every(step).to_dicts()
    agrees = found.gather_every(step).rows() == [policy(each) for each in sample]
    what = f"the same on {base.height:,}, Polars"
    if not agrees:
        raise SystemExit(f"{what}: other answers than one by one")
    line(what, shown(seconds(lambda: base.select(asked), 5), "CPU-s", 1), "0.7 CPU-s")
    lazy = base.lazy().select(asked)
    streamed = seconds(lambda: lazy.collect(engine="streaming"), 5)
    line("  … by Polars' streaming engine", shown(streamed, "CPU-s", 1))


def examined(policy: Policy) -> None:
    named = [(f"r{at}", rule) for at, rule in enumerate(policy.predicates)]
    fifty = named[:50]
    line("examine 50 rules", shown(seconds(lambda: analyse(fifty), 3), "CPU-s", 1))
    line(f"examine {len(named)} rules", shown(seconds(lambda: analyse(named), 3), "CPU-s", 1))
    line("how each two of 50 relate", shown(seconds(lambda: pairs(fifty), 3), "CPU-s", 1))


def duckdb_peer(policy: Policy, base: pl.DataFrame, ours: float) -> None:
    asked = [rule.to_sql("duckdb") for rule in policy.predicates]
    parts = [asked[at : at + WIDTH] for at in range(0, len(asked), WIDTH)]
    with duckdb.connect() as connection:
        connection.register("arrived", base.to_arrow())
        connection.execute("CREATE TABLE customer AS SELECT * FROM arrived")
        connection.execute("CREATE TABLE one AS SELECT * FROM customer LIMIT 1")

        def ask(table: str) -> list[tuple[Any, ...]]:
            rows = [
                connection.execute(f"SELECT {', '.join(part)} FROM {table}").fetchall()
                for part in parts
            ]
            return [
                tuple(value for part in row for value in part) for row in zip(*rows, strict=True)
            ]

        if ask("one") != [policy(base.row(0, named=True))]:
            raise SystemExit("DuckDB: other answers than one by one")
        alone = seconds(lambda: ask("one"), 3)
        line("DuckDB, one customer", f"{shown(alone, 'µs', 1e6)}, {alone[0] / ours:,.0f} ×")

        def all_of_them() -> None:
            for part in parts:
                named = ", ".join(f"{rule} AS r{at}" for at, rule in enumerate(part))
                connection.execute(f"SELECT {named} FROM customer").to_arrow_table()

        line(f"DuckDB, {base.height:,} customers", shown(seconds(all_of_them, 2), "CPU-s", 1))


def other_peers(policy: Policy, records: Sequence[dict[str, Any]], ours: float) -> None:
    interpreter = os.environ.get("PATRONAGE_BENCH_PEERS")
    if not interpreter:
        print("peers skipped: PATRONAGE_BENCH_PEERS names no interpreter that has them")
        return
    content = {
        "rules": [json.loads(rule.to_json())["tree"] for rule in policy.predicates],
        "records": [plain(each) for each in records],
        "answers": [policy(each) for each in records],
    }
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rules.json"
        path.write_text(json.dumps(content), encoding="utf-8")
        script = str(Path(__file__).with_name("rules_peers.py"))
        done = subprocess.run(
            [interpreter, script, str(path)], check=False, capture_output=True, text=True
        )
    if done.returncode:
        print("peers failed:", (done.stderr.strip().splitlines() or ["no word"])[-1])
        return
    for said in map(json.loads, done.stdout.splitlines()):
        if "skipped" in said:
            print(f"{said['peer']} skipped: {said['skipped']}")
            continue
        taken = said["seconds"]
        line(
            f"{said['peer']} {said['version']}, one customer",
            f"{taken * 1e6:,.0f} µs, {taken / ours:,.0f} ×, {said['agree']:.1%} of answers as ours",
        )


def plain(known: dict[str, Any]) -> dict[str, Any]:
    """Give a record as JSON: dates as days since 1970, what is unknown left out."""
    days = {name: (v - EPOCH).days if isinstance(v, date) else v for name, v in known.items()}
    return {name: value for name, value in days.items() if value is not None}


def main(arguments: list[str]) -> int:
    customers = int(arguments[0]) if arguments else 1_000_000
    policy = compiling(rules(Random(RULES_SEED)))
    random = Random(RECORDS_SEED)
    records = [record(random) for _ in range(RECORDS)]
    ours = one_by_one(policy, records)
    examined(policy)
    base = frame(BASE_SEED, customers)
    in_columns(policy, base)
    duckdb_peer(policy, base, ours)
    other_peers(policy, records[:PEER_RECORDS], ours)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
