"""A read-out finds the effect that was planted, none where there is none, and says what it is."""

from __future__ import annotations

import csv
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from patronage.access import datasets
from patronage.access.datasets import close_warehouses
from patronage.access.errors import NotAllowed, NotFound
from patronage.access.roles import SYSTEM, Actor, Role
from patronage.customize.models import Decision, DecisionRun, Holdout
from patronage.learn.errors import NoDecisions
from patronage.learn.figures import comparison
from patronage.learn.jobs import read_out
from patronage.learn.models import ReadOut
from patronage.learn.reads import read_out as one
from patronage.learn.reads import read_outs
from patronage.science.evidence import (
    difference_in_means,
    difference_in_proportions,
    sample_ratio_test,
)

from ..interact.world import AS_OF, AT, add_offer, add_run
from .world import (
    IN_TIME,
    LATER,
    MARGIN,
    Decided,
    buy,
    coupons,
    decide,
    last_order,
    offers,
    products,
    redemptions,
    send,
    store,
)

pytestmark = pytest.mark.django_db
APPLES = {"prd_apples": "APPLES", "prd_soap": "SOAP", "prd_tins": "TINS"}


@pytest.fixture(autouse=True)
def closed_afterwards() -> Any:
    yield
    close_warehouses()


def read(now: datetime = LATER) -> ReadOut:
    return read_out(actor=SYSTEM, now=now, as_of=AS_OF)


def planted(decided: Decided, effect_minor: int, *, seed: int = 11) -> np.ndarray[Any, Any]:
    """Spend of each customer: skewed, half buy nothing, the treated spend `effect` more."""
    random = np.random.default_rng(seed)
    n = len(decided.customer_ids)
    spend = np.where(random.random(n) < 0.5, random.gamma(2.0, 2000.0, n), 0.0)
    spend = np.where(decided.held_out, spend, spend + effect_minor)
    return np.asarray(np.rint(spend).astype(np.int64))


def keep(decided: Decided, spend: np.ndarray[Any, Any]) -> None:
    store("order_lines", buy(decided.customer_ids, spend.tolist()), last_order())
    store("products", products(APPLES))


def test_a_planted_effect_is_covered_and_found() -> None:
    decided = decide(4000)
    keep(decided, planted(decided, 1000))
    figures = read().figures
    revenue, margin = figures["revenue_minor"], figures["margin_minor"]
    assert revenue["low"] < 1000 < revenue["high"]
    assert revenue["low"] > 0
    assert margin["low"] < 1000 * MARGIN < margin["high"]
    assert figures["sample_ratio"]["sound"]


def test_where_nothing_was_planted_the_interval_covers_zero() -> None:
    decided = decide(4000)
    keep(decided, planted(decided, 0))
    revenue = read().figures["revenue_minor"]
    assert revenue["low"] < 0 < revenue["high"]


def test_figures_are_those_of_the_arithmetic_on_the_planted_amounts() -> None:
    decided = decide(1000)
    spend = planted(decided, 300)
    keep(decided, spend)
    figures = read().figures
    expected = difference_in_means(spend[~decided.held_out], spend[decided.held_out])
    assert figures["revenue_minor"]["estimate"] == pytest.approx(expected.estimate, rel=1e-12)
    assert figures["revenue_minor"]["low"] == pytest.approx(expected.interval.low, rel=1e-12)
    assert figures["everybody"]["revenue_minor"] == figures["revenue_minor"]
    held = int(decided.held_out.sum())
    ratio = sample_ratio_test([1000 - held, held], [0.9, 0.1])
    assert figures["sample_ratio"]["p_value"] == pytest.approx(ratio.p_value)
    arms = figures["arms"]
    assert arms["treated"]["customers"] + arms["held_out"]["customers"] == 1000
    total = arms["treated"]["revenue_minor"] + arms["held_out"]["revenue_minor"]
    assert total == spend.sum()


def test_only_the_window_counts_to_the_instant() -> None:
    """A purchase at its first and last instants counts; one before or after does not."""
    decided = decide(200)
    first = decided.customer_ids[0]
    end = datetime(2026, 4, 2, 4, tzinfo=UTC)
    inside = [AT, end - timedelta(microseconds=1)]
    outside = [AT - timedelta(microseconds=1), end]
    store("order_lines", *(buy([first], [100], at=at) for at in inside + outside), last_order())
    found = read()
    assert (found.window_starts_at, found.window_ends_at) == (AT, end)
    arms = found.figures["arms"]
    revenue = sum(arms[name]["revenue_minor"] for name in arms)
    assert revenue == 200


