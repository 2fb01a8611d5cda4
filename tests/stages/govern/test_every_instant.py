"""Whatever moves are tried, at every instant one portfolio and one manager answer."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from patronage.access.errors import Refused
from patronage.access.roles import SYSTEM
from patronage.govern import reads
from patronage.govern.actions import appoint, hand_over
from patronage.govern.models import Accountability
from patronage.vocabulary.ids import IdPrefix, new_id

from .world import ENTERED, START, World, add_customers

MINUTES = 200
NAMES = ("Top, fresh", "Top", "Rest", "New")
PEOPLE = ("ana", "ben", "cho", "dev")


@dataclass(frozen=True, slots=True)
class Try:
    """A move or an appointment, `minute` minutes after the customer came."""

    minute: int
    portfolio: str
    #: appoint this person; None hands the customer over
    person: str | None


tries = st.lists(
    st.builds(
        Try,
        minute=st.integers(0, MINUTES),
        portfolio=st.sampled_from(NAMES),
        person=st.sampled_from(PEOPLE) | st.none(),
    ),
    max_size=12,
)
instants = st.lists(st.integers(0, MINUTES * 60), min_size=1, max_size=5)
on_one_database = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


class Timeline:
    """The small model: a sorted list of (start, who); a start at or before the last is refused."""

    def __init__(self, who: str) -> None:
        self.starts, self.names = [-(10**9)], [who]

    def change(self, second: int, who: str) -> bool:
        if second <= self.starts[-1] or who == self.names[-1]:
            return False
        self.starts.append(second)
        self.names.append(who)
        return True

    def at(self, second: int) -> str:
        return self.names[bisect_right(self.starts, second) - 1]


def made(change: Callable[[], object]) -> bool:
    try:
        change()
    except Refused:
        return False
    return True


def move(world: World, customer: str, portfolio_id: str, at: datetime) -> None:
    hand_over(
        actor=SYSTEM,
        now=world.now,
        customer_ids=[customer],
        to_portfolio_id=portfolio_id,
        reason="tried",
        starts_at=at,
    )


def put_in_charge(world: World, person: str, portfolio_id: str, at: datetime) -> None:
    appoint(
        actor=SYSTEM,
        now=world.now,
        portfolio_id=portfolio_id,
        manager_id=world.people[person].id,
        starts_at=at,
        reason="tried",
    )


@given(steps=tries, asked=instants)
@on_one_database
def test_exactly_one_answers_at_any_instant(
    world: World, steps: list[Try], asked: list[int]
) -> None:
    number = int.from_bytes(new_id(IdPrefix.CUSTOMER)[-5:].encode()) % 9_000_000
    (customer,) = add_customers(1, world.now, first=1000 + number)
    Accountability.objects.filter(starts_at__gt=START).delete()
    place = Timeline("New")
    place.starts = [0]
    charge = {name: Timeline(person) for name, person in zip(NAMES, PEOPLE, strict=True)}
    for step in steps:
        at, portfolio_id = (
            ENTERED + timedelta(minutes=step.minute),
            world.portfolios[step.portfolio],
        )
        second = step.minute * 60
        if step.person is None:
            moved = made(partial(move, world, customer, portfolio_id, at))
            assert moved == place.change(second, step.portfolio)
        else:
            moved = made(partial(put_in_charge, world, step.person, portfolio_id, at))
            assert moved == charge[step.portfolio].change(second, step.person)
    for second in asked:
        at = ENTERED + timedelta(seconds=second)
        found = reads.manager_of(SYSTEM, customer, at, now=world.now)
        assert found.portfolio == place.at(second)
        assert found.manager.lower() == charge[found.portfolio].at(second)
        before = {
            row.portfolio_id
            for row in reads.history_of(SYSTEM, customer, world.now)
            if row.starts_at <= at and (row.ends_at is None or at < row.ends_at)
        }
        assert before == {found.portfolio_id}
