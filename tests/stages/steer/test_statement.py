"""Statements close to the cent, per portfolio and in total, and each opens where one closed."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from patronage.access.roles import SYSTEM
from patronage.differentiate.models import ValuationRun
from patronage.differentiate.reads import valuations
from patronage.steer import reads
from patronage.steer.jobs import draft_statement
from patronage.steer.models import Statement, StatementLine

from ..differentiate.history import NOW
from .world import JUNE, SEPTEMBER, World, hand, valued

IN_JULY = datetime(2024, 7, 20, 15, tzinfo=UTC)


def drafted(as_of: object) -> Statement:
    return draft_statement(actor=SYSTEM, now=NOW, as_of=as_of)  # type: ignore[arg-type]


@pytest.fixture
def third_quarter(world: World) -> tuple[Statement, Statement]:
    """The statements of two quarters; forty customers change hands in the second."""
    opening, closing = valued(JUNE), valued(SEPTEMBER)
    assert opening.customers < closing.customers
    hand(world, best_of(opening, 40), "Top", IN_JULY)
    return drafted(JUNE), drafted(SEPTEMBER)


def best_of(run: ValuationRun, count: int) -> list[str]:
    frame = valuations(run).sort("value_minor", descending=True)
    return frame["customer_id"].head(count).to_list()


def amounts(statement: Statement) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for line in StatementLine.objects.filter(statement=statement):
        found.setdefault(line.portfolio_id, {})[line.kind] = line.amount_minor
    return found


def test_smoke(third_quarter: tuple[Statement, Statement], world: World) -> None:
    june, september = third_quarter
    view = reads.statement(world.actor("eve"), september.id, NOW)
    for column in [*view.portfolios, view.total]:
        assert column.checksum_minor == 0