def test_the_outcomes_pend_until_the_history_reaches_the_windows_end() -> None:
    decided = decide(200)
    store("order_lines", buy(decided.customer_ids, [100] * 200))
    found = read()
    assert found.state == "pending"
    assert found.figures["verdict"].startswith("outcomes pending: the window ends with 2026-04-01")
    assert set(found.figures) == {"verdict"}
    keep(decided, planted(decided, 100))
    again = read()
    assert (again.id, again.state) == (found.id, "read")
    assert ReadOut.objects.count() == 1


def test_the_outcomes_pend_while_the_window_is_still_running() -> None:
    decided = decide(200)
    keep(decided, planted(decided, 100))
    assert read(now=AT + timedelta(days=90)).state == "pending"


def test_without_any_history_the_outcomes_pend() -> None:
    decide(20)
    assert "there is no history" in read().figures["verdict"]


def test_what_was_read_out_never_changes() -> None:
    decided = decide(500)
    keep(decided, planted(decided, 100))
    first = read()
    keep(decided, planted(decided, 9000))
    again = read(now=LATER + timedelta(days=1))
    assert (again.figures, again.read_at) == (first.figures, first.read_at)
    assert datasets.head("outcomes") == first.manifest


def test_decisions_recorded_after_the_window_say_that_the_difference_is_no_effect() -> None:
    decided = decide(500, created_at=LATER)
    keep(decided, planted(decided, 100))
    found = read()
    assert found.replayed
    assert found.figures["verdict"] == (
        "replayed history: the retailer never made these offers, so this is not an effect"
    )
    assert "never made" in found.figures["return_on_spend"]["undetermined"]


def test_decisions_recorded_in_time_are_no_replay() -> None:
    decided = decide(500)
    keep(decided, planted(decided, 100))
    found = read()
    assert not found.replayed
    assert "held out at random" in found.figures["verdict"]


def test_a_holdout_that_was_tampered_with_forbids_reading_an_effect() -> None:
    arm = np.zeros(1000, dtype=np.bool_)
    arm[:200] = True
    decided = decide(1000, held_out=arm)
    keep(decided, planted(decided, 100))
    figures = read().figures
    assert figures["sample_ratio"]["sound"] is False
    assert "find out why before reading any effect" in figures["verdict"]


def test_nobody_held_out_leaves_the_figures_undetermined_not_zero() -> None:
    decided = decide(300, held_out=np.zeros(300, dtype=np.bool_))
    Holdout.objects.update(share=0.0)
    keep(decided, planted(decided, 100))
    figures = read().figures
    for name in ("revenue_minor", "margin_minor", "bought", "sample_ratio", "return_on_spend"):
        assert "undetermined" in figures[name], name


def test_the_outcomes_land_in_the_warehouse_one_a_decision() -> None:
    decided = decide(300)
    spend = planted(decided, 100)
    keep(decided, spend)
    found = read()
    rows = datasets.warehouse().polars(datasets.read("outcomes", found.manifest))
    assert rows.height == 300
    assert rows["revenue_minor"].sum() == spend.sum()
    assert set(rows["outcome_run_id"]) == {found.id}
    arms = dict(rows.group_by("arm").len().iter_rows())
    assert arms == {"held out": decided.held_out.sum(), "treated": (~decided.held_out).sum()}


def test_the_return_on_spend_covers_the_planted_one() -> None:
    """Each contact costs 45 and brings 1000 × 0.25 margin: a return of 250 / 45 − 1."""
    decided = decide(4000)
    keep(decided, planted(decided, 1000))
    send(decided)
    earned = read().figures["return_on_spend"]
    treated = int((~decided.held_out).sum())
    assert earned["cost_minor"] == treated * 45
    assert earned["low"] < 250 / 45 - 1 < earned["high"]


