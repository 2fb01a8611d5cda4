"""How do many requests share one durable commit? A single thread writes them in groups.

Requests wait in a bounded queue. The writer opens a transaction, takes those that still wait,
writes each behind its own savepoint, commits once and only then answers. A request that waited
too long is answered without having been written; one that the writer has taken is answered with
what became of it. So nothing is ever said that is not on disk.
"""

from __future__ import annotations

import asyncio
import logging
import statistics
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from django.db import DatabaseError, InterfaceError, connection

from patronage.access.transactions import atomic

Q = TypeVar("Q")
A = TypeVar("A")

#: Most requests in one transaction.
MOST: Final = 64
#: How long a group is gathered, seconds.
GATHERING: Final = 0.002
#: How long the work of one transaction may take, seconds: its size follows from that.
LONGEST_GROUP: Final = 0.05
#: How long a request waits for the writer to take it, seconds.
PATIENCE: Final = 0.5
#: How long a request that was taken waits for its commit, seconds.
LONGEST_COMMIT: Final = 10.0
#: How long one statement may take on a server that is not this process, milliseconds.
LONGEST_STATEMENT_MS: Final = 1000
#: Most requests that wait; further ones are turned away at once.
LONGEST_QUEUE: Final = 1024
_PAUSE_WHILE_AWAY: Final = 0.05
#: Groups from which it is told what a request takes: the median, so that one slow group is none.
_REMEMBERED: Final = 7

_log = logging.getLogger(__name__)


class QueueFull(Exception):
    """More requests wait than can be answered in time; nothing of this one was written."""


class StoreAway(Exception):
    """The store did not take the request in time; nothing of it was written."""


@dataclass(eq=False, slots=True, kw_only=True)
class _Waiting(Generic[Q, A]):
    """A request on its way."""

    request: Q
    loop: asyncio.AbstractEventLoop
    answer: asyncio.Future[A]
    #: groups that were committed before it came
    groups_before: int
    taken: bool = False
    withdrawn: bool = False


