"""R5 on SQLite: the one process that owns the store is killed while eight threads move customers.

It is started on the same file again, three times; afterwards each customer is in one portfolio at
every instant, and no move is half made.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from .test_r05_portfolios import START

pytestmark = pytest.mark.trial

KILLS = 3
BEGIN = """
import django
django.setup()
from datetime import timedelta
from django.core.management import call_command
from patronage.access.store import own_store
from tests.faults.test_r05_portfolios import CUSTOMERS, START
from tests.stages.govern.world import add_customers, build
with own_store():
    call_command("migrate", verbosity=0)
    build(START - timedelta(days=1))
    print(*add_customers(CUSTOMERS, START - timedelta(days=1)))
"""
MOVE = """
import sys
import django
django.setup()
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from patronage.access.store import own_store
from tests.faults.test_r05_portfolios import WORKERS, move_at_random
def work(worker):
    for moved in move_at_random(worker, datetime.fromisoformat(sys.argv[1])):
        print(int(moved), flush=True)
with own_store(), ThreadPoolExecutor(WORKERS) as pool:
    list(pool.map(work, range(WORKERS)))
"""
CHECK = """
import sys
import django
django.setup()
from patronage.access.store import own_store
from tests.faults.test_r05_portfolios import assert_one_portfolio_each
from patronage.govern.models import Membership
with own_store():
    if len(sys.argv) > 14:
        Membership.objects.filter(cause="hand_over").latest("starts_at").delete()
    assert_one_portfolio_each(sys.argv[1:13])
    print(Membership.objects.filter(cause="hand_over").count())
"""


def run(home: Path, code: str, *arguments: str) -> subprocess.Popen[str]:
    environment = {
        key: value for key, value in os.environ.items() if key != "PATRONAGE_DATABASE_URL"
    }
    environment |= {
        "PATRONAGE_HOME": str(home),
        "DJANGO_SETTINGS_MODULE": "patronage.site.settings",
    }
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finished(process: subprocess.Popen[str]) -> str:
    output, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    return output


def test_the_owner_of_the_store_is_killed_and_no_move_is_half_made(tmp_path: Path) -> None:
    customers = finished(run(tmp_path, BEGIN)).split()
    reported = 0
    for day in range(KILLS):
        process = run(tmp_path, MOVE, (START + timedelta(days=day)).isoformat())
        assert process.stdout is not None
        reported += process.stdout.readline() == "1\n"
        process.send_signal(signal.SIGKILL)
        output, _ = process.communicate(timeout=60)
        assert process.returncode == -signal.SIGKILL
        reported += output.count("1")
    ended = finished(run(tmp_path, MOVE, (START + timedelta(days=KILLS)).isoformat()))
    assert ended.count("1") > 0
    # what was reported is durable; each move is of three customers at most
    kept = int(finished(run(tmp_path, CHECK, *customers)))
    assert kept >= reported + ended.count("1")
    # the broken twin: a move of which one row is gone is found
    broken = run(tmp_path, CHECK, *customers, "without", "one row")
    _, errors = broken.communicate(timeout=300)
    assert (broken.returncode, "AssertionError" in errors) == (1, True)