def test_a_redemption_costs_in_proportion_to_the_face_value_sent() -> None:
    """The offer's redemption costs 10 at a face value of 100; contacts went out with 50."""
    decided = decide(400)
    keep(decided, planted(decided, 100))
    send(decided)
    some = [
        each for each, held in zip(decided.customer_ids, decided.held_out, strict=True) if not held
    ][:3]
    store("coupon_products", coupons({"c1": ["prd_apples"]}))
    store("redemptions", redemptions([(each, "c1", AT) for each in some]))
    figures = read().figures
    treated = figures["arms"]["treated"]
    assert treated["redeemed"] == 3
    assert treated["cost_minor"] == treated["sent"] * 45 + 3 * 5


def test_hits_are_judged_beside_the_most_popular_offer() -> None:
    """Everybody was offered apples; soap was the favourite before.

    Of the 40 customers who redeem in the window, 30 redeem apples, 10 soap, 5 of them both.
    """
    decided = decide(200)
    soap = add_offer(decided.world.team, "soap")
    add_offer(decided.world.team, "tins", ref="never redeemed")
    DecisionRun.objects.filter(pk=decided.run.pk).update(offers=[decided.run.offers[0], soap.id])
    keep(decided, planted(decided, 0))
    store("coupon_products", coupons({"a": ["prd_apples"], "s": ["prd_soap"], "t": ["prd_tins"]}))
    ids = decided.customer_ids
    before = [(ids[n], "s", AT - timedelta(days=n + 1)) for n in range(7)]
    before += [(ids[n], "a", AT - timedelta(days=n + 1)) for n in range(6)]
    inside = [(each, "a", AT) for each in ids[:30]] + [(each, "s", AT) for each in ids[25:35]]
    inside += [(each, "t", AT) for each in ids[35:40]]
    after = [(each, "a", LATER) for each in ids[100:150]]
    store("redemptions", redemptions(before + inside + after))
    hits = read().figures["hit_rate"]
    assert hits["customers_who_redeemed"] == 40
    assert hits["baseline_offer_id"] == soap.id
    assert (hits["chosen"]["hits"], hits["chosen"]["customers"]) == (30, 40)
    assert (hits["baseline"]["hits"], hits["baseline"]["customers"]) == (10, 40)
    paired = hits["paired"]
    assert (paired["both"], paired["chosen_only"], paired["baseline_only"]) == (5, 25, 5)
    assert paired["interval"]["estimate"] == pytest.approx(0.5)


def test_customers_for_whom_nothing_was_chosen_are_in_neither_rate() -> None:
    decided = decide(100)
    ids = decided.customer_ids
    Decision.objects.filter(customer__in=ids[:10]).update(outcome="nothing", treatment=None)
    keep(decided, planted(decided, 0))
    store("coupon_products", coupons({"a": ["prd_apples"]}))
    before = [(ids[0], "a", AT - timedelta(days=1))]
    store("redemptions", redemptions(before + [(each, "a", AT) for each in ids[5:20]]))
    hits = read().figures["hit_rate"]
    assert hits["customers_who_redeemed"] == 15
    assert hits["chosen"]["customers"] == hits["baseline"]["customers"] == 10


def test_a_coupon_belongs_to_the_category_of_most_of_its_products() -> None:
    decided = decide(100)
    keep(decided, planted(decided, 0))
    more = APPLES | {"prd_pears": "APPLES", "prd_brush": "SOAP"}
    store("products", products(more))
    covered = {
        "mostly_apples": ["prd_apples", "prd_pears", "prd_soap"],
        "mostly_soap": ["prd_apples", "prd_soap", "prd_brush"],
        "tie": ["prd_tins", "prd_apples"],
    }
    store("coupon_products", coupons(covered))
    ids = decided.customer_ids
    rows = [(ids[0], "mostly_apples", AT), (ids[1], "mostly_soap", AT), (ids[2], "tie", AT)]
    store("redemptions", redemptions([*rows, (ids[9], "tie", AT - timedelta(days=1))]))
    hits = read().figures["hit_rate"]
    assert (hits["chosen"]["hits"], hits["chosen"]["customers"]) == (2, 3)
    assert [each.category for each in offers(decided)] == ["APPLES"]


def test_without_earlier_redemptions_there_is_no_baseline() -> None:
    decided = decide(100)
    keep(decided, planted(decided, 0))
    assert "undetermined" in read().figures["hit_rate"]


