"""A statement closes to the cent, opens where the last one closed, and is drafted once."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from patronage.access import datasets
from patronage.access.errors import NotAllowed
from patronage.access.models import AuditEntry
from patronage.access.roles import SYSTEM
from patronage.differentiate import registry
from patronage.differentiate.models import ValuationRun
from patronage.differentiate.reads import features, valuations
from patronage.differentiate.valuation.scoring import Histories, expected_margin
from patronage.govern.actions import hand_over
from patronage.identify.models import Customer
from patronage.steer import reads
from patronage.steer.errors import NotValued
from patronage.steer.jobs import draft_statement
from patronage.steer.models import LINES, Scorecard, Statement, StatementLine

from ..differentiate.history import NOW, commit, line
from .world import DECEMBER, IN_JULY, JUNE, SEPTEMBER, World, best_of, drafted, revalued, valued

Quarters = tuple[Statement, Statement]


def amounts(statement: Statement) -> dict[str, dict[str, int]]:
    """Lines by portfolio and kind."""
    found: dict[str, dict[str, int]] = {}
    for each in StatementLine.objects.filter(statement=statement):
        found.setdefault(each.portfolio_id, {})[each.kind] = each.amount_minor
    return found


def total(statement: Statement, kind: str) -> int:
    return sum(each[kind] for each in amounts(statement).values())


def test_every_portfolio_and_the_enterprise_close_to_the_cent(quarters: Quarters) -> None:
    for statement in quarters:
        for each in amounts(statement).values():
            assert sum(each[kind] for kind in LINES[:-1]) == each["closing"]
        assert total(statement, "closing") == statement.closing_run.total_minor
        assert total(statement, "hand_overs") == 0
        assert statement.checksum_minor == 0


def test_each_portfolio_opens_with_what_it_closed_with(quarters: Quarters, world: World) -> None:
    before, after = (amounts(each) for each in quarters)
    valued(DECEMBER)
    last = amounts(drafted(DECEMBER))

    for portfolio in world.portfolios.values():
        assert after[portfolio]["opening"] == before[portfolio]["closing"]
        assert last[portfolio]["opening"] == after[portfolio]["closing"]
    assert before[world.portfolios["New"]]["closing"] > 0


def test_handed_over_customers_cost_the_giver_what_they_bring_the_receiver(
    quarters: Quarters, world: World
) -> None:
    """At their value of the day: the opening's models on the history up to the eve."""
    opening, statement = quarters[0].closing_run, quarters[1]
    moved = best_of(opening, 40)
    eve = IN_JULY.date() - timedelta(days=1)
    frame = valuations(valued(eve)).filter(pl.col("customer_id").is_in(moved))
    models = registry.models_of(opening.purchase_model, opening.spend_model)
    worth = expected_margin(
        Histories.of(frame, 100),
        models,
        seen_on=eve,
        after=eve,
        until=eve + timedelta(days=1095),
        annual_discount_rate=0.10,
    )
    lines = amounts(statement)

    # Short histories lean on the base's rates of the opening, here on those of the eve.
    assert lines[world.portfolios["Top"]]["hand_overs"] == pytest.approx(
        100 * worth.sum(), rel=2e-3
    )
    assert (
        lines[world.portfolios["New"]]["hand_overs"]
        == -lines[world.portfolios["Top"]]["hand_overs"]
    )
    assert lines[world.portfolios["Top"]]["new_customers"] == 0


def test_the_first_statement_tells_who_was_there_from_who_came(quarters: Quarters) -> None:
    first = quarters[0]
    panel = set(Customer.objects.filter(entry="panel").values_list("id", flat=True))
    frame = valuations(first.closing_run)
    there = frame.filter(frame["customer_id"].is_in(panel))["value_minor"].sum()

    assert first.opening_run is None
    assert (total(first, "panel_entry"), total(first, "model_change")) == (there, 0)
    assert total(first, "new_customers") == first.closing_run.total_minor - there
    assert 0 < there < first.closing_run.total_minor


