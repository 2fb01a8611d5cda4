"""R28: whatever is done to the sealed audit log shows against an exported checkpoint."""

from __future__ import annotations

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connections
from django.db.models import F

from patronage.access import audit
from patronage.access.audit import Checkpoint, checkpoint, record, seal, verify
from patronage.access.models import AuditEntry
from patronage.access.roles import SYSTEM, Right
from patronage.access.texts import UnstorableText
from patronage.access.transactions import atomic

pytestmark = [pytest.mark.django_db, pytest.mark.trial]
ROWS = 60
TRIES_A_KIND = 10


@pytest.fixture
def exported(now: datetime) -> Checkpoint:
    """A sealed log and the checkpoint kept elsewhere."""
    for n in range(ROWS):
        record(
            actor=SYSTEM,
            now=now + timedelta(seconds=n),
            action="hand over",
            subject_kind="customer",
            subject_id=f"cus_{n}",
            right=Right.HAND_OVER,
            reason="Ünïcode “reason”",
            before={"portfolio": "prt_1"},
            change={"portfolio": "prt_2", "on": now.date(), "value": 1.5, "n": n},
        )
    assert seal(now + timedelta(seconds=ROWS)) == ROWS
    return checkpoint()


def edit(chance: random.Random) -> None:
    name, value = chance.choice(
        [
            ("reason", "another"),
            ("actor_id", "usr_somebody"),
            ("actor_name", "Somebody"),
            ("subject_id", "cus_other"),
            ("subject_kind", "offer"),
            ("action", "nothing"),
            ("right", "administer"),
            ("role", "administrator"),
            ("before", {"portfolio": "prt_3"}),
            ("change", {"portfolio": "prt_1"}),
            ("at", datetime.fromisoformat("2020-01-01T00:00:00+00:00")),
        ]
    )
    AuditEntry.objects.filter(number=chance.randint(1, ROWS)).update(**{name: value})


def delete(chance: random.Random) -> None:
    AuditEntry.objects.filter(number=chance.randint(1, ROWS - 1)).delete()


def insert(chance: random.Random) -> None:
    place = chance.randint(1, ROWS)
    AuditEntry.objects.filter(number__gte=place).update(number=F("number") + 1000)
    AuditEntry.objects.filter(number__gte=place).update(number=F("number") - 999)
    forged = AuditEntry.objects.get(number=1 if place > 1 else 2)
    forged.pk, forged.number, forged.subject_id = None, place, "cus_forged"
    forged.save(force_insert=True)


def reorder(chance: random.Random) -> None:
    first, second = chance.sample(range(1, ROWS + 1), 2)
    AuditEntry.objects.filter(number=first).update(number=None)
    AuditEntry.objects.filter(number=second).update(number=first)
    AuditEntry.objects.filter(number=None).update(number=second)


def truncate(chance: random.Random) -> None:
    AuditEntry.objects.filter(number__gt=chance.randint(0, ROWS - 1)).delete()


def rewrite(chance: random.Random) -> None:
    """Edit a row and chain everything after it anew, as one with the whole database can."""
    place = chance.randint(1, ROWS)
    AuditEntry.objects.filter(number=place).update(reason="rewritten")
    AuditEntry.objects.filter(number__gte=place).update(number=None, digest="")
    last = AuditEntry.objects.order_by("-at").values_list("at", flat=True)[0]
    assert seal(last) == ROWS - place + 1


ATTACKS = (edit, delete, insert, reorder, truncate, rewrite)
Attack = Callable[[random.Random], None]


class _Undo(Exception):
    """Takes an attack back."""


def detected(attack: Attack, exported: Checkpoint, check: Callable[..., bool]) -> int:
    """Count in how many of the tries the attack is seen; each starts from the honest log."""
    seen = 0
    for seed in range(TRIES_A_KIND):
        try:
            with atomic():
                attack(random.Random(seed))
                seen += check(exported)
                raise _Undo
        except _Undo:
            continue
    assert verify(exported).intact
    return seen


@pytest.mark.parametrize("attack", ATTACKS)
def test_every_attack_is_detected(attack: Attack, exported: Checkpoint) -> None:
    assert detected(attack, exported, lambda point: not verify(point).intact) == TRIES_A_KIND


