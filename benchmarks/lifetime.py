"""How fast are customers fitted, scored and refitted, and how right is what comes out?

    python benchmarks/lifetime.py [CUSTOMERS] [LINES]        (1,000,000 and 10,000,000)

Processor seconds of all threads, medians of three where a run is short; data are made before any
clock starts, Parquet is read inside. Each part runs in a process of its own, whose peak memory is
printed less what it held with its inputs loaded. Peers run where PATRONAGE_BENCH_PEERS names an
interpreter that has them (the dependency group `benchmarks`), and are skipped with a line if not.
`lifetimes` is fitted to 20,000 customers and counted for more in proportion to their number;
`pymc-marketing` (where PATRONAGE_BENCH_PYMC is set) to 20,000 and 100,000, and counted on the line
through both, with and without what does not grow with customers.
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.lifetime_lines import measured_lines, write_lines
from benchmarks.lifetime_truth import HORIZON_DAYS, TRUTH, measured_truth

from patronage.science.lifetime import Cells, GammaGamma, ParetoNBD, bootstrap

SPEND = GammaGamma.from_parameters(p=6.25, q=3.74, v=1544.0)
RATE, NEXT_DAYS = 0.10, 91
PEER_CUSTOMERS = 20_000
Columns = tuple[np.ndarray, np.ndarray, np.ndarray]


def invented(customers: int, seed: int = 1) -> Columns:
    """Histories in whole days, recencies rounded up, of customers of the true model."""
    rng = np.random.default_rng(seed)
    T = rng.integers(1, 730, customers).astype(np.float64)
    rate = rng.gamma(0.8, 1 / 40.0, customers)
    lifetime = rng.exponential(1 / rng.gamma(1.5, 1 / 400.0, customers))
    seen = np.minimum(lifetime, T)
    x = rng.poisson(rate * seen)
    t_x = np.where(x > 0, np.ceil(seen * rng.beta(np.maximum(x, 1), 1.0)), 0.0)
    return np.minimum(x, t_x), t_x, T


def cpu(work: Callable[[], object], *, runs: int = 3) -> float:
    seconds = []
    for _ in range(runs):
        began = time.process_time()
        work()
        seconds.append(time.process_time() - began)
    return statistics.median(seconds)


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def fit(customers: int) -> dict[str, float]:
    x, t_x, T = invented(customers)
    integers = [column.astype(np.int32) for column in (x, t_x, T)]
    del x, t_x, T

    def work() -> ParetoNBD:
        frequency, recency, age = integers
        return ParetoNBD.fit(Cells.from_customers(frequency=frequency, recency=recency, age=age))

    seconds = cpu(work, runs=3 if customers <= 1_000_000 else 1)
    return {"cpu": seconds, "peak": peak_mb()}


def score(customers: int) -> dict[str, float]:
    x, t_x, T = invented(customers)
    average = np.random.default_rng(2).gamma(5.0, 700.0, customers)
    before = peak_mb()

    def work() -> None:
        purchases = TRUTH.discounted_expected_purchases(
            x, t_x, T, horizon_days=HORIZON_DAYS, annual_discount_rate=RATE
        )
        purchases *= SPEND.expected_spend(x, average)
        TRUTH.probability_alive(x, t_x, T)
        TRUTH.probability_of_purchase(x, t_x, T, horizon_days=NEXT_DAYS)

    return {"cpu": cpu(work), "peak": peak_mb() - before}


def refit(customers: int) -> dict[str, float]:
    x, t_x, T = invented(customers)
    cells = Cells.from_customers(frequency=x, recency=t_x, age=T)
    began, wall = time.process_time(), time.monotonic()
    drawn = bootstrap(cells, ParetoNBD, refits=200, rng=np.random.default_rng(3), threads=2)
    return {
        "cpu": time.process_time() - began,
        "wall": time.monotonic() - wall,
        "failed": float(drawn.failed),
        "peak": peak_mb(),
    }


PARTS: dict[str, Callable[[int], dict[str, float]]] = {
    "fit": fit,
    "score": score,
    "refit": refit,
    "truth": measured_truth,
}


def apart(part: str, *arguments: str) -> dict[str, float]:
    """Run a part in a process of its own."""
    command = [sys.executable, __file__, "--part", part, *arguments]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    answer: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return answer


def peers(customers: int) -> dict[str, float]:
    interpreter = os.environ.get("PATRONAGE_BENCH_PEERS")
    if not interpreter:
        print("peers skipped: PATRONAGE_BENCH_PEERS names no interpreter that has them")
        return {}
    x, t_x, T = invented(customers)
    with tempfile.TemporaryDirectory() as folder:
        np.savez(Path(folder) / "histories.npz", x=x, t_x=t_x, T=T)
        script = str(Path(__file__).with_name("lifetime_peers.py"))
        command = [interpreter, script, str(Path(folder) / "histories.npz"), str(PEER_CUSTOMERS)]
        # what an earlier run compiled would hide what the first fit takes
        environment = os.environ | {"PYTENSOR_FLAGS": f"base_compiledir={folder}/compiled"}
        done = subprocess.run(command, check=False, capture_output=True, text=True, env=environment)
    if done.returncode:
        print("peers failed:", done.stderr.strip().splitlines()[-1])
        return {}
    answer: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return answer


def line(what: str, found: str, bar: str) -> None:
    print(f"{what:58s} {found:34s} bar {bar}", flush=True)


def beside(what: str, theirs: float, ours: float, bar: str) -> None:
    line(what, f"{theirs:.0f} CPU-s, {theirs / ours:.0f} ×", bar)


def main(arguments: list[str]) -> int:
    if arguments[:1] == ["--part"]:
        part, *rest = arguments[1:]
        if part == "write":
            folder, kind, lines = rest[0], rest[1], int(rest[2])
            write_lines(Path(folder), kind, lines, round(lines * 0.0986))
            answer = {}
        else:
            answer = measured_lines(*rest) if part == "lines" else PARTS[part](int(rest[0]))
        print(json.dumps(answer))
        return 0
    customers = int(arguments[0]) if arguments else 1_000_000
    line_count = int(arguments[1]) if len(arguments) > 1 else 10_000_000
    fitted, tenfold = apart("fit", str(customers)), apart("fit", str(10 * customers))
    scored = apart("score", str(customers))
    n, n10 = f"{customers:,}", f"{10 * customers:,}"
    line(f"cells and Pareto/NBD fit, {n}", f"{fitted['cpu']:.2f} CPU-s", "1 (2.5 without Numba)")
    line(
        f"the same, {n10}, day cells",
        f"{tenfold['cpu']:.2f} CPU-s, {tenfold['peak']:.0f} MB in all",
        "3 CPU-s, 1,500 MB",
    )
    line(
        f"36-month discounted value, P(alive), P(buy), {n}",
        f"{scored['cpu']:.3f} CPU-s, {scored['peak']:.0f} MB more",
        "0.25 CPU-s, 500 MB",
    )
    refits = apart("refit", str(customers))
    line(
        f"200 refits, {n}, two threads",
        f"{refits['wall']:.0f} s wall, {refits['cpu']:.0f} CPU-s, {refits['failed']:.0f} failed",
        "60 s wall",
    )
    for kind, bar in (("integers", "3"), ("strings", "5")):
        with tempfile.TemporaryDirectory(prefix="patronage-lines-") as folder:
            # apart as well, since a child's peak memory begins with its parent's
            apart("write", folder, kind, str(line_count))
            found = apart("lines", folder, kind)
        what = f"{line_count:,} lines → customers and cells, {kind} ids"
        line(what, f"{found['table']:.2f} CPU-s, {found['peak']:.0f} MB", f"{bar} CPU-s, 1,000 MB")
        line("  … → 3-year value of each customer", f"{found['value']:.2f} CPU-s", "8 CPU-s")
    right = apart("truth", str(customers))
    line("P(alive) off the truth, worst decile", f"{right['instants']:.4f}", ".005")
    line("  … of the true model", f"{right['instants_true']:.4f}", "")
    line("  … fitted to dates, not instants", f"{right['dates']:.4f}", ".005")
    line("  … of the true model, asked by dates", f"{right['dates_true']:.4f}", "")
    line("  … with what dates lose put back", f"{right['dates_restored']:.4f}", "")
    line("3-year total off the true model's", f"{100 * right['total_to_known']:+.2f} %", "1 %")
    line("3-year total off a drawn future", f"{100 * right['total_to_drawn']:+.2f} %", "1 %")
    other = peers(customers)
    for name, found_cpu, bar in (
        ("lifetimes_fit", fitted["cpu"], "300 ×"),
        ("lifetimes_value", scored["cpu"], "100 ×"),
    ):
        if name in other:
            beside(
                f"{name}, in proportion", other[name] * customers / PEER_CUSTOMERS, found_cpu, bar
            )
    if "pymc_marketing_a_customer" in other:
        growing = other["pymc_marketing_a_customer"] * customers
        seconds = [other[f"pymc_marketing_{fit}"] for fit in ("first", "again", "five")]
        print(
            "pymc_marketing MAP, 20,000 first and again, 100,000:", [round(s, 1) for s in seconds]
        )
        whole = growing + other["pymc_marketing_fixed"]
        beside("pymc_marketing MAP, on their line", whole, fitted["cpu"], "40 ×")
        beside("the same, only what grows", growing, fitted["cpu"], "40 ×")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
