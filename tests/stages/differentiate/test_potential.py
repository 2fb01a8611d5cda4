"""What look-alikes are worth says what a customer could be worth: an estimate, or nothing."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
import pytest

from patronage.access.roles import SYSTEM
from patronage.differentiate import reads
from patronage.differentiate.jobs import value
from patronage.differentiate.models import LatestValuation
from patronage.differentiate.valuation.potential import potentials
from patronage.identify.models import Customer
from patronage.vocabulary.company import LookAlikes

from .history import COMPANY, NOW, History, commit, store

AS_OF = date(2024, 12, 31)


def base(customers: int = 400, seed: int = 3) -> pl.DataFrame:
    """Two needs and two incomes; income shifts what customers are worth."""
    random = np.random.default_rng(seed)
    rich = random.random(customers) < 0.5
    return pl.DataFrame(
        {
            "value_minor": np.rint(random.gamma(2.0, 5_000, customers) * (1 + 3 * rich) - 2_000),
            "need": np.where(random.random(customers) < 0.5, "fresh", "home"),
            "age_days": random.integers(400, 700, customers),
            "fact_0": np.where(rich, "high", "low"),
        }
    ).with_columns(pl.col("value_minor").cast(pl.Int64))


BY_INCOME = LookAlikes(facts=("income",), smallest_group=30)


def test_potential_is_the_groups_eightieth_percentile_as_numpy_counts_it() -> None:
    frame = base()
    found = pl.concat([frame, potentials(frame, BY_INCOME)], how="horizontal")
    for (_need, _income), group in found.group_by("need", "fact_0"):
        values = group["value_minor"].to_numpy()
        level = round(float(np.quantile(values, 0.8)))
        assert group["potential_minor"].to_list() == np.maximum(values, level).tolist()
        assert (group["look_alikes"] == len(group)).all()


def test_the_share_is_above_0_and_at_most_1_or_unknown() -> None:
    frame = base()
    found = pl.concat([frame, potentials(frame, BY_INCOME)], how="horizontal")
    known = found.filter(pl.col("share_of_customer").is_not_null())
    assert known["share_of_customer"].is_between(0, 1, closed="right").all()
    assert (known["share_of_customer"] < 1).sum() > 200
    assert (known["value_minor"] > 0).all()
    unknown = found.filter(pl.col("share_of_customer").is_null())
    assert len(unknown) > 0
    assert (unknown["value_minor"] <= 0).all()


def test_who_looks_like_the_rich_could_be_worth_more() -> None:
    frame = base()
    found = pl.concat([frame, potentials(frame, BY_INCOME)], how="horizontal")
    level = dict(found.group_by("fact_0").agg(pl.col("potential_minor").median()).iter_rows())
    assert level["high"] > 2 * level["low"]


def test_a_look_alike_is_never_told_by_the_value_itself() -> None:
    """Broken twin: groups of equal values make everybody's potential their value."""
    frame = base()
    honest = potentials(frame, LookAlikes(smallest_group=2))
    by_value = frame.with_columns(fact_0=pl.col("value_minor").cast(pl.String))
    circular = potentials(
        pl.concat([by_value, by_value]), LookAlikes(facts=("value",), smallest_group=2)
    )
    assert circular["share_of_customer"].drop_nulls().eq(1.0).all()
    assert not honest["share_of_customer"].drop_nulls().eq(1.0).all()


def test_a_group_that_is_too_small_asks_the_next_wider_one() -> None:
    frame = base()
    lonely = frame.with_columns(
        fact_0=pl.when(pl.int_range(pl.len()) < 10).then(pl.lit("rare")).otherwise("fact_0")
    )
    found = pl.concat([lonely, potentials(lonely, BY_INCOME)], how="horizontal").head(10)
    for row in found.to_dicts():
        wider = lonely.filter(need=row["need"])
        assert row["look_alikes"] == len(wider)


def test_who_lacks_the_fact_is_compared_without_it() -> None:
    frame = base().with_columns(fact_0=pl.when(pl.int_range(pl.len()) % 4 > 0).then("fact_0"))
    found = pl.concat([frame, potentials(frame, BY_INCOME)], how="horizontal")
    without = found.filter(pl.col("fact_0").is_null() & (pl.col("need") == "fresh"))
    assert (without["look_alikes"] == len(frame.filter(need="fresh"))).all()


def test_too_few_customers_say_nothing() -> None:
    found = potentials(base(customers=29), BY_INCOME)
    assert found["potential_minor"].null_count() == 29
    assert found["share_of_customer"].null_count() == 29


@pytest.mark.parametrize("quantile", [0.5, 0.95])
def test_the_quantile_is_declared(quantile: float) -> None:
    frame = base().with_columns(need=pl.lit("fresh"), fact_0=pl.lit("high"))
    found = potentials(frame, LookAlikes(facts=("income",), quantile=quantile))
    level = round(float(np.quantile(frame["value_minor"].to_numpy(), quantile)))
    assert found["potential_minor"].min() == level


def test_a_valuation_reads_the_facts_known_by_its_date(db: None) -> None:
    from .history import generate

    history: History = generate()
    text = f"{COMPANY}\n[look_alikes]\nfacts = ['income']\nsmallest_group = 20\n"
    store(history, company=text)
    ids = history.customer_ids
    facts = pl.DataFrame(
        {
            "customer_id": ids * 2,
            "name": ["income"] * (2 * len(ids)),
            "value_text": ["low" if n % 2 else "high" for n in range(len(ids))]
            + ["unknown then"] * len(ids),
            "observed_at": [NOW.replace(year=2024, month=6)] * len(ids) + [NOW] * len(ids),
            "source": ["tests"] * (2 * len(ids)),
            "import_id": ["imp_tests"] * (2 * len(ids)),
        }
    )
    commit("customer_facts", facts)
    run = value(actor=SYSTEM, now=NOW, as_of=AS_OF)
    rows = reads.valuations(run)

    assert run.other_manifests["customer_facts"] == 1
    income = facts.head(len(ids)).select("customer_id", fact_0="value_text")
    named = rows.join(income, on="customer_id", how="left")
    expected = potentials(named, LookAlikes(facts=("income",), smallest_group=20))
    assert rows["potential_minor"].to_list() == expected["potential_minor"].to_list()
    assert rows["potential_minor"].null_count() < len(rows)
    latest = LatestValuation.objects.get(pk=rows["customer_id"][0])
    assert latest.potential_minor == rows["potential_minor"][0]
    assert reads.field_values(latest.customer_id, NOW)["potential_minor"] == latest.potential_minor
    assert Customer.objects.count() == len(ids)