@pytest.mark.parametrize("attack", [truncate, rewrite])
def test_without_the_checkpoint_these_attacks_pass(attack: Attack, exported: Checkpoint) -> None:
    assert detected(attack, exported, lambda _: not verify().intact) == 0


@pytest.mark.parametrize("attack", [edit, rewrite])
def test_a_chain_that_leaves_the_content_out_misses_attacks(
    attack: Attack, exported: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The broken twin: digests over the numbers alone."""
    monkeypatch.setattr(audit, "_digest", lambda previous, number, entry: f"{number:064d}")
    AuditEntry.objects.update(number=None, digest="")
    last = AuditEntry.objects.order_by("-at").values_list("at", flat=True)[0]
    seal(last)
    seen = detected(attack, checkpoint(), lambda point: not verify(point).intact)
    assert seen < TRIES_A_KIND


def test_an_honest_log_that_grew_still_agrees_with_every_older_checkpoint(
    exported: Checkpoint, now: datetime
) -> None:
    record(
        actor=SYSTEM,
        now=now,
        action="later",
        subject_kind="customer",
        subject_id="cus_1",
        right=None,
        before={},
    )
    assert verify(exported).waiting == 1
    assert seal(now) == 1
    assert seal(now) == 0
    report = verify(exported, checkpoint())
    assert report.intact
    assert (report.sealed, report.waiting) == (ROWS + 1, 0)
    assert checkpoint().number == ROWS + 1


def test_what_is_recorded_after_the_sealers_now_waits(now: datetime) -> None:
    later = now + timedelta(seconds=1)
    record(
        actor=SYSTEM,
        now=later,
        action="x",
        subject_kind="customer",
        subject_id="cus_1",
        right=None,
        before={},
    )
    assert seal(now) == 0
    assert seal(later) == 1


def test_sealing_in_several_lots_gives_the_same_chain(
    exported: Checkpoint, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit, "_SEALED_AT_ONCE", 7)
    AuditEntry.objects.update(number=None, digest="")
    assert seal(now + timedelta(seconds=ROWS)) == ROWS
    assert checkpoint() == exported


@pytest.mark.parametrize("text", ["x" * 401, "NUL \0", "half \udc00"])
def test_a_reason_no_store_can_keep_is_refused_in_words(now: datetime, text: str) -> None:
    row: dict[str, Any] = {"actor": SYSTEM, "now": now, "action": "x"}
    row |= {"subject_kind": "y", "subject_id": "z", "right": None, "before": {}}
    with pytest.raises(UnstorableText, match="reason"):
        record(**row, reason=text)
    with pytest.raises(UnstorableText, match="change"):
        record(**row, change={"list": [{"within": text * 300}]})


@pytest.mark.django_db(transaction=True)
def test_many_sealers_and_recorders_at_once_make_one_unbroken_chain(now: datetime) -> None:
    def work(number: int) -> int:
        try:
            for _ in range(10):
                if number % 2:
                    record(
                        actor=SYSTEM,
                        now=now,
                        action="x",
                        subject_kind="y",
                        subject_id="z",
                        right=None,
                        before={},
                    )
                else:
                    seal(now)
            return number
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as pool:
        assert len(list(pool.map(work, range(8)))) == 8
    seal(now)
    report = verify(checkpoint())
    assert report.intact
    assert (report.sealed, report.waiting) == (40, 0)


def test_a_row_commits_with_its_change_or_not_at_all(now: datetime) -> None:
    def change_and_fail() -> None:
        with atomic():
            record(
                actor=SYSTEM,
                now=now,
                action="x",
                subject_kind="customer",
                subject_id="cus_1",
                right=None,
                before={},
            )
            raise _Undo

    with pytest.raises(_Undo):
        change_and_fail()
    assert not AuditEntry.objects.exists()


def test_a_report_names_the_first_problems_and_counts_the_rest(
    exported: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit, "_PROBLEMS_NAMED", 5)
    AuditEntry.objects.update(reason="all edited")
    report = verify(exported)
    assert [problem.number for problem in report.problems] == [1, 2, 3, 4, 5]
    assert report.further_problems == ROWS - 5