class GroupWriter(Generic[Q, A]):
    """Writes requests in groups.

    `effects` gets the requests of a group inside the open transaction and gives, for each, what
    writes it and returns its answer; what one raises is for it to turn into an answer.
    """

    def __init__(
        self,
        effects: Callable[[Sequence[Q]], Sequence[Callable[[], A]]],
        *,
        patience: float = PATIENCE,
        longest_queue: int = LONGEST_QUEUE,
        name: str = "decision writer",
    ) -> None:
        self._effects = effects
        self._patience = patience
        self._longest_queue = longest_queue
        self._queue: deque[_Waiting[Q, A]] = deque()
        self._some = threading.Condition()
        self._stopping = False
        self._away = False
        self._last_group = 1
        self._groups = 0
        self._seconds_each = 0.0
        self._remembered: deque[float] = deque(maxlen=_REMEMBERED)
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def stop(self) -> None:
        """Write what waits, then end."""
        with self._some:
            self._stopping = True
            self._some.notify_all()
        self._thread.join(timeout=LONGEST_COMMIT)

    @property
    def is_away(self) -> bool:
        """Whether the last attempt to write failed for want of a store."""
        return self._away

    async def write(self, request: Q) -> A:
        """Have one request written; give its answer once it is durable.

        Raises:
            QueueFull: too many wait already; it was not queued.
            StoreAway: it was not written.
        """
        loop = asyncio.get_running_loop()
        waiting: _Waiting[Q, A] = _Waiting(
            request=request, loop=loop, answer=loop.create_future(), groups_before=self._groups
        )
        with self._some:
            if len(self._queue) >= self._longest_queue or self._is_late():
                raise QueueFull
            self._queue.append(waiting)
            if len(self._queue) in (1, MOST):
                self._some.notify()
        timer = loop.call_later(self._patience_now(), self._withdraw, waiting)
        try:
            async with asyncio.timeout(self._patience + LONGEST_COMMIT):
                return await waiting.answer
        except TimeoutError as error:
            raise StoreAway from error
        finally:
            timer.cancel()
            self._withdraw(waiting)

    def _is_late(self) -> bool:
        """Whether a request that came now would wait in vain behind those that wait already."""
        return len(self._queue) * self._seconds_each > self._patience

    def _patience_now(self) -> float:
        """While the store is away nobody waits for it in vain."""
        return min(self._patience, _PAUSE_WHILE_AWAY) if self._away else self._patience

    def _withdraw(self, waiting: _Waiting[Q, A]) -> None:
        """Let a request that was not taken yet go without being written."""
        with self._some:
            if waiting.taken or waiting.withdrawn:
                return
            waiting.withdrawn = True
            self._queue.remove(waiting)
            # where groups went through meanwhile the store is there, and only busy
            is_stuck = waiting.groups_before == self._groups
            if not waiting.answer.done():
                self._away = self._away or is_stuck
        if not waiting.answer.done():
            waiting.answer.set_exception(StoreAway() if is_stuck else QueueFull())

    def _run(self) -> None:
        while self._await_some():
            try:
                self._write_group()
            except (DatabaseError, InterfaceError):
                self._note_away()
                connection.close()
                time.sleep(_PAUSE_WHILE_AWAY)
            except Exception:
                _log.exception("a group could not be written")
                connection.close()
        connection.close()

    def _await_some(self) -> bool:
        """Wait for requests, then a moment for more; false when it is time to end."""
        with self._some:
            while not self._queue and not self._stopping:
                self._some.wait()
            # one caller after the other gains nothing from waiting for company
            if self._last_group > 1 and len(self._queue) < MOST and not self._stopping:
                self._some.wait(GATHERING)
            return bool(self._queue) or not self._stopping

    def _write_group(self) -> None:
        group: list[_Waiting[Q, A]] = []
        try:
            with atomic():
                _limit_statements()
                # taken only now: the transaction has begun, so whatever it waited for is over
                group = self._take()
                began = time.monotonic()
                answers = self._write(group)
        except Exception:
            self._retry_or_give_up(group)
            raise
        self._groups += 1
        self._away = False
        if group:
            self._remembered.append((time.monotonic() - began) / len(group))
            self._seconds_each = statistics.median_low(self._remembered)
        self._answer(group, answers)

    def _take(self) -> list[_Waiting[Q, A]]:
        fits = MOST
        if self._seconds_each > 0:
            fits = max(1, min(MOST, int(LONGEST_GROUP / self._seconds_each)))
        with self._some:
            group = [self._queue.popleft() for _ in range(min(fits, len(self._queue)))]
            for each in group:
                each.taken = True
            self._last_group = len(group)
        return group

    def _write(self, group: Sequence[_Waiting[Q, A]]) -> list[A]:
        return [effect() for effect in self._effects([each.request for each in group])]

    def _retry_or_give_up(self, group: Sequence[_Waiting[Q, A]]) -> None:
        """Write each alone, so that one request cannot spoil its neighbours'; else let it go."""
        connection.close()
        for position, each in enumerate(group):
            try:
                with atomic():
                    _limit_statements()
                    answers = self._write([each])
            except (DatabaseError, InterfaceError):
                self._note_away()
                connection.close()
                self._fail(group[position:])
                return
            except Exception:
                _log.exception("a request could not be written")
                self._fail([each])
                continue
            self._answer([each], answers)

    def _note_away(self) -> None:
        """Say it once, not twenty times a second for as long as it lasts."""
        if not self._away:
            _log.exception("the store did not take a group")
        self._away = True

    def _answer(self, group: Sequence[_Waiting[Q, A]], answers: Sequence[A]) -> None:
        """Hand a group's answers over in one call a loop."""
        if not group:
            return
        pairs = list(zip(group, answers, strict=True))

        def hand_over() -> None:
            for each, answer in pairs:
                if not each.answer.done():
                    each.answer.set_result(answer)

        _in_loop(group[0].loop, hand_over)

    def _fail(self, group: Sequence[_Waiting[Q, A]]) -> None:
        def hand_over() -> None:
            for each in group:
                if not each.answer.done():
                    each.answer.set_exception(StoreAway())

        if group:
            _in_loop(group[0].loop, hand_over)


def _limit_statements() -> None:
    """Let no statement of this transaction hang; SQLite has waited for its lock by now."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL statement_timeout = {LONGEST_STATEMENT_MS:d}")


def _in_loop(loop: asyncio.AbstractEventLoop, call: Callable[[], None]) -> None:
    try:
        loop.call_soon_threadsafe(call)
    except RuntimeError:
        _log.warning("the server stopped before the answers were handed over")
