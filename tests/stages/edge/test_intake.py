"""Events over HTTP: durable before they are said, kept once, judged by the tracking plan."""

from __future__ import annotations

import base64
import gzip
import json
import socket
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from typing import Any
from urllib.parse import quote

import pytest

from patronage.access import datasets
from patronage.access.keys import create_key, rotate_key
from patronage.access.models import ApiKey
from patronage.access.roles import SYSTEM, Role
from patronage.differentiate.jobs import value
from patronage.differentiate.models import ValuationRun
from patronage.edge.allowance import Allowance
from patronage.edge.app import create_app
from patronage.edge.intake import intake_writer
from patronage.govern.models import Membership
from patronage.identify import profiles
from patronage.identify.events.errors import StillUnfit
from patronage.identify.events.quarantine import release
from patronage.identify.events.sealed import original_of
from patronage.identify.jobs import land_orders
from patronage.identify.models import (
    Customer,
    Event,
    Profile,
    QuarantinedEvent,
    SourceDay,
    WaitingLine,
)

from ..customize.world import AS_OF, World
from ..govern import world as govern_world
from ..remembered import Remembered
from .events import PLAN, batch, bought, publish
from .served import Answer, Served, serving

NOW = govern_world.ENTERED + timedelta(days=300)
_BUILT = Remembered(lambda: govern_world.build(NOW - timedelta(days=1)))


@pytest.fixture
def shop(transactional_db: None) -> Iterator[Served]:
    """A company with people in charge and a plan; its server, with a key of the web shop."""
    _BUILT()
    publish(NOW - timedelta(hours=1))
    _, key = create_key(actor=SYSTEM, now=NOW, label="shop", role=Role.SERVICE)
    app = create_app(clock=lambda: NOW, events=intake_writer(patience=20.0))
    with serving(app, key) as server:
        yield server


def basic(key: str) -> str:
    return "Basic " + base64.b64encode(f"{key}:".encode()).decode()


def send(shop: Served, body: bytes, path: str = "/v1/batch", **headers: str) -> Answer:
    return shop.ask("POST", path, body, **({"Authorization": basic(shop.key)} | headers))


def states(answer: Answer) -> list[str]:
    return [each["state"] for each in answer.content["events"]]


def totals() -> dict[str, Any]:
    return {
        row.pop("customer_id"): row
        for row in Profile.objects.filter(orders__gt=0).values("customer_id", *profiles.FIELDS)
    }


def test_an_order_is_in_the_profile_when_it_is_acknowledged(shop: Served) -> None:
    answer = send(shop, batch(bought("m-1"), bought("m-2", price=0.335)))
    assert (answer.status, states(answer)) == (200, ["accepted", "accepted"])

    customer = Customer.objects.get(identifiers__value="u-1")
    assert Membership.objects.filter(customer=customer).count() == 1
    profile = Profile.objects.get(customer=customer)
    assert (profile.orders, profile.order_lines, profile.spend_minor) == (2, 2, 567)
    live = totals()
    profiles.rebuild(actor=SYSTEM, now=NOW)
    assert totals() == live

    kept = Event.objects.get(customer=customer, properties__order_id="order m-1")
    assert kept.properties == {"order_id": "order m-1", "currency": "USD"}
    assert b"Secret" not in bytes(kept.sealed)
    assert json.loads(original_of(kept) or b"") == bought("m-1")


def test_a_message_is_one_event_forever_and_a_rotated_key_is_the_same_source(shop: Served) -> None:
    twice = send(shop, batch(bought("m-1"), bought("m-1")))
    assert states(twice) == ["accepted", "repeated"]
    old = ApiKey.objects.get(label="shop")
    _, key = rotate_key(actor=SYSTEM, now=NOW, key_id=old.id, reason="tests")
    again = shop.ask("POST", "/v1/t", json.dumps(bought("m-1") | {"writeKey": key}).encode())
    assert states(again) == ["repeated"]
    assert send(shop, batch(bought("m-3"))).status == 401
    assert Profile.objects.get(customer__identifiers__value="u-1").orders == 1
    day = SourceDay.objects.get()
    assert (day.source_id, day.accepted, day.repeated) == (old.id, 1, 2)


def test_shuffled_late_and_repeated_events_give_the_same_profile(shop: Served) -> None:
    def at(days: int) -> str:
        return (NOW - timedelta(days=days)).isoformat()

    late = [("a", 0, 1.0), ("b", 30, 2.0), ("c", 3, 4.0), ("b", 30, 2.0), ("a", 0, 1.0)]
    for user, order in (("ordered", late), ("shuffled", late[::-1])):
        for message, days, price in order:
            event = bought(f"{user} {message}", user, price, timestamp=at(days))
            assert send(shop, batch(event)).status == 200
    first, second = (
        Profile.objects.filter(customer__identifiers__value=user).values(*profiles.FIELDS).get()
        for user in ("ordered", "shuffled")
    )
    assert first == second
    assert (first["orders"], first["spend_minor"]) == (3, 1400)
    assert first["first_order_at"] == NOW - timedelta(days=30)


@pytest.mark.parametrize(
    ("path", "headers", "pack"),
    [
        ("/v1/batch", {"Content_Type": "text/plain"}, lambda body: body),
        ("/batch/", {"Content_Encoding": "gzip"}, gzip.compress),
        ("/v1/import", {"Content_Type": "application/x-www-form-urlencoded"}, lambda body: body),
        (
            "/v1/batch",
            {"Content_Type": "application/x-www-form-urlencoded"},
            lambda body: b"data=" + quote(body).encode(),
        ),
    ],
)
def test_json_is_read_however_it_is_declared_or_packed(
    shop: Served, path: str, headers: dict[str, str], pack: Any
) -> None:
    answer = shop.ask("POST", path, pack(batch(bought("m-1"), api_key=shop.key)), **headers)
    assert (answer.status, states(answer)) == (200, ["accepted"])


