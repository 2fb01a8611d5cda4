"""Customers, products, divisions and the ledger say the same to the cent, or where they do not."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest
from django.test import Client

from patronage.access import datasets
from patronage.access.errors import NotAllowed, NotFound
from patronage.access.people import create_user
from patronage.access.roles import SYSTEM, Actor, Role
from patronage.access.transactions import atomic
from patronage.differentiate import actions, reads
from patronage.differentiate.errors import PeriodMalformed, UnusableControlTotal
from patronage.differentiate.jobs import value
from patronage.differentiate.models import ControlTotal, ValuationRun
from patronage.differentiate.reads.reconciliation import Reconciliation, reconciliation
from patronage.identify.models import Customer

from .history import NOW, History, commit, line

AS_OF = date(2024, 12, 31)
FIRST = date(2024, 10, 1)
BOSS = Actor(id="usr_boss", name="Boss", roles=frozenset({Role.EXECUTIVE}))
MANAGER = Actor(id="usr_ana", name="Ana", roles=frozenset({Role.MANAGER}))
AGENT = Actor(id="usr_agent", name="Agent", roles=frozenset({Role.AGENT}))


def state(
    measure: str, amount_minor: int, *, actor: Actor = BOSS, now: datetime = NOW, **more: object
) -> ControlTotal:
    period: dict[str, object] = {"first_day": FIRST, "last_day": AS_OF, "source": "Ledger 2024-Q4"}
    return actions.record_control_total(
        actor=actor,
        now=now,
        measure=measure,
        amount_minor=amount_minor,
        **(period | more),  # type: ignore[arg-type]
    )


def seen() -> Reconciliation:
    return reconciliation(BOSS, NOW)


def test_every_side_says_the_same_to_the_cent(history: History) -> None:
    value(actor=SYSTEM, now=NOW, as_of=AS_OF)
    quarter = history.lines.filter(
        (pl.col("ordered_at") >= datetime(2024, 10, 1, 4, tzinfo=UTC))
        & (pl.col("ordered_at") < datetime(2025, 1, 1, 5, tzinfo=UTC))
    )
    revenue = int(quarter["amount_minor"].sum())
    state("revenue", revenue)

    found = seen()

    assert (found.first_day, found.last_day) == (FIRST, AS_OF)
    assert set(found.sides) == {
        "lines", "customers", "products", "divisions", "valued", "ledger",
    }  # fmt: skip
    assert {side["revenue"] for side in found.sides.values()} == {revenue}
    assert found.differences == ()
    assert found.closes
    assert found.sources == {"revenue": "Ledger 2024-Q4"}


def test_a_cent_that_the_ledger_has_and_we_have_not_is_listed(history: History) -> None:
    value(actor=SYSTEM, now=NOW, as_of=AS_OF)
    lines = seen().sides["lines"]
    state("cost_of_goods", lines["cost_of_goods"])
    for later, cents in enumerate((1, -1, 12_345)):
        state("revenue", lines["revenue"] + cents, now=NOW + timedelta(seconds=later))
        found = seen()
        (difference,) = found.differences
        assert (difference.side, difference.measure) == ("ledger", "revenue")
        assert (difference.difference_minor, difference.unexplained_minor) == (cents, cents)
        assert not found.closes
    # The newest figure counts, and the earlier ones stay.
    state("revenue", lines["revenue"], now=NOW + timedelta(days=1), source="Ledger, corrected")
    assert seen().closes
    assert seen().sources["revenue"] == "Ledger, corrected"
    assert ControlTotal.objects.filter(measure="revenue").count() == 4


def tampered(run: ValuationRun, *cents: int) -> list[str]:
    """Add cents to the frozen sales of the first rows, behind everybody's back; whose they are."""
    rows = reads.valuations(run)
    moved = rows.with_columns(
        quarter_sales_minor=pl.col("quarter_sales_minor")
        + pl.Series([*cents, *([0] * (len(rows) - len(cents)))])
    )
    with atomic():
        manifest = datasets.warehouse().replace(
            "valuations", moved.to_arrow(), base=datasets.head("valuations")
        )
        datasets.commit(dataset="valuations", manifest=manifest, cause=run.id, now=NOW)
    return rows["customer_id"][: len(cents)].to_list()


def test_a_cent_moved_in_frozen_accounts_is_found(history: History) -> None:
    run = value(actor=SYSTEM, now=NOW, as_of=AS_OF)
    assert seen().closes
    (whose,) = tampered(run, -1)
    found = seen()
    unexplained = {each.measure: each.unexplained_minor for each in found.differences}
    assert unexplained == {"sales": -1, "revenue": -1, "gross_margin": -1}
    assert [each.customer_id for each in found.accounts] == [whose]

    # From one customer to another: totals alone have no power against it, accounts have.
    both = tampered(run, 2, -1)
    found = seen()
    assert found.differences == ()
    assert [each.customer_id for each in found.accounts] == both
    assert [each.valued_minor - each.lines_minor for each in found.accounts] == [1, -1]
    assert not found.closes