def test_the_same_valuations_give_the_statement_that_is_there(quarters: Quarters) -> None:
    again = draft_statement(actor=SYSTEM, now=NOW, as_of=SEPTEMBER)

    assert again.id == quarters[1].id
    assert Statement.objects.count() == 2
    assert AuditEntry.objects.filter(action="draft statement").count() == 2


def test_other_figures_make_a_statement_of_their_own(quarters: Quarters, world: World) -> None:
    late = line(best_of(quarters[0].closing_run, 1)[0], datetime(2024, 9, 2, 15, tzinfo=UTC), 99_00)
    before = amounts(quarters[1])
    revalued(SEPTEMBER, late)
    other = drafted(SEPTEMBER)

    assert other.id != quarters[1].id
    assert amounts(quarters[1]) == before != amounts(other)


def test_a_hand_over_dated_back_into_a_stated_quarter_shows_in_the_next_one(
    quarters: Quarters, world: World
) -> None:
    stated = amounts(quarters[1])
    kept = [each for each in best_of(quarters[1].closing_run, 80) if _in(world, "New", each)][:5]
    hand_over(
        actor=SYSTEM,
        now=NOW,
        customer_ids=kept,
        to_portfolio_id=world.portfolios["Top"],
        reason="tests",
        starts_at=datetime(2024, 9, 29, 15, tzinfo=UTC),
    )
    valued(DECEMBER)
    last = amounts(drafted(DECEMBER))

    for portfolio in world.portfolios.values():
        assert last[portfolio]["opening"] == stated[portfolio]["closing"]
    assert last[world.portfolios["Top"]]["hand_overs"] > 0


def test_a_draft_made_before_its_opening_was_stated_is_drawn_up_anew(world: World) -> None:
    opening = valued(JUNE)
    valued(SEPTEMBER)
    early = drafted(SEPTEMBER)
    hand_over(
        actor=SYSTEM,
        now=NOW,
        customer_ids=[each for each in best_of(opening, 60) if _entered_before(each, JUNE)][:20],
        to_portfolio_id=world.portfolios["Top"],
        reason="tests",
        starts_at=datetime(2024, 6, 30, 15, tzinfo=UTC),
    )
    june = amounts(drafted(JUNE))
    again = drafted(SEPTEMBER)

    assert again.id != early.id
    assert not Statement.objects.filter(pk=early.pk).exists()
    top = world.portfolios["Top"]
    assert amounts(again)[top]["opening"] == june[top]["closing"] > 0


def test_a_quarter_whose_eve_was_not_valued_is_refused(world: World) -> None:
    valued(JUNE)
    valued(DECEMBER)

    with pytest.raises(NotValued, match=r"2024-09-30, with which .* opens"):
        drafted(DECEMBER)
    with pytest.raises(NotValued, match=r"2024-09-30, with which .* closes"):
        drafted(SEPTEMBER)


def test_a_manager_may_not_draft(world: World) -> None:
    with pytest.raises(NotAllowed, match="draft statements"):
        drafted(JUNE, by=world.actor("ana"))


def test_scorecards_are_of_the_customers_held_at_the_date(quarters: Quarters, world: World) -> None:
    statement = quarters[1]
    cards = {card.portfolio_id: card for card in Scorecard.objects.filter(statement=statement)}
    run: ValuationRun = statement.closing_run
    quarter = features(run)
    top = cards[world.portfolios["Top"]]
    held = quarter.filter(quarter["customer_id"].is_in(best_of(quarters[0].closing_run, 40)))

    assert (top.customers, top.manager_id) == (40, world.people["ana"].id)
    assert top.revenue_minor == held["quarter_revenue_minor"].sum()
    assert top.margin_minor == held["quarter_margin_minor"].sum()
    assert sum(card.revenue_minor for card in cards.values()) == (
        quarter["quarter_revenue_minor"].sum()
    )
    assert sum(card.value_minor for card in cards.values()) == run.total_minor
    assert top.value_minor == held["value_minor"].sum()
    expected = sum(card.expected_margin_minor or 0 for card in cards.values())
    assert expected == -total(statement, "expected_margin")
    assert all(
        card.value_low_minor < card.value_minor < card.value_high_minor for card in cards.values()
    )


