"""What is repeated has one effect and the same answer."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import pytest
from django.db import connections

from patronage.access import audit
from patronage.access.idempotency import BadKey, KeyReused, answer_once
from patronage.access.models import AuditEntry, IdempotencyRecord
from patronage.access.roles import SYSTEM

pytestmark = pytest.mark.django_db
Answer = Callable[[str, str, bytes, datetime, Callable[[], tuple[int, str]]], tuple[int, str]]
CALLER, KEY, BODY = "key_shop", "9b2f", b'{"customer": "cus_1"}'


class Effect:
    """Leaves a row each time it runs, and answers with how often it has run."""

    def __init__(self, now: datetime) -> None:
        self.times = 0
        self._now = now

    def __call__(self) -> tuple[int, str]:
        self.times += 1
        audit.record(
            actor=SYSTEM,
            now=self._now,
            action="x",
            subject_kind="test",
            subject_id="1",
            right=None,
            before={},
        )
        return 201, f'{{"time": {self.times}}}'


def test_a_repeat_gets_the_first_answer_and_does_nothing(now: datetime) -> None:
    effect = Effect(now)
    first = answer_once(CALLER, KEY, BODY, now, effect)
    assert first == (201, '{"time": 1}')
    assert answer_once(CALLER, KEY, BODY, now, effect) == first
    assert effect.times == 1


def test_another_body_under_the_same_key_is_refused(now: datetime) -> None:
    effect = Effect(now)
    answer_once(CALLER, KEY, BODY, now, effect)
    with pytest.raises(KeyReused, match=KEY):
        answer_once(CALLER, KEY, BODY + b" ", now, effect)
    assert effect.times == 1


def test_another_caller_or_key_is_another_request(now: datetime) -> None:
    effect = Effect(now)
    answer_once(CALLER, KEY, BODY, now, effect)
    answer_once("key_other", KEY, BODY, now, effect)
    answer_once(CALLER, "other", BODY, now, effect)
    assert effect.times == 3


@pytest.mark.django_db(transaction=True)
def test_an_effect_that_fails_leaves_no_answer_behind(now: datetime) -> None:
    effect = Effect(now)

    def fail() -> tuple[int, str]:
        effect()
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        answer_once(CALLER, KEY, BODY, now, fail)
    assert not IdempotencyRecord.objects.exists()
    assert not AuditEntry.objects.exists()
    assert answer_once(CALLER, KEY, BODY, now, effect)[0] == 201


EVERYBODY_LOOKED = threading.Barrier(8)


def answer_after_looking(
    caller_id: str, key: str, body: bytes, now: datetime, effect: Callable[[], tuple[int, str]]
) -> tuple[int, str]:
    """The broken twin: look, act, then note, each on its own; the unluckiest order."""
    note = IdempotencyRecord.objects.filter(caller_id=caller_id, key=key).first()
    EVERYBODY_LOOKED.wait(timeout=30)
    if note is not None:
        return note.status, note.body
    answer = effect()
    IdempotencyRecord.objects.bulk_create(
        [
            IdempotencyRecord(
                caller_id=caller_id,
                key=key,
                body_digest="",
                status=answer[0],
                body=answer[1],
                recorded_at=now,
            )
        ],
        ignore_conflicts=True,
    )
    return answer


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("answer", "calls", "once"), [(answer_once, 48, True), (answer_after_looking, 8, False)]
)
def test_of_many_at_once_one_has_the_effect(
    now: datetime, answer: Answer, calls: int, once: bool
) -> None:
    effect = Effect(now)

    def call(_: int) -> tuple[int, str]:
        try:
            return answer(CALLER, KEY, BODY, now, effect)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(call, range(calls)))
    assert (AuditEntry.objects.count() == 1) is once
    if once:
        assert set(answers) == {(201, '{"time": 1}')}


@pytest.mark.parametrize("key", ["", "x" * 201, "a\nb", "\0", "\ud800"])
def test_a_key_that_cannot_be_kept_is_refused(now: datetime, key: str) -> None:
    with pytest.raises(BadKey, match="1 to 200"):
        answer_once(CALLER, key, BODY, now, Effect(now))
