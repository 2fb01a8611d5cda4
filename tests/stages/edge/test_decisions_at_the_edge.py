"""Decisions over HTTP: durable before they are said, refused in words, once for each key."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.test import Client

from patronage.access.keys import revoke_key
from patronage.access.models import ApiKey
from patronage.access.roles import SYSTEM
from patronage.access.transactions import atomic
from patronage.customize.models import Contact, Decision

from ..customize.world import World
from .served import DECISIONS, Served

PROBLEM = "application/problem+json"


def offered(served: Served, world: World) -> dict[str, object]:
    """The first customer's answer that offers something."""
    for customer in world.customers:
        answer = served.decide({"customer": customer}).content
        if answer["outcome"] == "offered":
            found: dict[str, object] = answer
            return found
    pytest.fail("nobody was offered anything: the tests below would show nothing")


def test_what_is_said_is_on_record_with_its_contact(served: Served, world: World) -> None:
    answer = offered(served, world)
    decision = Decision.objects.get(pk=str(answer["id"]))
    assert decision.customer_id == answer["customer_id"]
    assert Contact.objects.get(decision=decision).state == "sent"
    assert answer["candidates"], "every candidate comes with its reason"


def test_the_edge_answers_in_the_form_of_the_other_route(served: Served, world: World) -> None:
    wanted = {"customer": world.customers[0]}
    here = served.decide(wanted)
    there = Client().post(
        DECISIONS,
        json.dumps(wanted),
        content_type="application/json",
        headers={"Authorization": f"Bearer {served.key}"},
    )
    assert (here.status, there.status_code) == (200, 200)
    assert here.content.keys() == there.json().keys()
    assert here.content["candidates"][0].keys() == there.json()["candidates"][0].keys()


def test_a_key_that_is_unknown_or_revoked_opens_nothing(
    served: Served, world: World, asked_at: datetime
) -> None:
    wanted = json.dumps({"customer": world.customers[0]}).encode()
    assert served.decide(wanted).status == 200
    made = Decision.objects.count()
    unknown = served.ask("POST", DECISIONS, wanted, Authorization="Bearer pat_guessed")
    revoke_key(
        actor=SYSTEM,
        now=asked_at - timedelta(minutes=1),
        key_id=ApiKey.objects.get().id,
        reason="test",
    )
    revoked = served.decide(wanted)
    for answer in (unknown, revoked):
        assert answer.status == 401
        assert answer.headers["content-type"] == PROBLEM
        assert answer.headers["www-authenticate"] == "Bearer"
    assert Decision.objects.count() == made


def test_without_a_key_the_request_goes_to_the_route_that_knows_sessions(
    nobody_served: Served,
) -> None:
    answer = nobody_served.ask("POST", DECISIONS, b'{"customer": "cus_nobody"}')
    assert answer.status == 403
    assert "CSRF" in answer.content["detail"], "sessions carry a token, and here is none"


REFUSED = [
    (b"", 400),
    (b"{", 400),
    (b"nonsense", 400),
    (b'{"customer": "\xff"}', 400),
    (b'{"customer": "\\ud800"}', 400),
    (b"[" * 60_000, 422),
    (b'{"customer": ' + b"[" * 50_000, 422),
    (b'{"customer": 5}', 422),
    (b'{"customer": "a\\u0000b"}', 422),
    (b'{"customer": ""}', 422),
    (b"{}", 422),
    (b'{"customer": "c", "colour": "red"}', 422),
    (b'{"customer": "c", "limit": 0}', 422),
    (b'{"customer": "c", "limit": 1.5}', 422),
    (b'{"customer": "c", "limit": true}', 422),
    (b'{"customer": "c", "placements": 21}', 422),
    (b'{"customer": "c", "context": {"page": {"deep": {}}}}', 422),
    (b'{"customer": "c", "channel": "' + b"x" * 70_000 + b'"}', 413),
]


def test_what_does_not_fit_is_refused_in_words(nobody_served: Served) -> None:
    answers = [nobody_served.decide(body) for body, _ in REFUSED]
    assert [answer.status for answer in answers] == [status for _, status in REFUSED]
    assert {answer.headers["content-type"] for answer in answers} == {PROBLEM}
    assert all(answer.content["detail"] for answer in answers)


def test_every_hostile_json_text_is_refused(nobody_served: Served, published_data: Path) -> None:
    texts = sorted((published_data / "hostile" / "json_parsing").glob("n_*.json"))
    assert len(texts) > 100
    statuses = {path.name: nobody_served.decide(path.read_bytes()).status for path in texts}
    assert {name: status for name, status in statuses.items() if not 400 <= status < 500} == {}


def test_a_repeated_request_has_one_effect_and_the_same_answer(
    served: Served, world: World
) -> None:
    wanted = {"customer": world.customers[0]}
    before = Decision.objects.count()
    with ThreadPoolExecutor(8) as callers:
        answers = list(
            callers.map(lambda _: served.decide(wanted, Idempotency_Key="k-1"), range(24))
        )
    assert {answer.body for answer in answers} == {answers[0].body}
    assert Decision.objects.count() == before + 1
    other = served.decide({"customer": world.customers[1]}, Idempotency_Key="k-1")
    assert other.status == 422
    assert Decision.objects.count() == before + 1


def test_requests_at_once_share_no_fault(served: Served, world: World) -> None:
    wanted = [{"customer": world.customers[0]}, {"customer": "cus_nobody"}] * 12
    with ThreadPoolExecutor(12) as callers:
        statuses = [answer.status for answer in callers.map(served.decide, wanted)]
    assert statuses == [200, 404] * 12
    meaningless = served.decide({"customer": world.customers[0], "context": {"moon": "full"}})
    assert meaningless.status == 422
    assert "moon" in meaningless.content["detail"]


def test_while_the_store_is_away_nothing_is_offered_and_it_comes_back(
    served: Served, world: World
) -> None:
    wanted = {"customer": world.customers[0]}
    assert served.decide(wanted).content["id"] is not None
    before = Decision.objects.count()
    taken, release = threading.Event(), threading.Event()
    keeper = threading.Thread(target=keep_store, args=(taken, release))
    keeper.start()
    assert taken.wait(10)
    away = [served.decide(wanted) for _ in range(2)]
    release.set()
    keeper.join()
    for answer in away:
        assert answer.status == 200
        assert answer.headers["retry-after"] == "1"
        content = answer.content
        assert (content["id"], content["outcome"], content["offers"]) == (None, "nothing", [])
    assert Decision.objects.count() == before, "what was answered with nothing was not written"
    assert served.decide(wanted).content["id"] is not None


def keep_store(taken: threading.Event, release: threading.Event) -> None:
    """Keep everybody else from writing decisions."""
    try:
        with atomic():
            if connection.vendor == "postgresql":
                with connection.cursor() as cursor:
                    cursor.execute("LOCK TABLE customize_decision IN ACCESS EXCLUSIVE MODE")
            else:
                Decision.objects.filter(pk="").update(channel="")
            taken.set()
            release.wait(20)
    finally:
        connection.close()


def test_health_is_told_and_pages_are_served_behind_the_edge(nobody_served: Served) -> None:
    assert nobody_served.ask("GET", "/live").content == {"live": True}
    ready = nobody_served.ask("GET", "/ready")
    assert (ready.status, ready.content) == (200, {"ready": True, "problems": []})
    page = nobody_served.ask("GET", "/login")
    assert page.status == 200
    assert b"password" in page.body