def test_nothing_was_expected_of_a_first_quarter(quarters: Quarters) -> None:
    cards = Scorecard.objects.filter(statement=quarters[0])

    assert {card.expected_margin_minor for card in cards} == {None}


def _in(world: World, portfolio: str, customer_id: str) -> bool:
    standing = Customer.objects.select_related("standing").get(pk=customer_id).standing
    return bool(standing.portfolio_id == world.portfolios[portfolio])


def _entered_before(customer_id: str, day: date) -> bool:
    newest = Customer.objects.get(pk=customer_id).memberships.latest("starts_at")
    return newest.starts_at.date() < day


def test_a_line_that_came_late_is_a_correction_and_nobodys_experience(world: World) -> None:
    """A June purchase imported after June was stated: what the opening would have been with it."""
    june = drafted_at(JUNE)
    plain = total_without_late_line()
    customer = best_of(june.closing_run, 1)[0]
    revalued(SEPTEMBER, line(customer, datetime(2024, 6, 12, 15, tzinfo=UTC), 250_00))
    late = drafted(SEPTEMBER)

    assert total(late, "opening") == total(june, "closing")
    assert total(late, "corrections") != 0 == plain["corrections"]
    behind = reads.line_customers(
        world.actor("eve"), late.id, kind="corrections", now=NOW, limit=200
    )
    assert behind.rows[0].customer_id == customer
    # short histories lean on the base's rates, which the line moves a little, too
    assert behind.rows[0].amount_minor > 50 * abs(behind.rows[1].amount_minor)


def drafted_at(as_of: date) -> Statement:
    valued(as_of)
    return drafted(as_of)


def total_without_late_line() -> dict[str, int]:
    """The next quarter's lines as they are before anything came late."""
    statement = drafted_at(SEPTEMBER)
    return {kind: total(statement, kind) for kind in LINES}


def test_who_is_erased_takes_the_opening_value_along(world: World) -> None:
    june = drafted_at(JUNE)
    gone = best_of(june.closing_run, 2)
    frame = valuations(june.closing_run)
    worth = frame.filter(pl.col("customer_id").is_in(gone))["value_minor"].sum()
    Customer.objects.filter(id__in=gone).update(erased_at=NOW)
    statement = drafted_at(SEPTEMBER)

    assert total(statement, "erased") == -worth < 0
    assert total(statement, "opening") == total(june, "closing")
    behind = reads.line_customers(world.actor("eve"), statement.id, kind="erased", now=NOW)
    assert behind.total_minor == -worth


def test_whom_no_row_names_any_more_is_an_amount_and_no_customer(world: World) -> None:
    june = drafted_at(JUNE)
    gone = best_of(june.closing_run, 2)
    frame = valuations(june.closing_run)
    worth = frame.filter(pl.col("customer_id").is_in(gone))["value_minor"].sum()
    base = datasets.head("valuations")
    assert base is not None
    manifest = datasets.warehouse().without_rows("valuations", gone, base=base)
    datasets.commit(dataset="valuations", manifest=manifest, cause="erasure", now=NOW)
    Customer.objects.filter(id__in=gone).update(erased_at=NOW)
    statement = drafted_at(SEPTEMBER)

    for name in ("eve", "ben"):
        behind = reads.line_customers(
            world.actor(name), statement.id, kind="erased", now=NOW, limit=200
        )
        assert behind.total_minor == behind.erased_minor == -worth
        assert (behind.rows, behind.customers, behind.moved_customers) == ([], 0, 0)
    assert total(statement, "opening") == total(june, "closing")


def test_a_customer_whose_purchases_were_taken_back_is_corrected_away(world: World) -> None:
    june = drafted_at(JUNE)
    customer = best_of(june.closing_run, 1)[0]
    worth = valuations(june.closing_run).filter(customer_id=customer)["value_minor"][0]
    known = datasets.warehouse().polars(datasets.read("order_lines"))
    commit("order_lines", known.filter(pl.col("customer_id") != customer))
    statement = drafted_at(SEPTEMBER)

    rows = reads.line_customers(
        world.actor("eve"), statement.id, kind="corrections", now=NOW, limit=5
    ).rows
    assert (rows[0].customer_id, rows[0].amount_minor) == (customer, -worth)
