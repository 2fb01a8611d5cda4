"""From order lines to what each customer is worth: the data of `lifetime.py` and its clock.

    python benchmarks/lifetime_lines.py [LINES]              (10,000,000)

alone, prints what a valuation asks of the same lines: all that it knows of each customer, found in
one pass and by the grouped query, each in a process of its own with its peak memory.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from datetime import date
from importlib import resources
from pathlib import Path

import numpy as np
import polars as pl

from patronage.differentiate.valuation.history import Horizon, customer_statistics
from patronage.differentiate.valuation.purchase_histories import (
    purchase_histories,
    statistics_in_order,
)
from patronage.science.lifetime import Cells, GammaGamma, ParetoNBD
from patronage.vocabulary.company import Company, parse_company
from patronage.vocabulary.ids import new_ids
from patronage.warehouse import DATASETS, Dataset, Warehouse
from patronage.warehouse.columns import int64

AS_OF, DAYS = date(2023, 12, 31), 730
HORIZON = Horizon(as_of=AS_OF, period_start=date(2023, 10, 1))


def company() -> Company:
    """The demonstration's, in the zone and the currency of the lines."""
    text = (resources.files("patronage.cli.demo") / "company.toml").read_text(encoding="utf-8")
    return replace(parse_company(text), time_zone="Europe/Paris", currency="EUR")


def datasets(kind: str) -> dict[str, Dataset]:
    """The order lines, with ids as text or as whole numbers, and products."""
    declared = DATASETS["order_lines"]
    if kind == "integers":
        columns = tuple(
            int64(column.name) if column.name in ("customer_id", "order_id") else column
            for column in declared.columns
        )
        declared = replace(declared, columns=columns)
    return {"order_lines": declared, "products": DATASETS["products"]}


def write_lines(folder: Path, kind: str, lines: int, customers: int) -> None:
    """Orders of customers of a Pareto/NBD model over two years, of one or more lines each."""
    rng = np.random.default_rng(1)
    age = rng.integers(1, DAYS + 1, customers).astype(np.float64)
    rate = rng.gamma(0.8, 1 / 28.0, customers)
    lived = np.minimum(rng.exponential(1 / rng.gamma(1.5, 1 / 400.0, customers)), age)
    repeats = rng.poisson(rate * lived)
    who = np.repeat(np.arange(customers), repeats + 1)
    day = np.concatenate([np.zeros(1), rng.random(who.size - 1)]) * lived[who]
    day[np.concatenate(([0], np.cumsum(repeats + 1)[:-1]))] = 0.0
    second = ((DAYS - age[who] + day) * 86_400).astype(np.int64)
    spare = max(lines / who.size - 1, 0.0)
    order = np.repeat(np.arange(who.size), 1 + rng.poisson(spare, who.size))
    mean = rng.gamma(6.0, 300.0, customers)[who[order]]
    start = np.datetime64("2022-01-01T00:00:00", "us")
    frame = pl.DataFrame(
        {
            "customer_id": who[order],
            "order_id": order,
            "ordered_at": start + second[order].astype("timedelta64[s]"),
            "amount_minor": (mean * rng.gamma(4.0, 0.25, order.size)).astype(np.int64) + 1,
        }
    ).with_columns(
        pl.col("ordered_at").dt.replace_time_zone("UTC"),
        line_number=pl.lit(1, pl.Int32),
        product_id=pl.lit("prd_1"),
        quantity=pl.lit(1.0),
        list_discount_minor=pl.lit(None, pl.Int64),
        coupon_discount_minor=pl.lit(None, pl.Int64),
        currency=pl.lit("EUR"),
        kind=pl.lit("sale"),
        store_id=pl.lit(None, pl.String),
        import_id=pl.lit("imp_1"),
    )
    if kind == "strings":
        ids = pl.Series(new_ids("cus", customers))
        frame = frame.with_columns(
            customer_id=ids.gather(frame["customer_id"]),
            order_id=pl.format("ord_{}", pl.col("order_id")),
        )
    declared = datasets(kind)
    names = [column.name for column in declared["order_lines"].columns]
    with Warehouse(folder, datasets=declared, memory_limit="6GB") as warehouse:
        warehouse.append("order_lines", frame.select(names).to_arrow(), base=None)


def measured_lines(folder: str, kind: str) -> dict[str, float]:
    """Processor seconds up to the customer table and cells, and up to the values; peak memory."""
    with Warehouse(Path(folder), datasets=datasets(kind)) as warehouse:
        began = time.process_time()
        table = purchase_histories(
            warehouse,
            warehouse.read("order_lines", 1),
            warehouse.read("products", None),
            company=company(),
            horizon=HORIZON,
        )
        x = table["days"].to_numpy() - 1
        t_x = (table["last_day"] - table["first_day"]).dt.total_days().to_numpy()
        T = (pl.Series([AS_OF]) - table["first_day"]).dt.total_days().to_numpy()
        cells = Cells.from_customers(frequency=x, recency=t_x, age=T)
        tabled = time.process_time() - began
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        average = np.maximum(table["later_minor"].to_numpy() / np.maximum(x, 1), 1.0)
        model = ParetoNBD.fit(cells)
        spend = GammaGamma.fit(frequency=x, average_spend=average)
        value = model.discounted_expected_purchases(
            x, t_x, T, horizon_days=1095, annual_discount_rate=0.10
        ) * spend.expected_spend(x, average)
        done = time.process_time() - began
    return {
        "table": tabled,
        "value": done,
        "peak": peak,
        "customers": float(len(table)),
        "total": float(value.sum()),
    }


def measured_statistics(folder: str, kind: str, way: str) -> dict[str, float]:
    """Processor seconds up to all that a valuation knows of each customer; peak memory."""
    with Warehouse(Path(folder), datasets=datasets(kind)) as warehouse:
        began = time.process_time()
        lines, products = warehouse.read("order_lines", 1), warehouse.read("products", None)
        if way == "pass":
            found = statistics_in_order(
                warehouse, lines, products, company=company(), horizon=HORIZON, served=None
            )
        else:
            found = warehouse.polars(
                customer_statistics(lines, products, company=company(), horizon=HORIZON)
            )
        seconds = time.process_time() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"cpu": seconds, "peak": peak, "later": float(found["later_minor"].sum())}


def main(arguments: list[str]) -> int:
    if arguments[:1] == ["--part"]:
        part, folder, kind, rest = arguments[1:]
        if part == "write":
            write_lines(Path(folder), kind, int(rest), round(int(rest) * 0.0986))
        else:
            print(json.dumps(measured_statistics(folder, kind, rest)))
        return 0
    lines = int(arguments[0]) if arguments else 10_000_000
    for kind in ("integers", "strings"):
        with tempfile.TemporaryDirectory(prefix="patronage-lines-") as folder:
            _apart("write", folder, kind, str(lines))
            found = {
                way: json.loads(_apart("lines", folder, kind, way)) for way in ("pass", "query")
            }
        for way, each in found.items():
            print(
                f"{lines:,} lines → all a valuation knows, {kind} ids, {way:5s}"
                f" {each['cpu']:6.2f} CPU-s, {each['peak']:,.0f} MB"
            )
        if found["pass"]["later"] != found["query"]["later"]:
            raise ValueError(f"the pass and the query differ on {kind} ids")
    return 0


def _apart(*arguments: str) -> str:
    """Run a part in a process of its own, whose peak memory is nobody else's."""
    command = [sys.executable, __file__, "--part", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
