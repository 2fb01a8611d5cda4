"""Who is in charge at any date, and lists that show each customer once, to those who may see."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl
import pytest

from patronage.access.actor import actor_of_user
from patronage.access.errors import NotAllowed, NotFound
from patronage.access.people import revoke_role
from patronage.access.roles import SYSTEM, Actor, Role
from patronage.govern import memberships, reads, standing
from patronage.govern.actions import appoint, hand_over
from patronage.govern.errors import BadCursor, NotYetACustomer
from patronage.govern.models import Standing
from patronage.govern.reads.customers import Row, Sort
from patronage.identify import reads as identities

from .world import ENTERED, START, World, add_customers, figures, value

INSTANT = timedelta(microseconds=1)


@pytest.fixture
def valued(world: World) -> list[str]:
    """Thirty customers of the entry portfolio; some values are equal, some unknown."""
    ids = add_customers(30, world.now)
    rows = [
        (
            each,
            100 * (number // 3),
            "top" if number > 20 else "base",
            "fresh" if number % 2 else None,
        )
        for number, each in enumerate(ids[:24])
    ]
    value(figures(rows), as_of=date(2025, 12, 31), now=world.now)
    standing.refresh(memberships.newest())
    return ids


def everything(world: World, sort: Sort, limit: int, **asked: str) -> list[Row]:
    """Follow the cursor to the end."""
    rows: list[Row] = []
    after: str | None = None
    while True:
        page = reads.page(
            world.actor("dev"),
            world.now,
            portfolio_id=world.portfolios["New"],
            sort=sort,
            after=after,
            limit=limit,
            **asked,
        )
        rows += page.rows
        after = page.next
        if after is None:
            assert len(rows) == page.total
            return rows


@pytest.mark.parametrize("limit", [1, 7, 29, 30, 200])
@pytest.mark.parametrize("sort", ["value", "risk", "label"])
def test_pages_show_everybody_once_and_in_order(
    world: World, valued: list[str], sort: Sort, limit: int
) -> None:
    rows = everything(world, sort, limit)
    assert sorted(row.customer_id for row in rows) == sorted(valued)
    keys = {
        "value": lambda row: (row.value_minor is None, -(row.value_minor or 0), row.customer_id),
        "risk": lambda row: (row.at_risk_minor is None, -(row.at_risk_minor or 0), row.customer_id),
        "label": lambda row: (row.label, row.customer_id),
    }
    assert rows == sorted(rows, key=keys[sort])


def test_search_and_filters_narrow_the_list_and_its_total(world: World, valued: list[str]) -> None:
    top_fresh = everything(world, "value", 2, tier="top", need="fresh")
    assert {row.customer_id for row in top_fresh} == {valued[21], valued[23]}
    by_label = everything(world, "label", 5, search="HOLD 0000017")
    assert [row.customer_id for row in by_label] == [valued[17]]
    assert [row.customer_id for row in everything(world, "risk", 5, search="card-0000003")] == [
        valued[3]
    ]
    assert everything(world, "label", 5, search="100%") == []
    assert everything(world, "label", 5, objective="exit") == []


def test_what_is_at_risk_is_value_times_the_chance_of_not_buying(
    world: World, valued: list[str]
) -> None:
    row = Standing.objects.get(pk=valued[23])
    assert (row.value_minor, row.at_risk_minor, row.as_of) == (700, 175, date(2025, 12, 31))


@pytest.mark.parametrize(
    "cursor", ["x", "W10", "bnVsbA", "é", "W1tbW1tbW1tb", "WyJ2YWx1ZSIsIDEuNSwgIngiXQ"]
)
def test_a_cursor_of_another_list_is_refused(world: World, valued: list[str], cursor: str) -> None:
    for after in (
        cursor,
        reads.page(
            SYSTEM, world.now, portfolio_id=world.portfolios["New"], sort="label", limit=5
        ).next,
    ):
        with pytest.raises(BadCursor):
            reads.page(SYSTEM, world.now, portfolio_id=world.portfolios["New"], after=after)


def test_another_managers_portfolio_looks_like_an_absent_one(world: World) -> None:
    absent = "prt_" + "0" * 22
    errors = []
    for portfolio_id in (world.portfolios["Top"], absent):
        with pytest.raises(NotFound) as error:
            reads.page(world.actor("ana"), world.now, portfolio_id=portfolio_id)
        errors.append(str(error.value).replace(portfolio_id, "…"))
    assert errors[0] == errors[1]
    owner = Actor(id="usr_x", name="X", roles=frozenset({Role.OFFER_OWNER}))
    with pytest.raises(NotAllowed):
        reads.page(owner, world.now, portfolio_id=world.portfolios["Top"])


def test_nobody_was_in_charge_before_the_customer_came(world: World, customer: str) -> None:
    assert reads.manager_of(SYSTEM, customer, ENTERED, now=world.now).manager == "Dev"
    with pytest.raises(NotYetACustomer, match="was not a customer yet at 2025-02-01"):
        reads.manager_of(SYSTEM, customer, ENTERED - INSTANT, now=world.now)
    with pytest.raises(NotFound):
        reads.manager_of(world.actor("ana"), customer, world.now, now=world.now)


def test_a_former_manager_does_not_see_the_past_of_a_customer_who_left(
    world: World, customer: str
) -> None:
    give(world, [customer])
    with pytest.raises(NotFound):
        reads.manager_of(world.actor("dev"), customer, ENTERED, now=world.now)
    assert reads.manager_of(world.actor("ben"), customer, ENTERED, now=world.now).manager == "Dev"


def test_figures_as_of_a_date_use_who_held_the_customer_before_its_end(
    world: World, customer: str
) -> None:
    give(world, [customer])
    held = {at: reads.memberships_at(at).rows() for at in (ENTERED, world.now, world.now + INSTANT)}
    assert held == {
        ENTERED: [],
        world.now: [(customer, world.portfolios["New"])],
        world.now + INSTANT: [(customer, world.portfolios["Top"])],
    }
    assert reads.managers_at(world.now)["manager"].to_list() == ["Ana", "Ben", "Cho", "Dev"]
    assert reads.managers_at(START).is_empty()


def test_the_summary_adds_up_to_the_lists(world: World, valued: list[str]) -> None:
    give(world, valued[:5])
    summaries = {each.portfolio.name: each for each in reads.portfolio_summary(SYSTEM, world.now)}
    assert list(summaries) == ["Top, fresh", "Top", "Rest", "New"]
    known = pl.DataFrame(
        list(Standing.objects.values_list("portfolio__name", "value_minor", "at_risk_minor")),
        schema=["name", "value", "risk"],
        orient="row",
    )
    for name, summary in summaries.items():
        mine = known.filter(name=name)
        assert (summary.customers, summary.value_minor, summary.at_risk_minor) == (
            len(mine),
            int(mine["value"].sum() or 0),
            int(mine["risk"].sum() or 0),
        )
    assert summaries["New"].objectives == {"grow": 19, "": 6}
    assert [
        each.portfolio.name for each in reads.portfolio_summary(world.actor("ana"), world.now)
    ] == ["Top, fresh"]


def test_a_customer_handed_over_mid_session_is_gone_from_everything(
    world: World, valued: list[str]
) -> None:
    dev, new = world.actor("dev"), world.portfolios["New"]
    first = reads.page(dev, world.now, portfolio_id=new, sort="label", limit=10)
    leaving = valued[15]
    give(world, [leaving])
    rest = reads.page(dev, world.now, portfolio_id=new, sort="label", limit=200, after=first.next)
    assert len(rest.rows) == 19
    assert leaving not in {row.customer_id for row in rest.rows}
    assert rest.total == first.total - 1
    found = reads.page(dev, world.now, portfolio_id=new, search="0000015")
    assert (found.rows, found.total) == ((), 0)
    assert identities.search(dev, "Household 0000015", world.now) == []
    with pytest.raises(NotFound):
        identities.customer(dev, leaving, world.now)


def test_a_manager_replaced_or_stripped_of_the_role_mid_session_sees_nothing_more(
    world: World, valued: list[str]
) -> None:
    new = world.portfolios["New"]
    cursor = reads.page(world.actor("dev"), world.now, portfolio_id=new, limit=10).next
    appoint(
        actor=SYSTEM,
        now=world.now,
        portfolio_id=new,
        manager_id=world.people["ana"].id,
        starts_at=world.now,
        reason="reorganised",
    )
    with pytest.raises(NotFound):
        reads.page(world.actor("dev"), world.now, portfolio_id=new, after=cursor)
    assert reads.portfolio_summary(world.actor("dev"), world.now) == []
    assert identities.search(world.actor("dev"), "Household", world.now) == []
    ana = world.people["ana"]
    assert reads.page(actor_of_user(ana, world.now), world.now, portfolio_id=new).total == 30
    dev = world.people["dev"]
    revoke_role(actor=SYSTEM, now=world.now, user_id=dev.id, role=Role.MANAGER, reason="left")
    with pytest.raises(NotAllowed):
        reads.page(actor_of_user(dev, world.now), world.now, portfolio_id=new)


def give(world: World, ids: list[str]) -> None:
    hand_over(
        actor=world.actor("eve"),
        now=world.now,
        customer_ids=ids,
        to_portfolio_id=world.portfolios["Top"],
        reason="moved house",
    )
