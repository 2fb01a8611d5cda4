"""One commit for many: nothing is said before it is durable, and nobody spoils it for others."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TypeVar

import pytest
from django.db import DatabaseError, connection

from patronage.access.models import IdempotencyRecord
from patronage.access.transactions import after_commit, atomic
from patronage.edge.writer import GroupWriter, QueueFull, StoreAway

NOW = datetime(2026, 1, 15, tzinfo=UTC)
FIVE_SECONDS = 5.0

T = TypeVar("T")
Effects = Callable[[Sequence[str]], Sequence[Callable[[], str]]]

pytestmark = pytest.mark.django_db(transaction=True)


def write_row(name: str) -> str:
    IdempotencyRecord.objects.create(
        caller_id="test", key=name, body_digest="", status=0, body="", recorded_at=NOW
    )
    return name


def effects(group: Sequence[str]) -> list[Callable[[], str]]:
    return [lambda name=name: write_row(name) for name in group]  # type: ignore[misc]  # the default binds each name


def on_disk() -> set[str]:
    """What another connection sees."""
    found: list[str] = []

    def look() -> None:
        found.extend(IdempotencyRecord.objects.values_list("key", flat=True))
        connection.close()

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    return set(found)


def finished(work: Coroutine[None, None, T]) -> T:
    """Run to its end in a thread of its own: a browser's loop may be running in this one."""
    with ThreadPoolExecutor(max_workers=1) as thread:
        return thread.submit(asyncio.run, work).result()


@contextmanager
def writing(wanted: Effects, **options: float) -> Iterator[GroupWriter[str, str]]:
    writer: GroupWriter[str, str] = GroupWriter(wanted, **options)  # type: ignore[arg-type]  # seconds or a count
    writer.start()
    try:
        yield writer
    finally:
        writer.stop()


async def ask(writer: GroupWriter[str, str], names: Sequence[str]) -> list[str | BaseException]:
    return await asyncio.gather(*(writer.write(name) for name in names), return_exceptions=True)


async def ask_until_written(writer: GroupWriter[str, str], name: str) -> float:
    """Ask again and again while the store is away; give how long it took."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    while loop.time() - began < 2 * FIVE_SECONDS:
        if await ask(writer, [name]) == [name]:
            break
    return loop.time() - began


def test_requests_at_once_share_commits() -> None:
    commits: list[int] = []

    def counted(group: Sequence[str]) -> Sequence[Callable[[], str]]:
        after_commit(lambda: commits.append(len(group)))
        return effects(group)

    names = [f"k{number}" for number in range(100)]
    with writing(counted) as writer:
        assert finished(ask(writer, names)) == names
    assert on_disk() == set(names)
    assert sum(commits) == 100
    assert len(commits) < 50, "most shared a commit"


def seen_when_answered(writer: GroupWriter[str, str], names: Sequence[str]) -> list[bool]:
    """Whether each row was on disk at the moment its answer came."""

    async def one(name: str) -> bool:
        await writer.write(name)
        return name in await asyncio.to_thread(on_disk)

    async def all_of_them() -> list[bool]:
        return await asyncio.gather(*(one(name) for name in names))

    return finished(all_of_them())


def test_every_answer_comes_after_its_commit() -> None:
    with writing(effects) as writer:
        assert all(seen_when_answered(writer, [f"k{number}" for number in range(20)]))


class AnswersFirst(GroupWriter[str, str]):
    """The broken twin: says it before it is durable."""

    def _write(self, group: Sequence[object]) -> list[str]:
        answers = super()._write(group)  # type: ignore[arg-type]  # the twin sees no further
        self._answer(group, answers)  # type: ignore[arg-type]
        threading.Event().wait(0.3)
        return answers


def test_the_check_notices_a_writer_that_answers_first() -> None:
    broken = AnswersFirst(effects)
    broken.start()
    try:
        assert not all(seen_when_answered(broken, ["k1", "k2"]))
    finally:
        broken.stop()


def test_one_that_fails_spoils_nothing_for_its_neighbours() -> None:
    def some_fail(group: Sequence[str]) -> Sequence[Callable[[], str]]:
        return [lambda name=name: fail(name) for name in group]  # type: ignore[misc]  # as above

    def fail(name: str) -> str:
        write_row(name)
        if name.startswith("bad"):
            raise ValueError(name)
        return name

    names = ["good1", "bad1", "good2", "bad2", "good3"]
    with writing(some_fail) as writer:
        answers = finished(ask(writer, names))
    assert [each for each in answers if isinstance(each, str)] == ["good1", "good2", "good3"]
    assert all(isinstance(answers[at], StoreAway) for at in (1, 3))
    assert on_disk() == {"good1", "good2", "good3"}


def test_a_store_that_refuses_is_away_until_it_takes_again() -> None:
    refusing = threading.Event()
    refusing.set()

    def sometimes(group: Sequence[str]) -> Sequence[Callable[[], str]]:
        if refusing.is_set():
            raise DatabaseError("the disk is full")
        return effects(group)

    with writing(sometimes, patience=0.2) as writer:
        first = finished(ask(writer, ["k1", "k2"]))
        assert all(isinstance(each, StoreAway) for each in first)
        assert writer.is_away
        refusing.clear()
        assert finished(ask_until_written(writer, "k3")) <= FIVE_SECONDS
        assert not writer.is_away
    assert on_disk() == {"k3"}


def test_who_waited_too_long_is_answered_and_not_written_later() -> None:
    taken, release = threading.Event(), threading.Event()

    def keep() -> None:
        with atomic():
            write_row("the keeper")
            taken.set()
            release.wait(10)
        connection.close()

    if connection.vendor != "sqlite":
        # a store with many writers has no turn to wait for; its statements are limited instead
        return
    with writing(effects, patience=0.1) as writer:
        keeper = threading.Thread(target=keep)
        keeper.start()
        assert taken.wait(10)
        answers = finished(ask(writer, ["late"]))
        release.set()
        keeper.join()
        assert isinstance(answers[0], StoreAway)
        assert finished(ask(writer, ["in time"])) == ["in time"]
    assert on_disk() == {"the keeper", "in time"}


def test_a_full_queue_turns_away_at_once() -> None:
    release = threading.Event()

    def slow(group: Sequence[str]) -> Sequence[Callable[[], str]]:
        release.wait(10)
        return effects(group)

    async def crowd(writer: GroupWriter[str, str]) -> list[str | BaseException]:
        first = asyncio.create_task(writer.write("first"))
        await asyncio.sleep(0.1)
        others = [asyncio.create_task(writer.write(f"k{number}")) for number in range(3)]
        await asyncio.sleep(0)
        refused = await asyncio.gather(writer.write("one too many"), return_exceptions=True)
        release.set()
        return [*refused, *await asyncio.gather(first, *others)]

    with writing(slow, patience=5.0, longest_queue=3) as writer:
        answers = finished(crowd(writer))
    assert isinstance(answers[0], QueueFull)
    assert answers[1:] == ["first", "k0", "k1", "k2"]
