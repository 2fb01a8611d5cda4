"""A merge in a quarter leaves every figure in balance, and changes no statement before it."""

from __future__ import annotations

from datetime import date, timedelta

from patronage.access.roles import SYSTEM
from patronage.differentiate.reads import valuations
from patronage.identify.identity import merge_customers, unmerge_customers
from patronage.steer.models import LINES, Statement, StatementLine

from ..differentiate.history import NOW
from .world import DECEMBER, JUNE, SEPTEMBER, World, best_of, drafted, valued


def closes(statement: Statement) -> bool:
    lines: dict[str, dict[str, int]] = {}
    for each in StatementLine.objects.filter(statement=statement):
        lines.setdefault(each.portfolio_id, {})[each.kind] = each.amount_minor
    held = sum(each["closing"] for each in lines.values())
    return held == statement.closing_run.total_minor and all(
        sum(each[kind] for kind in LINES[:-1]) == each["closing"] for each in lines.values()
    )


def test_the_quarter_of_a_merge_and_of_its_undoing_close_to_the_cent(world: World) -> None:
    june = valued(JUNE)
    kept, absorbed = best_of(june, 2)
    drafted(JUNE)
    before = dict(valuations(june).select("customer_id", "value_minor").rows())
    made = merge_customers(
        actor=SYSTEM, now=NOW, kept_id=kept, absorbed_id=absorbed, reason="the same person"
    )
    merged = drafted_at(SEPTEMBER)
    ids = set(valuations(merged.closing_run)["customer_id"])
    assert kept in ids
    assert absorbed not in ids
    assert closes(merged)
    # what was valued before says what it said
    assert dict(valuations(june).select("customer_id", "value_minor").rows()) == before
    unmerge_customers(
        actor=SYSTEM, now=NOW + timedelta(minutes=1), merge_id=made.id, reason="not the same"
    )
    parted = drafted_at(DECEMBER)
    assert {kept, absorbed} <= set(valuations(parted.closing_run)["customer_id"])
    assert closes(parted)


def drafted_at(as_of: date) -> Statement:
    valued(as_of)
    return drafted(as_of)
