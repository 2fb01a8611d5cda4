"""What do imports, one cycle and its stages cost with 100,000 customers in scope?

Invents a retailer (`benchmarks/retailer.py`), imports its files with `patronage import`, runs one
cycle and prints wall time, CPU time and peak memory of each import and of each stage.

    python -m benchmarks.base [--customers 100000] [--as-of 2017-09-30] [--home FOLDER]

With --home the installation is kept, to be served and looked at; otherwise it goes to a temporary
folder. Linux only: memory is read from /proc.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from importlib import resources
from pathlib import Path

from benchmarks.retailer import MAPPINGS, write

from patronage.vocabulary.company import parse_company

SEED = 20170101
#: most customers are served by rule, so that one manager's portfolio holds most of them
SHARES = {"top": 0.1, "middle": 0.2, "base": 0.7}
#: the quarter's budget grows with the customers, from the demonstration's 2,469
DEMO_CUSTOMERS = 2_469
MEGABYTE = 1_000_000


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=100_000)
    parser.add_argument("--as-of", type=date.fromisoformat, default=date(2017, 9, 30))
    parser.add_argument("--home", type=Path)
    parser.add_argument(
        "--inside", choices=["invent", "set-up", "offer", "cycle"], help=argparse.SUPPRESS
    )
    asked = parser.parse_args()
    if asked.inside is not None:
        inside(asked.inside, asked.customers, asked.as_of)
        return 0
    if asked.home is not None:
        measure(asked.home, asked.customers, asked.as_of)
        return 0
    with tempfile.TemporaryDirectory(prefix="patronage-base-") as home:
        measure(Path(home), asked.customers, asked.as_of)
    return 0


def measure(home: Path, customers: int, as_of: date) -> None:
    """Bring everything into a home and run one cycle, each step in a process of its own."""
    home.mkdir(parents=True, exist_ok=True)
    print(f"{'step':<28}{'wall s':>9}{'CPU s':>9}{'peak MB':>9}")
    ours = [sys.executable, "-m", "benchmarks.base", "--customers", str(customers)]
    # in a process of its own: a child starts with the peak of its parent
    run("invent the files", [*ours, "--inside", "invent"], home)
    run("set up", [*ours, "--inside", "set-up"], home)
    patronage = str(Path(sys.executable).with_name("patronage"))
    for name in MAPPINGS:
        path = home / "files" / f"{name}.parquet"
        mapping = ["--mapping", str(path.with_suffix(".toml"))]
        run(f"import {name}", [patronage, "import", str(path), *mapping], home)
    run("consents and offers", [*ours, "--inside", "offer"], home)
    run("cycle", [*ours, "--as-of", as_of.isoformat(), "--inside", "cycle"], home)


def run(name: str, command: Sequence[str], home: Path) -> None:
    """Run a command in the home and print what it took."""
    environment = {**os.environ, "PATRONAGE_HOME": str(home)}
    environment.pop("PATRONAGE_DATABASE_URL", None)
    began = time.monotonic()
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    said = process.stdout.read() if process.stdout is not None else ""
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{name} failed with status {process.returncode}:\n{said}")
    if name == "cycle":
        print(said, end="")
    cpu = used.ru_utime + used.ru_stime
    print(row(name, time.monotonic() - began, cpu, used.ru_maxrss * 1024))


def row(name: str, wall: float, cpu: float, peak: float) -> str:
    """Write one line of the table."""
    return f"{name:<28}{wall:>9.1f}{cpu:>9.1f}{peak / MEGABYTE:>9.0f}"


def company_text(customers: int) -> str:
    """The demonstration's company, with a large base tier and a budget for so many customers."""
    text = (resources.files("patronage.cli.demo") / "company.toml").read_text(encoding="utf-8")
    for tier, share in SHARES.items():
        text, found = re.subn(rf'(name = "{tier}"\nshare = )[\d.]+', rf"\g<1>{share}", text)
        assert found == 1, f"the demonstration declares no tier {tier!r}"
    budget = round(parse_company(text).quarterly_budget_minor * customers / DEMO_CUSTOMERS)
    text, found = re.subn(r"(quarterly_budget_minor = )\d+", rf"\g<1>{budget}", text)
    assert found == 1, "the demonstration declares no budget"
    return text


