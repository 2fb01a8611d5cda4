"""From order lines to what each customer is worth: the data of `lifetime.py` and its clock."""

from __future__ import annotations

import resource
import time
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl

from patronage.differentiate.valuation.purchase_histories import purchase_histories
from patronage.science.lifetime import Cells, GammaGamma, ParetoNBD
from patronage.vocabulary.ids import new_ids
from patronage.vocabulary.periods import BusinessCalendar
from patronage.warehouse import DATASETS, Dataset, Warehouse
from patronage.warehouse.columns import int64

AS_OF, DAYS = date(2023, 12, 31), 730
ZONE = "Europe/Paris"


def datasets(kind: str) -> dict[str, Dataset]:
    """The order lines, with ids as text or as whole numbers."""
    declared = DATASETS["order_lines"]
    if kind == "integers":
        columns = tuple(
            int64(column.name) if column.name in ("customer_id", "order_id") else column
            for column in declared.columns
        )
        declared = replace(declared, columns=columns)
    return {"order_lines": declared}


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
            calendar=BusinessCalendar(ZONE),
            as_of=AS_OF,
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
