"""The most valuable whom a manager has room for are within the fence; it does not flap."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import polars as pl
import pytest
from django.test import Client

from patronage.access.company import load_company
from patronage.access.errors import NotAllowed, NotFound
from patronage.access.models import AuditEntry, User
from patronage.access.roles import SYSTEM
from patronage.govern import actions, fence, jobs
from patronage.govern.errors import CannotFence, NoReason
from patronage.govern.models import FenceChange, Standing
from patronage.govern.reads.fence import fence_changes, fence_place, fences, moves_of
from patronage.vocabulary.company import CompanyError, parse_company

from .world import COMPANY, World, add_customers, figures, value

QUARTERS = [
    *(date(2025, month, day) for month, day in ((3, 31), (6, 30), (9, 30), (12, 31))),
    *(date(2026, month, day) for month, day in ((3, 31), (6, 30), (9, 30), (12, 31))),
]


def fenced_company(capacity: int) -> str:
    return COMPANY.replace(
        'default_ruling = "block"', f'default_ruling = "block"\nfence_capacity = {capacity}'
    )


def declare(now: datetime, capacity: int) -> None:
    load_company(actor=SYSTEM, now=now, text=fenced_company(capacity), reason="tests")


def assigned(ids: list[str], values: list[int], as_of: date, tier: str = "base") -> None:
    now = datetime(as_of.year, as_of.month, as_of.day, tzinfo=UTC) + timedelta(days=2)
    rows = [(key, worth, tier, None) for key, worth in zip(ids, values, strict=True)]
    run = value(figures(rows), as_of=as_of, now=now)
    jobs.assign(actor=SYSTEM, now=now, as_of=as_of, run=run)


def test_the_most_valuable_within_the_capacity_are_inside(world: World) -> None:
    declare(world.now, 2)
    ids = add_customers(4, world.now)
    assigned(ids, [500, 900, 700, -5], QUARTERS[0])
    assert fence.fenced_now() == {ids[1], ids[2]}
    entry = AuditEntry.objects.get(action="move the fence")
    assert (entry.before, entry.change) == (
        {"inside": 0},
        {"inside": 2, "entered": 2, "left": 0, "capacity": 2},
    )


def test_values_below_zero_are_never_inside(world: World) -> None:
    declare(world.now, 9)
    ids = add_customers(2, world.now)
    assigned(ids, [-1, 0], QUARTERS[0])
    assert not fence.fenced_now()


#: the customer outside wanders about the value of the one inside, by less than the margin
WANDERS = [990, 1010, 980, 1050, 1005, 940, 1099, 995]


def test_who_is_in_stays_until_somebody_is_worth_more_by_the_margin(world: World) -> None:
    declare(world.now, 1)
    ids = add_customers(2, world.now)
    seen = []
    for as_of, other in zip(QUARTERS, WANDERS, strict=True):
        assigned(ids, [1000, other], as_of)
        seen.append(fence.fenced_now())
    assert seen == [{ids[0]}] * 8
    assert FenceChange.objects.count() == 1


def test_without_the_margin_they_change_places_again_and_again() -> None:
    """The broken twin: the same values with no margin take turns within the fence."""

    def inside(margin: float) -> list[str]:
        found, was = [], ""
        for other in WANDERS:
            frame = pl.DataFrame({"customer_id": ["a", "b"], "value_minor": [1000, other]})
            told = frame.with_columns(was=pl.col("customer_id") == was)
            was = fence.chosen(told, 1, margin).item()
            found.append(was)
        return found

    assert inside(0.1) == ["a"] * 8
    assert sum(one != other for one, other in pairwise(inside(0.0))) == 6


def test_the_fence_grows_with_the_capacity_and_every_step_is_on_record(world: World) -> None:
    ids = add_customers(5, world.now)
    for capacity, as_of in zip((1, 3, 4), QUARTERS, strict=False):
        declare(world.now, capacity)
        assigned(ids, [500, 400, 300, 200, 100], as_of)
        assert len(fence.fenced_now()) == capacity
    steps = fence_changes(world.actor("cho"), world.now)
    assert [(each.entered, each.left) for each in moves_of(steps)] == [(1, 0), (2, 0), (1, 0)]
    assert {step.cause for step in steps} == {"value"}
    grown = AuditEntry.objects.filter(action="move the fence").order_by("pk")
    assert [each.change["inside"] for each in grown] == [1, 3, 4]


def test_a_persons_word_stands_above_value_and_takes_a_place(world: World) -> None:
    declare(world.now, 2)
    ids = add_customers(4, world.now)
    assigned(ids, [500, 400, 300, 200], QUARTERS[0])
    cho = world.actor("cho")
    given = {"actor": cho, "now": world.now}
    with pytest.raises(CannotFence, match="All 2 places"):
        actions.set_fence(customer_id=ids[3], inside=True, reason="founder", **given)  # type: ignore[arg-type]
    actions.set_fence(customer_id=ids[0], inside=False, reason="asked for news", **given)  # type: ignore[arg-type]
    actions.set_fence(customer_id=ids[3], inside=True, reason="founder", **given)  # type: ignore[arg-type]
    assert fence.fenced_now() == {ids[1], ids[3]}
    assigned(ids, [500, 400, 900, 200], QUARTERS[1])
    assert fence.fenced_now() == {ids[2], ids[3]}
    actions.set_fence(customer_id=ids[3], inside=None, reason="as the others", **given)  # type: ignore[arg-type]
    assert fence.fenced_now() == {ids[2], ids[3]}, "until the next assignment"
    assigned(ids, [500, 400, 900, 200], QUARTERS[2])
    assert fence.fenced_now() == {ids[1], ids[2]}
    place = fence_place(cho, ids[0], world.now)
    assert (place.inside, place.by_hand, place.reason) == (False, True, "asked for news")
    (mine,) = fences(cho, world.now)
    assert [one.customer_id for one in mine.inside] == [ids[2], ids[1]]


def test_who_moves_to_a_portfolio_without_a_fence_leaves_it_at_the_next_assignment(
    world: World,
) -> None:
    declare(world.now, 2)
    ids = add_customers(2, world.now)
    assigned(ids, [500, 400], QUARTERS[0])
    # the second one is at the edge of the tier, and stays
    assigned(ids, [50_000, 1000], QUARTERS[1], tier="top")
    names = dict(Standing.objects.values_list("pk", "portfolio__name"))
    assert [names[key] for key in ids] == ["Top", "Rest"]
    assert fence.fenced_now() == {ids[1]}
    steps = fence_changes(world.actor("eve"), world.now, customer_id=ids[0])
    assert [step.cause for step in steps] == ["no_fence", "value"]


def test_what_cannot_be_is_refused(world: World) -> None:
    declare(world.now, 2)
    (key,) = add_customers(1, world.now)
    dev = world.actor("dev")

    def put(inside: bool | None, reason: str = "x", who: str = "dev") -> None:
        actions.set_fence(
            actor=world.actor(who), now=world.now, customer_id=key, inside=inside, reason=reason
        )

    with pytest.raises(CannotFence, match="'New' has no fence"):
        put(True)
    with pytest.raises(CannotFence, match="decides already"):
        put(None)
    with pytest.raises(NoReason):
        put(False, reason=" ")
    with pytest.raises(NotFound):
        put(False, who="ana")
    with pytest.raises(NotAllowed):
        put(False, who="gus")
    put(False)
    with pytest.raises(CannotFence, match=r"already that .* outside"):
        put(False)
    assert fences(dev, world.now) == []


@pytest.mark.parametrize("place", ["", "inside", "In"])
def test_a_form_that_names_no_place_fences_nobody(world: World, client: Client, place: str) -> None:
    declare(world.now, 2)
    ids = add_customers(1, world.now)
    assigned(ids, [1000], QUARTERS[0], tier="top")
    client.force_login(User.objects.get(pk=world.actor("eve").id))
    before = FenceChange.objects.count()
    answer = client.post(f"/customers/{ids[0]}/fence", {"place": place, "reason": "x"})
    assert "inside, outside, or by value" in answer.content.decode()
    assert FenceChange.objects.count() == before


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("fence_capacity = 2", "fence_capacity = -1"), "fence_capacity is -1"),
        (('name = "Corner Stores"', 'name = "C"\nfence_margin = 1.0'), "fence_margin is 1.0"),
        (("cost_minor = 45", 'cost_minor = 45\nkind = "spam"'), "one of pushed, answered"),
    ],
)
def test_a_declaration_that_cannot_be_is_refused(change: tuple[str, str], told: str) -> None:
    text = fenced_company(2)
    assert change[0] in text
    with pytest.raises(CompanyError, match=told):
        parse_company(text.replace(*change))
