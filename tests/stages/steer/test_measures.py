"""What contacts cost is booked in full: to who held the customer, or for whom it was decided."""

from __future__ import annotations

from datetime import date

import polars as pl

from patronage.steer.measures import during, to_the_unvalued

JULY, AUGUST, SEPTEMBER = date(2024, 6, 30), date(2024, 7, 31), date(2024, 9, 30)

#: one customer, handed from one portfolio to another at the end of July
PIECES = pl.DataFrame(
    {
        "key": ["anna#0", "anna#1"],
        "customer_id": ["anna", "anna"],
        "start_day": [JULY, AUGUST],
        "end_day": [AUGUST, SEPTEMBER],
        "is_first": [True, False],
        "is_last": [False, True],
    }
)
#: three to her, one to somebody who never bought
SENT = pl.DataFrame(
    {
        "contact_id": ["c1", "c2", "c3", "c4"],
        "customer_id": ["anna", "anna", "anna", "boris"],
        "portfolio_id": ["north", "north", "south", "north"],
        "day": [date(2024, 7, 31), date(2024, 8, 1), date(2024, 9, 30), date(2024, 8, 5)],
        "cost": [45, 45, 90, 30],
    }
)


def test_a_contact_costs_whoever_held_the_customer_on_its_day() -> None:
    booked = during(PIECES, SENT).group_by("key").agg(pl.col("cost").sum()).sort("key")

    assert booked.rows() == [("anna#0", 45), ("anna#1", 135)]


def test_a_contact_to_somebody_without_a_value_costs_the_portfolio_that_decided_it() -> None:
    others = to_the_unvalued(PIECES, SENT)

    assert others.rows() == [("north", 30)]
    booked = [*during(PIECES, SENT)["cost"], *others["unvalued_minor"]]
    assert sum(booked) == sum(SENT["cost"])


def test_nothing_is_booked_where_nothing_was_sent() -> None:
    assert to_the_unvalued(PIECES, SENT.clear()).is_empty()
