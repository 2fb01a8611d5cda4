"""A search among very many customers asks indexes who is meant, and reads no portfolio through."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from patronage.access.scope import visible
from patronage.identify import reads
from patronage.identify.models import Customer

from .test_list_plans import plan_of
from .world import World, add_customers


def statements_of_search(world: World, text: str, *, table: str) -> list[str]:
    """What a manager's search asks of a table."""
    add_customers(20, world.now)
    with CaptureQueriesContext(connection) as queries:
        reads.search(world.actor("ana"), text, world.now)
    return [each["sql"] for each in queries if f'FROM "{table}"' in each["sql"]]


def test_what_sources_call_customers_is_found_by_places_in_the_index(world: World) -> None:
    statements = statements_of_search(world, "7", table="identify_identifier")
    assert len(statements) == 3  # the one kind there is, that there is no other, and the value
    walks = "SEARCH identify_identifier" if connection.vendor == "sqlite" else "Index Cond"
    for statement in statements:
        assert walks in plan_of(statement)


def test_asking_for_the_value_alone_is_seen_to_read_every_identifier(world: World) -> None:
    statement = """SELECT customer_id FROM identify_identifier WHERE value = '7'"""
    walks = "SEARCH identify_identifier" if connection.vendor == "sqlite" else "kind"
    assert walks not in plan_of(statement)


def test_a_manager_searches_labels_before_their_scope(world: World) -> None:
    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL knows how much a portfolio holds and chooses for itself")
    through_portfolio = "(portfolio_id=?)"
    statements = statements_of_search(world, "Household", table="identify_customer")
    (named,) = [each for each in statements if "LIKE" in each]
    assert through_portfolio not in plan_of(named)

    # the broken twin: scope and label side by side
    people = visible(Customer.objects.all(), world.actor("ana"), world.now)
    with CaptureQueriesContext(connection) as queries:
        list(people.filter(label__icontains="Household").order_by("label", "id")[:20])
    assert through_portfolio in plan_of(queries[-1]["sql"])
