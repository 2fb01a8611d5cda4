"""Another process of this installation, on the same PostgreSQL: it decides and publishes on demand.

Started by the tests as `python -m tests.faults.another_process`; reads one command a line and
answers each with one line of JSON.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from django.db import connection


class Another:
    """The process as its starter sees it."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def send(self, **command: Any) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(command) + "\n")
        self._process.stdin.flush()

    def answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        said = self._process.stdout.readline()
        assert said, "the other process has ended"
        found: dict[str, Any] = json.loads(said)
        return found

    def ask(self, **command: Any) -> dict[str, Any]:
        self.send(**command)
        return self.answer()


@contextmanager
def another(*, forgets_to_look: bool = False) -> Iterator[Another]:
    """Start one on the test's database and warehouse; it is gone at the end.

    Args:
        forgets_to_look: a broken twin, which never looks whether anything has changed.
    """
    from django.conf import settings

    command = [sys.executable, "-m", "tests.faults.another_process"]
    command += [str(settings.WAREHOUSE_ROOT), str(settings.KEY_FILE), str(forgets_to_look)]
    environment = os.environ | {
        "PATRONAGE_DATABASE_URL": database_url(),
        "DJANGO_SETTINGS_MODULE": "patronage.site.settings",
    }
    process = subprocess.Popen(
        command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with process:
        started = Another(process)
        assert started.answer() == {"ready": True}
        yield started
        assert process.stdin is not None
        process.stdin.close()


def database_url() -> str:
    """Of the test's own database."""
    settings = connection.settings_dict
    port = f":{settings['PORT']}" if settings["PORT"] else ""
    password = f":{settings['PASSWORD']}" if settings["PASSWORD"] else ""
    host = settings["HOST"] or settings["OPTIONS"].get("host", "")
    place = f"{host}{port}" if not host.startswith("/") else f"{host.replace('/', '%2F')}{port}"
    return f"postgresql://{settings['USER']}{password}@{place}/{settings['NAME']}"


def main(warehouse: str, keys: str, forgets_to_look: str) -> None:
    import django

    django.setup()
    from django.conf import settings

    from patronage.customize import serving

    settings.WAREHOUSE_ROOT, settings.KEY_FILE = Path(warehouse), Path(keys)
    if forgets_to_look == "True":
        first: list[tuple[Any, ...]] = []
        look = serving._epoch
        serving._epoch = lambda: (first or first.append(look()) or first)[0]  # type: ignore[func-returns-value]  # append gives None
    say({"ready": True})
    for line in sys.stdin:
        command = json.loads(line)
        say(_decide(command) if command["do"] == "decide" else _publish(command))


def say(answer: dict[str, Any]) -> None:
    print(json.dumps(answer), flush=True)


def _decide(command: dict[str, Any]) -> dict[str, Any]:
    from patronage.access.roles import SYSTEM
    from patronage.customize.actions import decide_now
    from patronage.customize.models import Decision

    at = datetime.fromisoformat(command["at"])
    answer = decide_now(actor=SYSTEM, now=at, customer_id=command["customer_id"])
    made = Decision.objects.get(id=answer.decision_ids[0])
    return {"outcome": answer.outcome, "rules": made.versions.get("rules")}


def _publish(command: dict[str, Any]) -> dict[str, Any]:
    from patronage.access.errors import Refused
    from patronage.access.roles import SYSTEM
    from patronage.govern.actions import publish_policy

    try:
        made = publish_policy(
            actor=SYSTEM,
            now=datetime.fromisoformat(command["at"]),
            version_id=command["version_id"],
            reason="tests",
        )
    except Refused as error:
        return {"refused": type(error).__name__, "words": str(error)}
    return {"number": made.number}


if __name__ == "__main__":
    main(*sys.argv[1:])