def test_a_line_without_product_is_named_and_counted_on_every_side(history: History) -> None:
    stranger = line(
        history.customer_ids[0], datetime(2024, 11, 1, 15, tzinfo=UTC), 777, product_id="prd_none"
    )
    commit("order_lines", pl.concat([history.lines, stranger], how="diagonal_relaxed"))
    value(actor=SYSTEM, now=NOW, as_of=AS_OF)

    found = seen()

    (unknown,) = found.unallocated
    assert (unknown.kind, unknown.lines, unknown.revenue_minor) == ("no product", 1, 777)
    assert unknown.examples == ("prd_none",)
    assert found.closes


def test_who_is_not_valued_explains_what_the_accounts_fall_short_of(history: History) -> None:
    only_returns = history.customer_ids[0]
    lines = history.lines.filter(
        (pl.col("customer_id") != only_returns) | (pl.col("kind") == "return")
    )
    back = line(only_returns, datetime(2024, 11, 1, 15, tzinfo=UTC), -500)
    commit("order_lines", pl.concat([lines, back], how="diagonal_relaxed"))
    erased = history.lines.filter(pl.col("ordered_at") > datetime(2024, 11, 1, tzinfo=UTC))[
        "customer_id"
    ].mode()[0]
    Customer.objects.filter(id=erased).update(erased_at=NOW)
    value(actor=SYSTEM, now=NOW, as_of=AS_OF)

    found = seen()

    (missing,) = [each for each in found.unallocated if each.kind == "not valued"]
    assert set(missing.examples) == {only_returns, erased}
    assert missing.returns_minor <= -500
    assert {each.side for each in found.differences} == {"valued"}
    assert found.differences
    assert found.closes


def test_a_line_that_came_late_is_a_difference_that_nothing_explains(history: History) -> None:
    value(actor=SYSTEM, now=NOW, as_of=AS_OF)
    late = line(history.customer_ids[0], datetime(2024, 12, 30, 15, tzinfo=UTC), 1_000)
    commit("order_lines", pl.concat([history.lines, late], how="diagonal_relaxed"))

    found = seen()

    by_measure = {each.measure: each for each in found.differences}
    assert by_measure["revenue"].unexplained_minor == -1_000
    assert not found.closes


def test_a_figure_that_compares_with_nothing_is_refused(history: History) -> None:
    for wrong in (
        {"measure": "happiness"},
        {"measure": "revenue", "first_day": AS_OF, "last_day": FIRST},
        {"measure": "revenue", "last_day": date(2026, 1, 15)},
        {"measure": "revenue", "source": " "},
    ):
        with pytest.raises(UnusableControlTotal):
            state(amount_minor=1, **wrong)
    with pytest.raises(NotAllowed):
        state("revenue", 1, actor=AGENT)
    assert not ControlTotal.objects.exists()


def test_only_who_sees_everybody_may_compare_any_period(history: History) -> None:
    with pytest.raises(NotFound):
        seen()
    value(actor=SYSTEM, now=NOW, as_of=AS_OF)
    for actor in (AGENT, MANAGER):
        with pytest.raises(NotAllowed):
            reconciliation(actor, NOW)
    found = reconciliation(BOSS, NOW, first_day=date(2024, 3, 1), last_day=date(2024, 3, 31))
    assert "valued" not in found.sides
    assert found.sides["lines"]["revenue"] == found.sides["products"]["revenue"] > 0


def test_half_a_period_and_a_backward_one_are_refused_instead_of_closing(history: History) -> None:
    value(actor=SYSTEM, now=NOW, as_of=AS_OF)
    for first, last in ((FIRST, None), (None, AS_OF), (AS_OF, FIRST)):
        with pytest.raises(PeriodMalformed, match="Give both"):
            reconciliation(BOSS, NOW, first_day=first, last_day=last)
    assert reconciliation(BOSS, NOW, first_day=AS_OF, last_day=AS_OF).closes


@pytest.mark.parametrize(
    ("typed", "minor"),
    [("1234,56", 123_456), ("1,234.56", 123_456), ("-7.5", -750), ("1,234", None), ("x", None)],
)
def test_the_ledgers_figure_is_recorded_as_it_was_meant_or_not_at_all(
    history: History, client: Client, monkeypatch: pytest.MonkeyPatch, typed: str, minor: int | None
) -> None:
    monkeypatch.setattr("patronage.site.clock.now", lambda: NOW)
    analyst = create_user(
        actor=SYSTEM,
        now=NOW,
        email="nina@example.com",
        name="Nina",
        password="a long enough phrase",
        roles=[Role.ANALYST],
        reason="tests",
    )
    client.force_login(analyst)
    asked = {
        "first_day": FIRST.isoformat(),
        "last_day": AS_OF.isoformat(),
        "measure": "revenue",
        "amount": typed,
        "reason": "Ledger 2024-Q4",
    }
    answer = client.post("/value/reconciliation/totals", asked)
    found = list(ControlTotal.objects.values_list("amount_minor", flat=True))
    assert found == ([] if minor is None else [minor])
    if minor is None:
        assert "such as 1234.56" in answer.content.decode()
