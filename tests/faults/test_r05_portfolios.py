"""R5: many workers move the same customers at once; each customer stays in one portfolio.

Eight workers try 160 moves, or as many as `PATRONAGE_TEST_MOVES` says (8,000 in full): threads of
the one process that owns SQLite, which `test_r05_killed` kills and starts again; on PostgreSQL
eight processes, two of which are killed on the way.
Some of them merge customers and part them again meanwhile; in the end all are parted.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from django.db import IntegrityError, connection, connections

from patronage.access.errors import NotFound
from patronage.access.models import AuditEntry
from patronage.access.roles import SYSTEM, Actor, Role
from patronage.govern import reads
from patronage.govern.actions import hand_over, make_claim, rule_on_conflict
from patronage.govern.errors import (
    CannotRuleOnConflict,
    DatedBeforeNewest,
    NothingToHandOver,
)
from patronage.govern.models import (
    Conflict,
    ConflictRuling,
    Membership,
    Portfolio,
    Standing,
    StandingAside,
)
from patronage.identify.identity import MergeRefused, merge_customers, unmerge_customers
from patronage.identify.models import Merge

from ..stages.govern.world import ENTERED, add_customers, build

pytestmark = [pytest.mark.trial, pytest.mark.django_db(transaction=True)]

WORKERS, CUSTOMERS, SEED = 8, 12, 5
#: share of the moves before which somebody merges two customers, or parts them
MERGING = 0.2
#: 20 in everyday runs; the trial in full is 8,000 moves
MOVES_EACH = int(os.environ.get("PATRONAGE_TEST_MOVES", "160")) // WORKERS
START = datetime(2026, 1, 15, 9, 30, tzinfo=UTC)
#: after every move
LATER = datetime(2026, 3, 1, tzinfo=UTC)


def move_at_random(worker: int, start: datetime = START) -> Iterator[bool]:
    """Move customers here and there, all workers at the same instants; say which moves were made.

    An instant serves for one move of a customer, so most of the others are refused.
    """
    choose = random.Random(SEED * 1000 + worker)
    portfolios = sorted(Portfolio.objects.values_list("id", flat=True))
    customers = sorted(Standing.objects.values_list("pk", flat=True))
    for step in range(MOVES_EACH):
        at = start + timedelta(minutes=step, seconds=1 + worker)
        if choose.random() < MERGING:
            merge_at_random(choose, customers, at)
        try:
            hand_over(
                actor=SYSTEM,
                now=start + timedelta(minutes=step),
                customer_ids=choose.sample(customers, 3),
                to_portfolio_id=choose.choice(portfolios),
                reason=f"trial, worker {worker}",
            )
        except (DatedBeforeNewest, NothingToHandOver, NotFound):
            yield False
        else:
            yield True


def merge_at_random(choose: random.Random, customers: Sequence[str], at: datetime) -> None:
    """Merge two, or part two; whoever is not there any more, or moved later, is refused."""
    kept, absorbed = choose.sample(customers, 2)
    standing = list(
        Merge.objects.filter(undone_at__isnull=True).order_by("number").values_list("id", flat=True)
    )
    try:
        if len(standing) > 2:
            unmerge_customers(
                actor=SYSTEM, now=at, merge_id=choose.choice(standing), reason="trial"
            )
        else:
            merge_customers(
                actor=SYSTEM, now=at, kept_id=kept, absorbed_id=absorbed, reason="trial"
            )
    except (MergeRefused, NotFound):
        return


def part_all() -> int:
    """Undo every merge that stands; return how many merges there ever were."""
    standing = Merge.objects.filter(undone_at__isnull=True).order_by("-number")
    for place, merge_id in enumerate(list(standing.values_list("id", flat=True))):
        unmerge_customers(
            actor=SYSTEM,
            now=LATER - timedelta(days=1) + timedelta(seconds=place),
            merge_id=merge_id,
            reason="trial",
        )
    return Merge.objects.count()


def in_threads() -> int:
    """Run all workers to the end; return how many moves were made."""

    def work(worker: int) -> int:
        try:
            return sum(move_at_random(worker))
        finally:
            connections.close_all()

    with ThreadPoolExecutor(WORKERS) as pool:
        return sum(pool.map(work, range(WORKERS)))


def in_processes() -> int:
    """Run the workers as processes, kill two once they have begun; return the moves reported."""
    code = (
        "import django, sys; django.setup()\n"
        "from tests.faults.test_r05_portfolios import move_at_random\n"
        "for moved in move_at_random(int(sys.argv[1])): print(int(moved), flush=True)\n"
    )
    settings = connection.settings_dict
    port = f":{settings['PORT']}" if settings["PORT"] else ""
    password = f":{settings['PASSWORD']}" if settings["PASSWORD"] else ""
    host = settings["HOST"] or settings["OPTIONS"].get("host", "")
    place = f"{host}{port}" if not host.startswith("/") else f"{host.replace('/', '%2F')}{port}"
    url = f"postgresql://{settings['USER']}{password}@{place}/{settings['NAME']}"
    environment = os.environ | {
        "PATRONAGE_DATABASE_URL": url,
        "DJANGO_SETTINGS_MODULE": "patronage.site.settings",
    }
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(worker)],
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        for worker in range(WORKERS)
    ]
    for unlucky in workers[:2]:
        assert unlucky.stdout is not None
        unlucky.stdout.readline()
        unlucky.send_signal(signal.SIGKILL)
    moves = 0
    for worker, process in enumerate(workers):
        output, _ = process.communicate(timeout=120 + MOVES_EACH)
        assert process.returncode == (-signal.SIGKILL if worker < 2 else 0)
        moves += output.count("1")
    return moves


def test_a_customer_whom_many_move_at_once_is_in_one_portfolio_at_every_instant() -> None:
    build(START - timedelta(days=1))
    customers = add_customers(CUSTOMERS, START - timedelta(days=1))
    processes = connection.vendor == "postgresql"
    moved = in_processes() if processes else in_threads()
    # Two that were killed may have made a move, and lines of theirs were read, unreported.
    audited = AuditEntry.objects.filter(action="hand over customers")
    assert 0 < moved <= audited.count() <= moved + (MOVES_EACH * 2 if processes else 0)
    assert moved < WORKERS * MOVES_EACH
    assert Merge.objects.filter(undone_at__isnull=False).exists()
    assert_one_portfolio_each(customers)


def assert_one_portfolio_each(customers: Sequence[str]) -> None:
    """No gap, no overlap, nothing half, whatever was moved and whoever was killed."""
    assert part_all() > 0
    assert not StandingAside.objects.exists()
    for customer in customers:
        history = reads.history_of(SYSTEM, customer, LATER)
        assert history[0].starts_at == ENTERED
        for before, after in pairwise(history):
            assert before.starts_at < after.starts_at == before.ends_at
            assert before.portfolio_id != after.portfolio_id
        assert history[-1].ends_at is None
        assert Standing.objects.get(pk=customer).portfolio_id == history[-1].portfolio_id
    # Nothing half: every change that was recorded moved all it names, and nothing else moved.
    audited = AuditEntry.objects.filter(action="hand over customers")
    assert Membership.objects.filter(cause="hand_over").count() == sum(
        entry.change["customers"] for entry in audited
    )


def test_two_who_assign_a_customer_at_the_same_instant_leave_one_row() -> None:
    world = build(START)
    (customer,) = add_customers(1, START)
    together = threading.Barrier(2)

    def move(name: str) -> str:
        try:
            together.wait(timeout=20)
            hand_over(
                actor=SYSTEM,
                now=START,
                customer_ids=[customer],
                to_portfolio_id=world.portfolios[name],
                reason="both at once",
            )
        except DatedBeforeNewest:
            return "refused"
        finally:
            connections.close_all()
        return name

    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(move, ["Top", "Rest"]))
    assert answers.count("refused") == 1
    (row,) = Membership.objects.filter(customer_id=customer, starts_at=START)
    assert row.portfolio.name in answers


def ruled_at_once(customer: str, portfolios: list[str]) -> list[str]:
    """Two claims, and two executives who rule for one each at the same instant."""
    claims = [
        make_claim(
            actor=SYSTEM,
            now=START,
            customer_id=customer,
            kind="portfolio",
            grounds="region",
            portfolio_id=each,
        )
        for each in portfolios
    ]
    together = threading.Barrier(len(claims))

    def rule(place: int) -> str:
        executive = Actor(id=f"usr_{place}", name="Eve", roles=frozenset({Role.EXECUTIVE}))
        try:
            together.wait(timeout=20)
            rule_on_conflict(
                actor=executive,
                now=START + timedelta(minutes=1),
                conflict_id=claims[0].conflict_id or claims[1].conflict_id or "",
                claim_id=claims[place].id,
                reason_code="other",
                reason="at once",
            )
        except CannotRuleOnConflict:
            return "refused"
        finally:
            connections.close_all()
        return portfolios[place]

    with ThreadPoolExecutor(len(claims)) as pool:
        return list(pool.map(rule, range(len(claims))))


def test_two_who_rule_on_a_conflict_at_once_leave_one_ruling_and_one_owner() -> None:
    world = build(START)
    for customer in add_customers(4, START - timedelta(days=1)):
        answers = ruled_at_once(customer, [world.portfolios["Top"], world.portfolios["Rest"]])
        assert answers.count("refused") == 1
        (ruling,) = ConflictRuling.objects.filter(conflict__customer=customer)
        history = reads.history_of(SYSTEM, customer, START + timedelta(minutes=1))
        assert history[-1].portfolio_id == ruling.claim.portfolio_id
        assert history[-1].portfolio_id in answers
        assert len(history) == 2


def test_rulings_that_forget_that_one_stands_would_be_noticed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The broken twin: whoever comes second rules by what they read before; the store refuses."""
    world = build(START)
    (customer,) = add_customers(1, START - timedelta(days=1))
    monkeypatch.setattr(
        "patronage.govern.actions.conflicts._waiting",
        lambda _actor, _now, wanted: Conflict.objects.get(pk=wanted),
    )
    monkeypatch.setattr(
        "patronage.govern.actions.conflicts.open_claims",
        lambda conflict: list(conflict.claims.filter(entered=False)),
    )
    with pytest.raises((IntegrityError, DatedBeforeNewest)):
        ruled_at_once(customer, [world.portfolios["Top"], world.portfolios["Rest"]])
    assert ConflictRuling.objects.count() == 1


def test_the_broken_twin_that_reads_then_inserts_overlaps() -> None:
    """Rows with an end of their own, closed after reading: what memberships must not be."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE twin (portfolio TEXT, starts_at INT, ends_at INT)")
        cursor.execute("INSERT INTO twin VALUES ('New', 0, NULL)")
    together = threading.Barrier(2)

    def move(portfolio: str) -> None:
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT starts_at FROM twin WHERE ends_at IS NULL")
                (starts_at,) = cursor.fetchone()
                together.wait(timeout=20)
                cursor.execute("UPDATE twin SET ends_at = 1 WHERE starts_at = %s", [starts_at])
                cursor.execute("INSERT INTO twin VALUES (%s, 1, NULL)", [portfolio])
        finally:
            connections.close_all()

    try:
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(move, ["Top", "Rest"]))
        with connection.cursor() as cursor:
            cursor.execute("SELECT portfolio FROM twin WHERE starts_at <= 2 AND ends_at IS NULL")
            assert sorted(cursor.fetchall()) == [("Rest",), ("Top",)]
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP TABLE twin")
