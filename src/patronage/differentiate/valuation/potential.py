"""What could each customer be worth, judged by others who look like them? An estimate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import polars as pl

from patronage.vocabulary.company import LookAlikes

#: Days since the first purchase at which one age class ends and the next begins.
AGE_CLASS_DAYS: Final = (90, 365, 730, 1825)


def fact_column(position: int) -> str:
    """Name of the column that holds the declared fact at this place."""
    return f"fact_{position}"


def potentials(customers: pl.DataFrame, declared: LookAlikes) -> pl.DataFrame:
    """Estimate each customer's potential from the values of their look-alikes.

    Look-alikes share what can be observed without knowing what the customer is worth: the declared
    facts, the need their purchases show, and how long they have been a customer, in classes that
    begin at 0, 90, 365, 730 and 1,825 days. Potential is the declared quantile of the group's
    values (linear between ranks; the customer is one of the group), and never less than the own
    value. A group that is too small hands over to the next wider one: without the last of the
    facts, ..., without any, without the need.

    Args:
        customers: `value_minor`, `need`, `age_days` and, for each declared fact, a text column
            named by `fact_column`; NULL where unknown. Who lacks a fact has no group that needs it.

    Returns:
        In the order given: `potential_minor`, NULL where even the widest group is too small;
        `share_of_customer`, value ÷ potential, above 0 and at most 1, NULL where the value is not
        above 0 or potential is unknown; `look_alikes`, how many the group has, NULL likewise.
    """
    known = customers.with_columns(age_class=_age_class(), need=pl.col("need").fill_null(""))
    facts = [fact_column(position) for position in range(len(declared.facts))]
    facts = [name for name in facts if name in customers.columns]
    groups = [[*facts[:end], "need", "age_class"] for end in range(len(facts), -1, -1)]
    groups.append(["age_class"])
    size = pl.coalesce(*(_if_large(pl.len(), keys, declared) for keys in groups))
    quantile = pl.col("value_minor").quantile(declared.quantile, interpolation="linear")
    level = pl.coalesce(*(_if_large(quantile, keys, declared) for keys in groups))
    estimated = known.select(
        "value_minor", level=level.round(0, mode="half_to_even").cast(pl.Int64), look_alikes=size
    )
    potential = pl.max_horizontal("level", "value_minor")
    return estimated.select(
        potential_minor=pl.when(pl.col("level").is_not_null()).then(potential),
        share_of_customer=pl.when((pl.col("value_minor") > 0) & pl.col("level").is_not_null()).then(
            pl.col("value_minor") / potential
        ),
        look_alikes="look_alikes",
    )


def _if_large(figure: pl.Expr, keys: Sequence[str], declared: LookAlikes) -> pl.Expr:
    """The group's figure, NULL where the group is too small or one of its facts is unknown."""
    large = pl.len().over(keys) >= declared.smallest_group
    complete = pl.all_horizontal(pl.col(key).is_not_null() for key in keys)
    return pl.when(large & complete).then(figure.over(keys))


def _age_class() -> pl.Expr:
    passed = [(pl.col("age_days") >= days).cast(pl.Int8) for days in AGE_CLASS_DAYS]
    return pl.sum_horizontal(passed)