def test_a_date_nobody_was_decided_for_is_refused(db: None) -> None:
    with pytest.raises(NoDecisions, match="Decide as of that date first"):
        read()


def test_only_those_with_the_right_read_out_or_see_it() -> None:
    decided = decide(100)
    agent = Actor(id="usr_a", name="Gil", roles=frozenset({Role.AGENT}))
    analyst = Actor(id="usr_b", name="Ann", roles=frozenset({Role.ANALYST}))
    with pytest.raises(NotAllowed):
        read_out(actor=agent, now=LATER, as_of=AS_OF)
    keep(decided, planted(decided, 0))
    found = read_out(actor=analyst, now=LATER, as_of=AS_OF)
    assert [each.id for each in read_outs(analyst).read_outs] == [found.id]
    assert one(analyst, found.id) == found
    with pytest.raises(NotAllowed):
        read_outs(agent)
    with pytest.raises(NotFound):
        one(analyst, "rdo_none")


def test_read_outs_are_paged_by_date_newest_first() -> None:
    decided = decide(20)
    days = [AS_OF, date(2025, 9, 30), date(2025, 6, 30)]
    for day in days[1:]:
        add_run(decided.world.version, day, offers=[], created_at=IN_TIME)
    for day in reversed(days):
        read_out(actor=SYSTEM, now=LATER, as_of=day)
    first = read_outs(SYSTEM, limit=2)
    assert [each.run.as_of for each in first.read_outs] == days[:2]
    rest = read_outs(SYSTEM, before=first.next, limit=2)
    assert [each.run.as_of for each in rest.read_outs] == days[2:]
    assert rest.next is None


def test_the_intervals_cover_the_planted_effect_as_often_as_they_say() -> None:
    """100 histories with one true effect: a 95 % interval misses 13 or more once in 2,000."""
    decided = decide(400)
    rows = pl.DataFrame({"held_out": decided.held_out})
    missed = 0
    for seed in range(100):
        spend = planted(decided, 700, seed=100 + seed)
        outcomes = rows.with_columns(
            outcome=pl.when(pl.col("held_out"))
            .then(pl.lit("withheld"))
            .otherwise(pl.lit("offered")),
            sent=pl.lit(value=False),
            purchases=pl.Series((spend > 0).astype(np.int64)),
            redeemed=pl.lit(value=False),
            revenue_minor=pl.Series(spend),
            margin_minor=pl.Series(spend // 4),
            cost_minor=pl.lit(0),
        )
        found = comparison(outcomes, 0.1)["revenue_minor"]
        missed += not found["low"] < 700 < found["high"]
    assert missed <= 12


def test_hillstroms_mailing_read_out_as_decisions_gives_the_published_averages(
    published_data: Path,
) -> None:
    """Men's mail is the treatment, no mail the holdout; a visit is not in an order history."""
    with (published_data / "hillstrom" / "hillstrom.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["segment"] != "Womens E-Mail"]
    held = np.array([row["segment"] == "No E-Mail" for row in rows])
    cents = np.array([round(float(row["spend"]) * 100) for row in rows])
    bought = np.array([row["conversion"] == "1" for row in rows])
    decided = decide(len(rows), held_out=held)
    Holdout.objects.update(share=0.5)
    keep(decided, cents)
    figures = read().figures
    revenue = figures["revenue_minor"]
    assert revenue["treated"] == pytest.approx(142.262, abs=5e-4)
    assert revenue["held_out"] == pytest.approx(65.279, abs=5e-4)
    expected = difference_in_means(cents[~held], cents[held])
    for name in ("estimate", "low", "high"):
        assert revenue[name] == pytest.approx(getattr(expected.interval, name), rel=1e-9)
    assert figures["bought"]["treated"] == pytest.approx(0.01253, abs=5e-6)
    assert figures["bought"]["held_out"] == pytest.approx(0.00573, abs=5e-6)
    counts = difference_in_proportions(
        treated_successes=int(bought[~held].sum()),
        n_treated=int((~held).sum()),
        control_successes=int(bought[held].sum()),
        n_control=int(held.sum()),
    )
    assert figures["bought"]["low"] == pytest.approx(counts.interval.low, rel=1e-9)
    assert figures["sample_ratio"]["sound"]
    assert not ReadOut.objects.get().replayed
    assert DecisionRun.objects.get().created_at == IN_TIME