def test_what_does_not_fit_is_set_aside_with_its_reason(shop: Served) -> None:
    unknown = bought("m-1", event="Refund of Mr. Secret")
    no_lines = bought("m-2") | {"properties": {"order_id": "x", "products": []}}
    coupon = bought("m-3")
    coupon["properties"]["coupon"] = "Mr. Secret's"
    nobody = bought("m-4", user="null")
    answer = send(shop, batch(unknown, no_lines, coupon, nobody, bought("m-5")))
    assert states(answer) == ["quarantined"] * 4 + ["accepted"]
    assert "Secret" not in str(list(QuarantinedEvent.objects.values("reason", "sealed")))
    assert WaitingLine.objects.count() == 1
    assert states(send(shop, batch(unknown))) == ["quarantined"]
    assert QuarantinedEvent.objects.count() == 4


def test_clocks_that_are_wrong_are_corrected_or_told(shop: Served) -> None:
    ahead = NOW + timedelta(days=3000)
    minute = timedelta(minutes=5)
    wrong = bought("m-1", timestamp=(ahead - minute).isoformat(), sentAt=ahead.isoformat())
    mad = [bought(year, timestamp=f"{year}-01-01") for year in ("1601", "9999")]
    answer = send(shop, batch(wrong, *mad))
    assert states(answer) == ["accepted", "rejected", "rejected"]
    assert Event.objects.get().occurred_at == NOW - minute


def said_of_a_gigabyte(port: int) -> bytes:
    """What is answered to a body of 1 GB before any of it is sent."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as client:
        client.sendall(b"POST /v1/batch HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\n")
        return client.recv(100)


def test_too_much_is_refused_and_the_rest_goes_on(shop: Served) -> None:
    bomb = gzip.compress(b"[" * 50_000_000)
    assert send(shop, bomb, Content_Encoding="gzip").status == 413
    assert said_of_a_gigabyte(shop.port).startswith(b"HTTP/1.1 413")
    assert send(shop, batch(*[bought("m")] * 1001)).status == 400
    deep: Any = {}
    for _ in range(20):
        deep = {"a": deep}
    wide = {f"p{i}": i for i in range(10_000)}
    answer = send(shop, batch(bought("1", context=deep), bought("2", context=wide), bought("3")))
    assert states(answer) == ["rejected", "rejected", "accepted"]
    nul = send(shop, batch(bought("4", anonymousId="a\0b")))
    assert (nul.status, states(nul)) == (422, ["rejected"])


def test_a_key_has_an_allowance(transactional_db: None) -> None:
    _BUILT()
    publish(NOW)
    keys = [create_key(actor=SYSTEM, now=NOW, label=label, role=Role.SERVICE)[1] for label in "ab"]
    few = Allowance(a_second=1.0, burst=2.0, clock=lambda: 0.0)
    app = create_app(clock=lambda: NOW, events=intake_writer(patience=20.0), allowance=few)
    with serving(app, keys[0]) as shop:
        assert send(shop, batch(bought("1"), bought("2"))).status == 200
        refused = send(shop, batch(bought("3")))
        assert (refused.status, refused.headers["retry-after"]) == (429, "1")
        other = send(shop, batch(bought("4")), Authorization=basic(keys[1]))
        assert other.status == 200
    assert Event.objects.count() == 3


def test_a_quarantined_event_is_released_once_when_the_plan_is_mended(shop: Served) -> None:
    event = bought("m-1", event="Order Paid")
    assert states(send(shop, batch(event))) == ["quarantined"]
    (found,) = QuarantinedEvent.objects.all()
    with pytest.raises(StillUnfit):
        release(actor=SYSTEM, now=NOW, quarantined_id=found.id)
    assert not Event.objects.exists()
    publish(NOW, PLAN.replace("Order Completed", "Order Paid"))
    first, second = (release(actor=SYSTEM, now=NOW, quarantined_id=found.id) for _ in range(2))
    assert first == second
    assert states(send(shop, batch(event))) == ["repeated"]
    assert Profile.objects.get(customer=first.customer).orders == 1


def test_orders_move_to_the_warehouse_and_no_total_changes(shop: Served) -> None:
    assert send(shop, batch(bought("m-1"), bought("m-2", user="u-2"))).status == 200
    live = totals()
    assert land_orders(actor=SYSTEM, now=NOW) == 2
    assert (land_orders(actor=SYSTEM, now=NOW), WaitingLine.objects.count()) == (0, 0)
    assert datasets.read("order_lines").amount_minor.sum().execute() == 1000
    more = bought("m-3")
    more["properties"]["order_id"] = "order m-1"
    assert send(shop, batch(more)).status == 200
    both = totals()
    assert sum(each["orders"] for each in both.values()) == 2 != len(live) + 1
    profiles.rebuild(actor=SYSTEM, now=NOW)
    assert totals() == both


def test_an_order_that_an_event_told_is_in_the_next_valuation(
    world: World, asked_at: datetime
) -> None:
    publish(asked_at - timedelta(hours=1))
    _, key = create_key(actor=SYSTEM, now=asked_at, label="shop", role=Role.SERVICE)
    app = create_app(clock=lambda: asked_at, events=intake_writer(patience=20.0))
    told = bought("m-1", timestamp=datetime.combine(AS_OF, time(9), UTC).isoformat())
    with serving(app, key) as server:
        assert send(server, batch(told)).status == 200
    before = ValuationRun.objects.get(as_of=AS_OF)
    run = value(actor=SYSTEM, now=asked_at, as_of=AS_OF)
    assert (run.customers, WaitingLine.objects.count()) == (before.customers + 1, 0)
