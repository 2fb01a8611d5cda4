"""The declared policy moves whoever it should, nobody else, and the same again moves nobody."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest
from django.db import connection

from patronage.access.company import load_company
from patronage.access.errors import NotAllowed
from patronage.access.models import AuditEntry
from patronage.access.roles import SYSTEM
from patronage.govern import memberships, reads, standing
from patronage.govern.actions import arrange_cover, hand_over
from patronage.govern.errors import NoManagerYet, NotSetUp, OtherDate, RuleRefused
from patronage.govern.jobs import assign
from patronage.govern.models import Accountability, Membership, Standing
from patronage.identify import bulk
from patronage.identify.models import Customer

from .world import COMPANY, World, add_customers, figures, value

AS_OF = date(2025, 12, 31)
#: midnight in New York
END = datetime(2026, 1, 1, 5, tzinfo=UTC)
NEXT = date(2026, 3, 31)


def where(ids: list[str]) -> list[str]:
    names = dict(Standing.objects.values_list("pk", "portfolio__name"))
    return [names[each] for each in ids]


def test_the_first_true_rule_wins_and_unknown_is_never_true(world: World) -> None:
    ids = add_customers(5, world.now)
    run = value(
        figures(
            [
                (ids[0], 9000, "top", "fresh"),
                (ids[1], 8000, "top", None),
                (ids[2], 700, "middle", "fresh"),
                (ids[3], 100, "base", None),
            ]
        ),
        as_of=AS_OF,
        now=world.now,
    )
    summary = assign(actor=SYSTEM, now=world.now, as_of=AS_OF, run=run)
    assert where(ids) == ["Top, fresh", "Top", "Rest", "Rest", "New"]
    moved = Membership.objects.filter(cause="policy")
    assert {row.starts_at for row in moved} == {END}
    assert (summary.customers, summary.moved, moved.count()) == (5, 4, 4)
    flows = {(each.from_portfolio, each.to_portfolio): each for each in summary.flows}
    assert flows["New", "Rest"].customers == 2
    assert flows["New", "Rest"].value_minor == 800
    assert {each.portfolio: each.customers for each in summary.portfolios} == {
        "Top, fresh": 1,
        "Top": 1,
        "Rest": 2,
        "New": 1,
    }
    assert AuditEntry.objects.get(action="assign portfolios").change["moved"] == 4


def test_a_policy_move_belongs_to_the_next_period(world: World) -> None:
    ids = add_customers(1, world.now)
    run = value(figures([(ids[0], 9000, "top", None)]), as_of=AS_OF, now=world.now)
    assign(actor=SYSTEM, now=world.now, as_of=AS_OF, run=run)
    assert reads.memberships_at(END).rows() == [(ids[0], world.portfolios["New"])]
    then = reads.manager_of(SYSTEM, ids[0], END - timedelta(microseconds=1), now=world.now)
    assert then.manager == "Dev"
    assert reads.manager_of(SYSTEM, ids[0], END, now=world.now).manager == "Ben"


def test_the_same_again_moves_nobody(world: World) -> None:
    ids = add_customers(2, world.now)
    run = value(figures([(ids[0], 9, "top", None)]), as_of=AS_OF, now=world.now)
    assign(actor=SYSTEM, now=world.now, as_of=AS_OF, run=run)
    again = assign(actor=SYSTEM, now=world.now, as_of=AS_OF, run=run)
    assert (again.moved, again.changed_since, Membership.objects.count()) == (0, 1, 3)


def test_a_dry_run_says_who_would_move_and_writes_nothing(world: World) -> None:
    ids = add_customers(2, world.now)
    run = value(figures([(ids[0], 9, "top", None)]), as_of=AS_OF, now=world.now)
    audits = AuditEntry.objects.count()
    tried = assign(actor=SYSTEM, now=world.now, as_of=AS_OF, run=run, dry_run=True)
    assert tried.movers.rows() == [(ids[0], world.portfolios["New"], world.portfolios["Top"], 9)]
    assert (Membership.objects.count(), AuditEntry.objects.count()) == (2, audits)
    assert where(ids) == ["New", "New"]
    done = assign(actor=SYSTEM, now=world.now, as_of=AS_OF, run=run)
    assert (done.flows, done.portfolios) == (tried.flows, tried.portfolios)


def test_whom_a_person_handed_over_the_policy_leaves_there(world: World) -> None:
    ids = add_customers(2, world.now)
    hand_over(
        actor=world.actor("eve"),
        now=world.now,
        customer_ids=ids[:1],
        to_portfolio_id=world.portfolios["Top"],
        reason="knows the family",
    )
    later = datetime(2026, 4, 2, tzinfo=UTC)
    run = value(figures([(each, 5, "base", None) for each in ids]), as_of=NEXT, now=later)
    summary = assign(actor=SYSTEM, now=later, as_of=NEXT, run=run)
    assert where(ids) == ["Top", "Rest"]
    assert (summary.moved, summary.kept_by_hand) == (1, 1)


def test_who_came_or_changed_after_the_date_is_left_alone(world: World) -> None:
    old = add_customers(1, world.now)
    new = add_customers(1, world.now, entered_at=END, first=1)
    hand_over(
        actor=SYSTEM,
        now=world.now,
        customer_ids=old,
        to_portfolio_id=world.portfolios["Rest"],
        reason="moved house",
    )
    run = value(
        figures([(each, 5, "top", None) for each in (*old, *new)]), as_of=AS_OF, now=world.now
    )
    summary = assign(actor=SYSTEM, now=world.now, as_of=AS_OF, run=run)
    assert (summary.customers, summary.changed_since) == (0, 2)
    assert where([*old, *new]) == ["Rest", "New"]


@pytest.mark.parametrize(
    ("value_then", "stays"), [(961, True), (950, True), (949, False), (500, False)]
)
def test_a_hairs_breadth_of_value_moves_nobody(world: World, value_then: int, stays: bool) -> None:
    ids = add_customers(3, world.now)
    first = [(ids[0], 9000, "top", None), (ids[1], 1000, "top", None), (ids[2], 100, "base", None)]
    run = value(figures(first), as_of=AS_OF, now=world.now)
    assign(actor=SYSTEM, now=world.now, as_of=AS_OF, run=run)
    # One who leaves the top tier by less than 5 % of what it takes to be in it (1000) stays.
    then = [
        (ids[0], 1000, "top", None),
        (ids[1], value_then, "middle", None),
        (ids[2], 9, "base", None),
    ]
    later = datetime(2026, 4, 2, tzinfo=UTC)
    run = value(figures(then), as_of=NEXT, now=later)
    summary = assign(actor=SYSTEM, now=later, as_of=NEXT, run=run)
    assert where(ids) == ["Top", "Top" if stays else "Rest", "Rest"]
    assert summary.kept_near_edge == int(stays)


def test_a_change_of_need_moves_even_at_the_edge(world: World) -> None:
    ids = add_customers(2, world.now)
    run = value(
        figures([(ids[0], 1000, "top", None), (ids[1], 100, "base", None)]),
        as_of=AS_OF,
        now=world.now,
    )
    assign(actor=SYSTEM, now=world.now, as_of=AS_OF, run=run)
    later = datetime(2026, 4, 2, tzinfo=UTC)
    run = value(
        figures([(ids[0], 1000, "top", "fresh"), (ids[1], 990, "middle", "fresh")]),
        as_of=NEXT,
        now=later,
    )
    assign(actor=SYSTEM, now=later, as_of=NEXT, run=run)
    assert where(ids) == ["Top, fresh", "Rest"]


def test_rules_may_ask_who_the_customer_is(world: World) -> None:
    text = COMPANY.replace("tier IN ('middle', 'base')", "customer_kind = 'household'")
    load_company(actor=SYSTEM, now=world.now, text=text, reason="by kind")
    ids = add_customers(2, world.now)
    run = value(figures([(ids[0], 9, "top", None)]), as_of=AS_OF, now=world.now)
    assign(actor=SYSTEM, now=world.now, as_of=AS_OF, run=run)
    assert where(ids) == ["Top", "Rest"]


def test_what_cannot_be_assigned_is_refused_with_the_reason(world: World) -> None:
    (customer,) = add_customers(1, world.now)
    run = value(figures([(customer, 9, "top", None)]), as_of=AS_OF, now=world.now)
    with pytest.raises(NotAllowed):
        assign(actor=world.actor("ana"), now=world.now, as_of=AS_OF, run=run)
    with pytest.raises(OtherDate):
        assign(actor=SYSTEM, now=world.now, as_of=NEXT, run=run)
    for text, error in (
        (COMPANY.replace("tier = 'top' AND", "teer = 'top' AND"), RuleRefused),
        (COMPANY.replace('"Top"\n', '"Best"\n'), NotSetUp),
    ):
        load_company(actor=SYSTEM, now=world.now, text=text, reason="a mistake")
        with pytest.raises(error):
            assign(actor=SYSTEM, now=world.now, as_of=AS_OF, run=run)
    load_company(actor=SYSTEM, now=world.now, text=COMPANY, reason="mended")
    Accountability.objects.filter(portfolio_id=world.portfolios["Top"]).update(starts_at=world.now)
    with pytest.raises(NoManagerYet):
        assign(actor=SYSTEM, now=world.now, as_of=AS_OF, run=run)
    assert Membership.objects.count() == 1


@pytest.mark.parametrize("most", [0.0, 1.0])
def test_standing_is_what_it_would_be_if_computed_anew(
    world: World, monkeypatch: pytest.MonkeyPatch, most: float
) -> None:
    monkeypatch.setattr(standing, "_MOST", most)
    ids = live_through_two_quarters(world)
    before = list(Standing.objects.order_by("pk").values())
    assert [row["portfolio_id"] for row in before if row["label"] == "renamed"]
    assert standing.refresh(memberships.newest()) == 0
    assert list(Standing.objects.order_by("pk").values()) == before
    # The same from nothing: whatever stood there is computed again.
    Standing.objects.update(
        portfolio_id=world.portfolios["New"], value_minor=None, tier="", as_of=None, label="?"
    )
    assert standing.refresh(memberships.newest()) == len(ids)
    assert list(Standing.objects.order_by("pk").values()) == before
    assert index_names() >= INDEXES


@pytest.mark.parametrize("forgotten", ["portfolio_id", "value_minor", "need", "as_of", "label"])
def test_a_refresh_that_forgot_a_column_would_be_seen(
    world: World, monkeypatch: pytest.MonkeyPatch, forgotten: str
) -> None:
    kept = {name: kind for name, kind in standing._KEPT.items() if name != forgotten}
    ids = live_through_two_quarters(world)
    before = list(Standing.objects.order_by("pk").values())
    Standing.objects.update(
        portfolio_id=world.portfolios["New"], value_minor=1, need="?", as_of=END, label="?"
    )
    monkeypatch.setattr(standing, "_KEPT", kept)
    assert standing.refresh(memberships.newest()) == len(ids)
    assert list(Standing.objects.order_by("pk").values()) != before


ODD = ['The "Corner", Ltd', '"', "", "two\nlines", "a,b"]


def renamed(world: World) -> dict[str, str]:
    """Call customers what a file of commas would trip over; give the labels shown."""
    ids = add_customers(len(ODD), world.now)
    for key, label in zip(ids, ODD, strict=True):
        Customer.objects.filter(pk=key).update(label=label)
    standing.refresh(memberships.newest())
    shown = dict(Standing.objects.values_list("pk", "label"))
    return {label: shown[key] for key, label in zip(ids, ODD, strict=True)}


def test_labels_that_look_like_columns_are_read_as_they_are(world: World) -> None:
    assert renamed(world) == {label: label for label in ODD}


@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL writes its own")
def test_quotes_that_nobody_doubled_would_be_noticed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The broken twin."""
    as_is = bulk._in_csv
    monkeypatch.setattr(bulk, "_in_csv", lambda *of, doubled: as_is(*of, doubled=False))
    with pytest.raises((AssertionError, pl.exceptions.PolarsError)):
        assert renamed(world) == {label: label for label in ODD}


