"""A page of a long list walks an index in order: it never reads or sorts the whole portfolio."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from patronage.access.roles import SYSTEM
from patronage.govern import fence, reads
from patronage.govern.models import ConflictRuling, Standing
from patronage.govern.peace import next_peace_end, peace_at
from patronage.govern.reads.customers import Sort

from .world import World, add_customers

INDEXES: dict[Sort, str] = {
    "value": "standing_by_value",
    "risk": "standing_by_risk",
    "label": "standing_by_label",
}


def plan_of(statement: str) -> str:
    """Ask the store how it would run a statement if the table were long."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute(f"EXPLAIN QUERY PLAN {statement}")
        else:
            # The test's table is short: without this, reading all of it would be the best plan,
            # and where the store has counted its rows already, so would sorting them.
            for way in ("seqscan", "bitmapscan", "sort", "incremental_sort"):
                cursor.execute(f"SET LOCAL enable_{way} = off")
            cursor.execute(f"EXPLAIN {statement}")
        return "\n".join(str(row[-1]) for row in cursor.fetchall())


def count_rows() -> None:
    """Let the store know how short the table is, as it may find out at any moment by itself."""
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def sorts(plan: str) -> bool:
    return "TEMP B-TREE" in plan or "Sort" in plan


def statements_of_second_page(world: World, sort: Sort) -> list[str]:
    portfolio_id = world.portfolios["New"]
    first = reads.page(SYSTEM, world.now, portfolio_id=portfolio_id, sort=sort, limit=5)
    with CaptureQueriesContext(connection) as queries:
        reads.page(
            SYSTEM, world.now, portfolio_id=portfolio_id, sort=sort, limit=5, after=first.next
        )
    return [each["sql"] for each in queries if "LIMIT 6" in each["sql"]]


@pytest.mark.parametrize("sort", ["value", "risk", "label"])
def test_the_next_page_walks_its_index(world: World, sort: Sort) -> None:
    add_customers(20, world.now)
    Standing.objects.update(value_minor=7, at_risk_minor=3)
    (statement,) = statements_of_second_page(world, sort)
    count_rows()
    plan = plan_of(statement)
    assert INDEXES[sort] in plan
    assert not sorts(plan)


def test_an_order_without_an_index_is_seen_to_sort(world: World) -> None:
    add_customers(20, world.now)
    Standing.objects.update(value_minor=7, at_risk_minor=3)
    (statement,) = statements_of_second_page(world, "value")
    table = '"govern_standing"."value_minor" DESC'
    assert table in statement
    count_rows()
    other = statement.replace(table, '"govern_standing"."recency_days" DESC')
    assert sorts(plan_of(other))


def test_the_summary_reads_no_customer_for_the_few_served_otherwise(world: World) -> None:
    add_customers(20, world.now)
    with CaptureQueriesContext(connection) as queries:
        reads.portfolio_summary(SYSTEM, world.now)
    asked = [each["sql"] for each in queries if "govern_servicetieroverride" in each["sql"]]
    assert asked
    assert not [sql for sql in asked if "identify_customer" in sql]


def first_plan(read: Callable[[], object]) -> str:
    with CaptureQueriesContext(connection) as queries:
        read()
    count_rows()
    return plan_of(queries[0]["sql"])


def test_what_is_in_force_is_loaded_without_what_is_over(world: World) -> None:
    """Peace that has ended, and what value said of the fence, are kept for ever: not read."""
    assert "peace_that_stands" in first_plan(lambda: peace_at(world.now))
    assert "peace_that_stands" in first_plan(lambda: next_peace_end(world.now))
    assert "fence_by_hand" in first_plan(fence.by_hand)


def test_a_reading_of_every_ruling_would_be_noticed(world: World) -> None:
    """The broken twin: it asks for the end of peace without saying that peace is meant."""
    every = ConflictRuling.objects.filter(until__gt=world.now).values_list("until")
    assert "peace_that_stands" not in first_plan(lambda: list(every))
