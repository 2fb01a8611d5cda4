"""How long does a page of a portfolio with 100,000 customers take, in any order, through HTTP?

    python -m benchmarks.portfolio_lists [--customers 100000]

Sets up the company of tests/stages/govern/world.py with invented values and everybody in one
portfolio, serves it and asks as its manager for first, middle and last pages in every order, and
for searches and filters that find many, few and none. Prints wall time and the server's CPU time a
request, which a busy machine disturbs less.

Published: at most 200 ms.
"""

from __future__ import annotations

import argparse
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from http.cookiejar import CookieJar
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, Request, build_opener

sys.path.insert(0, str(Path(__file__).parents[1]))

#: measured requests of each page, after one that is not
REQUESTS = 5
MANAGER, PASSWORD = "dev@example.com", "a long enough phrase"
NARROWED = (
    {"tier": "base"},
    {"tier": "base", "sort": "label"},
    {"need": "fresh", "sort": "risk"},
    {"objective": "grow", "tier": "top", "need": "fresh"},
    {"search": "Household"},
    {"search": "Household", "sort": "label"},
    {"search": "99", "sort": "risk"},
    {"search": "0012345"},
    {"search": "nobody of this name"},
    {"search": "5", "tier": "middle", "sort": "label"},
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=100_000)
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.inside:
        invent(asked.customers)
        return 0
    with tempfile.TemporaryDirectory(prefix="patronage-lists-") as home:
        environment = {**os.environ, "PATRONAGE_HOME": home}
        environment.pop("PATRONAGE_DATABASE_URL", None)
        own = [sys.executable, "-m", "benchmarks.portfolio_lists", "--inside"]
        command = [*own, "--customers", str(asked.customers)]
        subprocess.run(command, env=environment, check=True)
        measure(Path(home))
    return 0


def invent(customers: int) -> None:
    """Set up everybody in one portfolio, and write down which places of its lists to ask for."""
    from patronage.cli import start

    start.set_up()
    with start.ready_store():
        from benchmarks import governance

        from patronage.access.transactions import atomic
        from patronage.govern import memberships, standing

        governance.invent(customers)
        with atomic():
            standing.refresh(memberships.newest())
        places = [urlencode(place) for place in (*walked(customers), *NARROWED)]
        (start.home() / "places").write_text("\n".join(places))


def walked(customers: int) -> list[dict[str, str]]:
    """The first page, one in the middle and the last one, in every order."""
    from patronage.govern.models import Standing
    from patronage.govern.reads.customers import _COLUMNS, _written

    found: list[dict[str, str]] = []
    for sort, column in _COLUMNS.items():
        found.append({"sort": sort})
        order = column if sort == "label" else f"-{column}"
        for place in (customers // 2, customers - 51):
            row = Standing.objects.order_by(order, "customer_id")[place]
            found.append({"sort": sort, "after": _written(row, sort)})  # type: ignore[arg-type]
    return found


def measure(home: Path) -> None:
    """Serve the home and ask for each place, first the whole page and then its table alone."""
    from benchmarks.portfolio_page import served

    with served(home) as (address, server):
        ask = logged_in(address)
        print(f"load average before: {os.getloadavg()[0]:.1f}")
        print(f"{'page':<58}{'wall ms':>9}{'CPU ms':>9}{'table':>9}{'CPU ms':>9}")
        for place in (home / "places").read_text().splitlines():
            whole = timed(partial(ask, f"/portfolio?{place}", False), server)
            table = timed(partial(ask, f"/portfolio?{place}", True), server)
            shown = re.sub(r"(after=.{6})[^&]*", r"\1…", place)
            print(f"{shown:<58}" + "".join(f"{each:>9.0f}" for each in (*whole, *table)))


def timed(work: Callable[[], None], server: int) -> tuple[float, float]:
    """Give the median wall time of a request and the server's mean CPU time, milliseconds."""
    work()
    cpu, walls = cpu_of(server), []
    for _ in range(REQUESTS):
        began = time.monotonic()
        work()
        walls.append(1000 * (time.monotonic() - began))
    return statistics.median(walls), 1000 * (cpu_of(server) - cpu) / REQUESTS


def cpu_of(process: int) -> float:
    """Give the CPU seconds that a process has used."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def logged_in(address: str) -> Callable[[str, bool], None]:
    """Log in; give what asks for a path, as a browser or as its script."""
    opener = build_opener(HTTPCookieProcessor(CookieJar()))
    form = opener.open(f"{address}/login").read().decode()
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', form)
    assert token is not None
    given = {"csrfmiddlewaretoken": token[1], "username": MANAGER, "password": PASSWORD}
    opener.open(Request(f"{address}/login", urlencode(given).encode(), {"Referer": address}))

    def ask(path: str, script: bool) -> None:
        headers = {"HX-Request": "true"} if script else {}
        with opener.open(Request(address + path, headers=headers)) as answer:
            assert "/login" not in answer.url
            answer.read()

    return ask


if __name__ == "__main__":
    sys.exit(main())