INDEXES = {"standing_by_value", "standing_by_risk", "standing_by_label", "standing_filtered"}


def index_names() -> set[str]:
    with connection.cursor() as cursor:
        found = connection.introspection.get_constraints(cursor, Standing._meta.db_table)
    return set(found)


def live_through_two_quarters(world: World) -> list[str]:
    """Valued, assigned, handed over, covered, renamed in letters that a file could trip over."""
    ids = add_customers(6, world.now)
    first = [(each, 100 + n, "top", "fresh") for n, each in enumerate(ids[:3])]
    run = value(figures(first), as_of=AS_OF, now=world.now)
    assign(actor=SYSTEM, now=world.now, as_of=AS_OF, run=run)
    hand_over(
        actor=SYSTEM,
        now=world.now,
        customer_ids=ids[1:],
        to_portfolio_id=world.portfolios["Rest"],
        reason="moved house",
    )
    arrange_cover(
        actor=world.actor("eve"),
        now=world.now,
        portfolio_id=world.portfolios["Rest"],
        deputy_id=world.people["ana"].id,
        starts_at=world.now,
        ends_at=world.now + timedelta(days=9),
        reason="on leave",
    )
    Customer.objects.filter(pk=ids[0]).update(label="renamed")
    Customer.objects.filter(pk=ids[5]).update(label='Said "hm",\n 7\x7f é, 100 %s')
    later = datetime(2026, 4, 2, tzinfo=UTC)
    then = figures(
        [(ids[0], 2**62, "base", None), (ids[3], -7, "top", "fresh"), (ids[4], 0, "base", None)]
    ).with_columns(probability=pl.Series([0.1 + 0.2, 1 / 3, 1e-300]))
    run = value(then, as_of=NEXT, now=later)
    assign(actor=SYSTEM, now=later, as_of=NEXT, run=run)
    kept = Standing.objects.get(pk=ids[0])
    assert (kept.value_minor, kept.probability_of_purchase) == (2**62, 0.1 + 0.2)
    assert kept.label == "renamed"
    assert Standing.objects.get(pk=ids[5]).label == 'Said "hm",\n 7\x7f é, 100 %s'
    return ids
