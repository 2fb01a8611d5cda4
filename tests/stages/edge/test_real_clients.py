"""Clients of others, as they come from their registries, talk to the real server unchanged.

They are the dependency group `clients`; without it each is skipped, saying so.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from patronage.access.keys import create_key
from patronage.access.roles import SYSTEM, Role
from patronage.edge.app import create_app
from patronage.edge.decisions import wall_clock
from patronage.edge.intake import intake_writer
from patronage.identify.models import Event, Profile, SourceDay

from ..govern import world as govern_world
from ..remembered import Remembered
from .events import bought, publish
from .served import Served, serving

NOW = govern_world.ENTERED + timedelta(days=300)
_BUILT = Remembered(lambda: govern_world.build(NOW - timedelta(days=1)))
ORDER: dict[str, Any] = bought("1")["properties"]


@pytest.fixture
def shop(transactional_db: None) -> Iterator[Served]:
    """The server on the wall clock, as the clients are."""
    _BUILT()
    publish(NOW)
    _, key = create_key(actor=SYSTEM, now=NOW, label="shop", role=Role.SERVICE)
    with serving(create_app(clock=wall_clock, events=intake_writer(patience=20.0)), key) as server:
        yield server


def assert_all_there(*types: str) -> None:
    """Each event came once, all of one customer, the order in the profile."""
    day = SourceDay.objects.get()
    assert (day.accepted, day.quarantined, day.rejected) == (len(types), 0, 0)
    assert sorted(Event.objects.values_list("type", flat=True)) == sorted(types)
    profile = Profile.objects.get(orders=1)
    assert profile.spend_minor == 500
    assert set(Event.objects.values_list("customer_id", flat=True)) == {profile.customer_id}


@pytest.mark.parametrize("packed", [False, True])
def test_segments_python_client(shop: Served, packed: bool) -> None:
    Client = pytest.importorskip("segment.analytics.client").Client

    failed: list[object] = []
    client = Client(
        shop.key,
        host=f"http://127.0.0.1:{shop.port}",
        gzip=packed,
        on_error=lambda *said: failed.append(said),
        max_retries=0,
    )
    client.identify("u-1", {"email": "mrs@example.com"})
    client.track("u-1", "Order Completed", ORDER)
    client.page("u-1", "shop", "apples")
    client.screen("u-1", "shop", "apples")
    client.group("u-1", "g-1", {"name": "Family"})
    client.alias("visitor-1", "u-1")
    client.shutdown()
    assert failed == []
    assert_all_there("identify", "track", "page", "screen", "group", "alias")


def test_rudderstacks_python_client(shop: Served) -> None:
    Client = pytest.importorskip("rudderstack.analytics.client").Client

    failed: list[object] = []
    client = Client(
        shop.key,
        host=f"http://127.0.0.1:{shop.port}",
        on_error=lambda *said: failed.append(said),
        max_retries=0,
    )
    client.identify("u-1", {"email": "mrs@example.com"})
    client.track("u-1", "Order Completed", ORDER)
    client.page("u-1", "shop", "apples")
    client.shutdown()
    assert failed == []
    assert_all_there("identify", "track", "page")


def test_posthogs_python_client(shop: Served) -> None:
    Posthog = pytest.importorskip("posthog").Posthog

    failed: list[object] = []
    client = Posthog(
        shop.key,
        host=f"http://127.0.0.1:{shop.port}",
        gzip=True,
        on_error=lambda *said: failed.append(said),
        max_retries=0,
    )
    client.capture("Order Completed", distinct_id="u-1", properties=ORDER)
    client.set(distinct_id="u-1", properties={"email": "mrs@example.com"})
    client.alias("visitor-1", "u-1")
    client.shutdown()
    assert failed == []
    assert_all_there("track", "identify", "alias")


_NODE = """
const { Analytics } = require('@segment/analytics-node')
const [key, host, order] = process.argv.slice(2)
const client = new Analytics({ writeKey: key, host, maxRetries: 0 })
client.on('error', (error) => { console.error(error); process.exitCode = 1 })
client.identify({ userId: 'u-1', traits: { email: 'mrs@example.com' } })
client.track({ userId: 'u-1', event: 'Order Completed', properties: JSON.parse(order) })
client.page({ userId: 'u-1', name: 'apples' })
client.closeAndFlush()
"""


def test_segments_node_client(shop: Served, tmp_path: Path) -> None:
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip("node and npm are not on this machine")
    wanted = ["--no-audit", "--no-fund", "--ignore-scripts", "@segment/analytics-node@3.1.0"]
    got = subprocess.run([npm, "install", *wanted], cwd=tmp_path, capture_output=True, timeout=120)
    if got.returncode:
        pytest.skip("npm cannot install @segment/analytics-node here")
    (tmp_path / "send.js").write_text(_NODE)
    sent = subprocess.run(
        [node, "send.js", shop.key, f"http://127.0.0.1:{shop.port}", json.dumps(ORDER)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert sent.returncode == 0, sent.stderr
    assert_all_there("identify", "track", "page")