def inside(step: str, customers: int, as_of: date) -> None:
    """Do one step in this process."""
    from patronage.cli import start

    if step == "invent":
        folder = start.home() / "files"
        folder.mkdir(exist_ok=True)
        write(folder, parse_company(company_text(customers)), customers=customers, seed=SEED)
        return
    start.set_up()
    with start.ready_store():
        if step == "set-up":
            set_up(customers)
        elif step == "offer":
            offer()
        else:
            cycle(as_of)


def set_up(customers: int) -> None:
    """Declare the company, its people and portfolios."""
    from patronage.access.company import load_company
    from patronage.access.roles import SYSTEM
    from patronage.cli import demo_people, start
    from patronage.cli.call import wall_clock
    from patronage.govern.actions import set_up_portfolios

    now, text = wall_clock(), company_text(customers)
    load_company(actor=SYSTEM, now=now, text=text, reason="benchmark")
    company = parse_company(text)
    password = demo_people.password_of(start.home())
    demo_people.add(demo_people.everybody(company), password=password, now=now)
    set_up_portfolios(
        actor=SYSTEM, now=now, company=company, starts_at=first_day(company.time_zone)
    )


def offer() -> None:
    """Assume consents and propose the offers that the coupons show."""
    from patronage.access.company import current
    from patronage.access.roles import SYSTEM
    from patronage.cli.call import wall_clock
    from patronage.cli.demo.offers import propose
    from patronage.identify.actions import declare_consents

    now, company = wall_clock(), current().company
    declare_consents(
        actor=SYSTEM,
        now=now,
        purpose="marketing",
        channels=[channel.name for channel in company.channels],
        source="assumption: invented customers agreed",
        valid_from=first_day(company.time_zone),
    )
    propose(company, now)


def first_day(time_zone: str) -> datetime:
    """The instant from which managers answer, before the first event."""
    from patronage.vocabulary.periods import BusinessCalendar

    return BusinessCalendar(time_zone).start_of_day(date(2016, 12, 31))


def cycle(as_of: date) -> None:
    """Run the cycle and print what each stage took."""
    from patronage.access.roles import SYSTEM
    from patronage.cli.call import wall_clock
    from patronage.steer.cycle import cycle as run_cycle

    with Sampler() as sampler:
        at = time.monotonic()
        for stage in run_cycle(actor=SYSTEM, now=wall_clock(), as_of=as_of):
            cpu, peak = sampler.between(at, at + stage.seconds)
            print(row(f"  {stage.name}", stage.seconds, cpu, peak))
            at += stage.seconds


@dataclass(slots=True)
class Sampler:
    """Notes CPU time and resident memory of this process twenty times a second."""

    #: monotonic time, CPU seconds, resident bytes
    samples: list[tuple[float, float, int]] = field(default_factory=list)
    _ending: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def __enter__(self) -> Sampler:
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        if self._thread is not None:
            self._thread.join()

    def between(self, start: float, end: float) -> tuple[float, int]:
        """Give the CPU seconds and the largest resident size between two monotonic times."""
        inside = [each for each in self.samples if start - 0.1 <= each[0] <= end + 0.1]
        if not inside:
            return 0.0, 0
        return inside[-1][1] - inside[0][1], max(each[2] for each in inside)

    def _watch(self) -> None:
        page = os.sysconf("SC_PAGE_SIZE")
        while not self._ending.wait(0.05):
            resident = int(Path("/proc/self/statm").read_text().split()[1]) * page
            self.samples.append((time.monotonic(), time.process_time(), resident))


if __name__ == "__main__":
    sys.exit(main())
