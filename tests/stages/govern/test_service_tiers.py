"""Value gives a service tier that does not flap; a manager's word holds until its day ends."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import polars as pl
import pytest
from django.db import IntegrityError, transaction

from patronage.access.company import current, load_company
from patronage.access.errors import NotAllowed, NotFound
from patronage.access.models import AuditEntry
from patronage.access.roles import SYSTEM
from patronage.differentiate.models import ValuationRun
from patronage.govern import actions, jobs, reads, service_tiers
from patronage.govern.actions import NewRule, checked_rules
from patronage.govern.boundaries import NewBoundary
from patronage.govern.errors import (
    BoundaryRefused,
    CannotServe,
    NoReason,
    PolicyRuleRefused,
    RuleRefused,
)
from patronage.govern.models import ServiceTierChange, ServiceTierOverride, Standing
from patronage.govern.reads.service_tiers import service_tier_of
from patronage.govern.service_tiers import placed_by_value
from patronage.vocabulary.company import CompanyError, ServiceTier, parse_company

from .world import COMPANY, World, add_customers, figures, value

TIERS = """
[[service_tiers]]
name = "dedicated"
title = "Dedicated"
from_value_minor = 1000
{capacity}
[[service_tiers]]
name = "pooled"
title = "Pooled"
from_value_minor = 100
[[service_tiers]]
name = "self-service"
title = "Self-service"
"""
#: ends of eight quarters
QUARTERS = [
    *(date(2025, month, day) for month, day in ((3, 31), (6, 30), (9, 30), (12, 31))),
    *(date(2026, month, day) for month, day in ((3, 31), (6, 30), (9, 30), (12, 31))),
]


def declare(now: datetime, *, capacity: str = "", more: str = "") -> None:
    text = COMPANY + TIERS.format(capacity=capacity) + more
    load_company(actor=SYSTEM, now=now, text=text, reason="tests")


def assigned(
    rows: list[tuple[str, int]], as_of: date, *, dry_run: bool = False
) -> jobs.AssignmentSummary:
    """Value as of a date and assign the day after it."""
    now = datetime(as_of.year, as_of.month, as_of.day, tzinfo=UTC) + timedelta(days=2)
    run = value(figures([(key, worth, "base", None) for key, worth in rows]), as_of=as_of, now=now)
    return jobs.assign(actor=SYSTEM, now=now, as_of=as_of, run=run, dry_run=dry_run)


def tiers_over(world: World, values: list[int], tiers: tuple[ServiceTier, ...]) -> list[str]:
    """The tier of one customer after each of these values, by the pure function alone."""
    was, found = None, []
    for worth in values:
        frame = pl.DataFrame(
            {"customer_id": ["a"], "value_minor": [worth], "was": [was]},
            schema={"customer_id": pl.String, "value_minor": pl.Int64, "was": pl.String},
        )
        was = placed_by_value(frame, tiers, {})["tier"].item()
        found.append(was)
    return found


#: about the threshold of 1000, whose margin is 10 %
WANDERS = [1001, 999, 1005, 950, 1040, 905, 1099, 996]


def changes(names: list[str]) -> int:
    return sum(before != after for before, after in pairwise(names))


def test_a_value_that_wanders_about_the_line_moves_nobody_twice(world: World) -> None:
    declare(world.now)
    (key,) = add_customers(1, world.now)
    stored = []
    for as_of, worth in zip(QUARTERS, WANDERS, strict=True):
        assigned([(key, worth)], as_of)
        stored.append(Standing.objects.get(pk=key).service_tier)
    assert stored == ["dedicated"] * 8
    rows = ServiceTierChange.objects.values_list("tier", "cause", "value_minor")
    assert list(rows) == [("dedicated", "value", 1001)]


def test_without_hysteresis_the_same_value_flaps(world: World) -> None:
    """The broken twin: with no margin the same eight quarters move the customer seven times."""
    declare(world.now)
    tiers = current().company.service_tiers
    assert changes(tiers_over(world, WANDERS, tiers)) == 0
    without = tuple(replace(tier, margin=0.0) for tier in tiers)
    assert changes(tiers_over(world, WANDERS, without)) == 7


def test_crossing_the_line_for_good_moves_once_each_way(world: World) -> None:
    declare(world.now)
    tiers = current().company.service_tiers
    falls = [2000, 899, 950, 1050, 1099, 1100, 901, 900, 899, 5]
    assert tiers_over(world, falls, tiers) == [
        "dedicated",
        *["pooled"] * 4,
        *["dedicated"] * 3,
        "pooled",
        "self-service",
    ]


def test_a_threshold_below_zero_has_its_margin_on_the_right_sides(world: World) -> None:
    tiers = (
        ServiceTier(name="a", title="A", from_value_minor=-100, margin=0.1),
        ServiceTier(name="b", title="B"),
    )
    assert tiers_over(world, [-100, -110, -111, -91, -90], tiers) == ["a", "a", "b", "b", "a"]


def test_capacity_takes_the_most_valuable_and_keeps_who_is_in(world: World) -> None:
    declare(world.now, capacity="capacity = 2")
    ids = add_customers(4, world.now)
    assigned(list(zip(ids, [5000, 4000, 3000, 50], strict=True)), QUARTERS[0])
    told = service_tiers.of_some(ids, datetime(2025, 4, 2, tzinfo=UTC), current().company)
    assert [told[key] for key in ids] == ["dedicated", "dedicated", "pooled", "self-service"]
    assert set(ServiceTierChange.objects.values_list("tier", "cause")) == {
        ("dedicated", "value"),
        ("pooled", "capacity"),
    }
    # 5 % more than the least of those inside is not enough; 20 % is
    assigned(list(zip(ids, [5000, 4000, 4200, 50], strict=True)), QUARTERS[1])
    assert Standing.objects.filter(service_tier="dedicated").count() == 2
    assert Standing.objects.get(pk=ids[2]).service_tier == "pooled"
    assigned(list(zip(ids, [5000, 4000, 4800, 50], strict=True)), QUARTERS[2])
    inside = Standing.objects.filter(service_tier="dedicated").values_list("pk", flat=True)
    assert set(inside) == {ids[0], ids[2]}


def test_a_dry_run_says_what_would_change_and_stores_nothing(world: World) -> None:
    declare(world.now)
    ids = add_customers(2, world.now)
    rows = list(zip(ids, [2000, 500], strict=True))
    tried = assigned(rows, QUARTERS[0], dry_run=True)
    assert [dict(each) for each in tried.service_changes] == [
        {
            "from_tier": "self-service",
            "to_tier": tier,
            "cause": "value",
            "customers": 1,
            "value_minor": worth,
        }
        for tier, worth in (("dedicated", 2000), ("pooled", 500))
    ]
    assert not ServiceTierChange.objects.exists()
    done = jobs.assign(
        actor=SYSTEM,
        now=world.now,
        as_of=QUARTERS[0],
        run=ValuationRun.objects.get(),
    )
    assert done.service_changes == tried.service_changes
    written = AuditEntry.objects.get(action="assign portfolios").change["service_tiers"]
    assert written == [dict(each) for each in tried.service_changes]


def test_the_queue_follows_the_tier_where_the_policy_asks_for_it(world: World) -> None:
    declare(world.now)
    text = (COMPANY + TIERS.format(capacity="")).replace(
        "when = \"tier = 'top'\"", "when = \"service_tier = 'dedicated'\""
    )
    load_company(actor=SYSTEM, now=world.now, text=text, reason="tests")
    ids = add_customers(2, world.now)
    assigned(list(zip(ids, [2000, 500], strict=True)), QUARTERS[0])
    names = dict(Standing.objects.values_list("pk", "portfolio__name"))
    assert [names[key] for key in ids] == ["Top", "Rest"]
    moves = [assigned([(ids[0], worth), (ids[1], 500)], as_of).moved
             for as_of, worth in zip(QUARTERS[1:], WANDERS[1:], strict=True)]  # fmt: skip
    assert moves == [0] * 7


def test_a_managers_word_holds_until_its_day_is_over_and_returns_by_itself(world: World) -> None:
    declare(world.now)
    (key,) = add_customers(1, world.now)
    assigned([(key, 500)], QUARTERS[0])
    company, now = current().company, world.now
    today = now.date()
    actions.override_service_tier(
        actor=world.actor("cho"),
        now=now,
        customer_id=key,
        tier="dedicated",
        reason="opens ten shops",
        until=today + timedelta(days=9),
    )
    standing = Standing.objects.get(pk=key)
    last = now + timedelta(days=9)
    assert service_tiers.of_one(standing, last, company) == "dedicated"
    frame = pl.DataFrame({"customer_id": [key]})
    assert service_tiers.with_tier(frame, last, company)["service_tier"].to_list() == ["dedicated"]
    after = now + timedelta(days=11)
    assert service_tiers.of_one(standing, after, company) == "pooled"
    assert service_tiers.with_tier(frame, after, company)["service_tier"].to_list() == ["pooled"]
    found = service_tier_of(world.actor("cho"), key, now)
    assert (found.tier, found.by_value, found.reason, found.set_by) == (
        *("dedicated", "pooled", "opens ten shops", "Cho"),
    )
    assert found.until == today + timedelta(days=9)
    entry = AuditEntry.objects.get(action="set service tier")
    assert (entry.before["service_tier"], entry.change["service_tier"]) == ("pooled", "dedicated")


def test_lists_count_and_find_by_the_tier_in_force(world: World) -> None:
    declare(world.now)
    ids = add_customers(3, world.now)
    assigned(list(zip(ids, [2000, 500, 5], strict=True)), QUARTERS[0])
    cho, rest = world.actor("cho"), world.portfolios["Rest"]

    def found(tier: str) -> list[str]:
        page = reads.page(cho, world.now, portfolio_id=rest, service_tier=tier)
        assert page.total == len(page.rows)
        assert {row.service_tier for row in page.rows} <= {tier}
        return [row.customer_id for row in page.rows]

    assert [found(name) for name in ("dedicated", "pooled", "self-service")] == [
        [each] for each in ids
    ]
    actions.override_service_tier(
        actor=cho, now=world.now, customer_id=ids[2], tier="dedicated", reason="a friend"
    )
    assert (found("dedicated"), found("self-service")) == ([ids[0], ids[2]], [])
    (summary,) = [
        each for each in reads.portfolio_summary(cho, world.now) if each.portfolio.id == rest
    ]
    assert dict(summary.service_tiers) == {"dedicated": 2, "pooled": 1, "self-service": 0}
    actions.end_service_override(actor=cho, now=world.now, customer_id=ids[2], reason="done")
    assert (found("dedicated"), found("self-service")) == ([ids[0]], [ids[2]])


def test_a_second_word_supersedes_the_first(world: World) -> None:
    declare(world.now)
    (key,) = add_customers(1, world.now)
    cleo = world.actor("eve")
    for tier in ("dedicated", "pooled"):
        actions.override_service_tier(
            actor=cleo, now=world.now, customer_id=key, tier=tier, reason="so be it"
        )
    stands = service_tiers.overrides_at(world.now + timedelta(seconds=1))
    assert [each.tier for each in stands] == ["pooled"]
    history = service_tier_of(cleo, key, world.now).history
    assert [step.cause for step in history] == ["person", "person"]


def test_what_cannot_be_is_refused_with_what_to_do(world: World) -> None:
    (key,) = add_customers(1, world.now)
    dev = world.actor("dev")

    def say(**more: object) -> None:
        given = {"tier": "dedicated", "reason": "x", **more}
        actions.override_service_tier(actor=dev, now=world.now, customer_id=key, **given)  # type: ignore[arg-type]

    with pytest.raises(CannotServe, match="declares no service tiers"):
        say()
    declare(world.now, capacity="capacity = 0")
    with pytest.raises(CannotServe, match=r"'dedicted'.*Use one of dedicated, pooled"):
        say(tier="dedicted")
    with pytest.raises(CannotServe, match="All 0 places of 'Dedicated' are taken"):
        say()
    with pytest.raises(NoReason):
        say(reason=" ")
    with pytest.raises(CannotServe, match="over already"):
        say(tier="pooled", until=world.now.date() - timedelta(days=2))
    with pytest.raises(CannotServe, match="nobody set a tier"):
        actions.end_service_override(actor=dev, now=world.now, customer_id=key, reason="x")
    assert not ServiceTierOverride.objects.exists()


def test_nobody_says_how_other_peoples_customers_are_served(world: World) -> None:
    declare(world.now)
    (key,) = add_customers(1, world.now)
    given = {"now": world.now, "customer_id": key, "tier": "pooled", "reason": "x"}
    with pytest.raises(NotFound):
        actions.override_service_tier(actor=world.actor("ana"), **given)  # type: ignore[arg-type]
    with pytest.raises(NotAllowed):
        actions.override_service_tier(actor=world.actor("gus"), **given)  # type: ignore[arg-type]
    with pytest.raises(NotAllowed):
        service_tier_of(world.actor("gus"), key, world.now)


def test_the_store_itself_keeps_one_tier_an_instant(world: World) -> None:
    declare(world.now)
    (key,) = add_customers(1, world.now)
    assigned([(key, 2000)], QUARTERS[0])
    row = ServiceTierChange.objects.get()
    row.pk = None
    with pytest.raises(IntegrityError), transaction.atomic():
        row.save(force_insert=True)
    open_one = {"customer_id": key, "tier": "pooled", "reason": "x", "recorded_at": world.now}
    ServiceTierOverride.objects.create(starts_at=world.now, **open_one)
    later = world.now + timedelta(days=1)
    with pytest.raises(IntegrityError), transaction.atomic():
        ServiceTierOverride.objects.create(starts_at=later, **open_one)


def test_an_unknown_tier_in_a_rule_is_refused_where_it_is_saved(world: World) -> None:
    declare(world.now)
    good = "service_tier IN ('dedicated', 'pooled')"
    checked_rules([NewRule(name="a", effect="block", when=good)], SYSTEM)
    for bad in (
        "service_tier = 'dedicted'",
        "orders_90d > 1 AND NOT 'dedicted' <> service_tier",
        "service_tier IN ('pooled', 'dedicted')",
    ):
        with pytest.raises(PolicyRuleRefused, match=r"column .*no service tier 'dedicted'"):
            checked_rules([NewRule(name="a", effect="block", when=bad)], SYSTEM)
        wrong = NewBoundary(name="a", kind="law", when=bad, source="law")
        with pytest.raises(BoundaryRefused, match="dedicted"):
            actions.set_boundary(actor=world.actor("eve"), now=world.now, new=wrong, reason="x")
    with pytest.raises(PolicyRuleRefused, match="'gold'; use dedicated, pooled"):
        checked_rules([NewRule(name="a", effect="service_tier", service_tier="gold")], SYSTEM)
    text = (COMPANY + TIERS.format(capacity="")).replace("tier = 'top'\"", "service_tier = 'x'\"")
    load_company(actor=SYSTEM, now=world.now, text=text, reason="tests")
    (key,) = add_customers(1, world.now)
    with pytest.raises(RuleRefused, match="no service tier 'x'"):
        assigned([(key, 2000)], QUARTERS[0])


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("from_value_minor = 100\n", "from_value_minor = 1000\n"), "from the highest value down"),
        (("from_value_minor = 100\n", ""), "only the last tier has none"),
        (('title = "Self-service"', 'title = "S"\nfrom_value_minor = 1'), "takes everybody else"),
        (("from_value_minor = 100\n", "from_value_minor = 100\nmargin = 1.5\n"), "margin is 1.5"),
        (("from_value_minor = 100\n", "from_value_minor = 100\ncapacity = -1\n"), "capacity is -1"),
        (('name = "pooled"', 'name = "dedicated"'), "a name stands twice"),
    ],
)
def test_a_declaration_that_cannot_be_is_refused(change: tuple[str, str], told: str) -> None:
    text = COMPANY + TIERS.format(capacity="")
    assert change[0] in text
    with pytest.raises(CompanyError, match=told):
        parse_company(text.replace(*change))
