"""How fast is a manager's list with 100,000 customers in scope, as a browser paints it?

Serves a home that `python -m benchmarks.base --home FOLDER` made, logs in and loads the portfolio
page in a real Chromium: time to the first byte, to the first paint, and to swap in the next page.

    python benchmarks/portfolio_page.py --home FOLDER --email ADDRESS --password WORDS

Published: first paint in at most 300 ms on loopback.
"""

from __future__ import annotations

import argparse
import os
import shutil
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

PAGES = ("/portfolio", "/portfolio?sort=risk", "/portfolio?sort=label", "/portfolio?tier=base")
#: measured loads of each page, after one that is not
LOADS = 9
TIMES = """() => {
  const load = performance.getEntriesByType('navigation')[0];
  const paint = performance.getEntriesByName('first-contentful-paint')[0];
  return [load.responseStart - load.requestStart, paint ? paint.startTime : NaN];
}"""
SWAP = """async () => {
  const start = performance.now();
  const swapped = new Promise(
    (resolve) => document.addEventListener('htmx:after:swap', resolve, { once: true }));
  document.querySelector('a[rel=next]').click();
  await swapped;
  return performance.now() - start;
}"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--email", required=True)
    parser.add_argument("--password", required=True)
    asked = parser.parse_args()
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        print("No Chromium on this machine: apt-get install -y chromium", file=sys.stderr)
        return 1
    with served(asked.home) as (address, _), sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        log_in(page, address, asked.email, asked.password)
        measure(page, address)
        browser.close()
    return 0


def measure(page: Page, address: str) -> None:
    print(f"load average before: {os.getloadavg()[0]:.1f}")
    for path in PAGES:
        loads = [load(page, address + path) for _ in range(LOADS + 1)][1:]
        first_byte, first_paint = zip(*loads, strict=True)
        print(
            f"{path:28} first byte {statistics.median(first_byte):4.0f} ms (most "
            f"{max(first_byte):.0f}), first paint {statistics.median(first_paint):4.0f} ms "
            f"(most {max(first_paint):.0f})"
        )
    page.goto(address + PAGES[0])
    print(page.get_by_role("heading", level=1).inner_text())
    swaps = []
    for _ in range(LOADS):
        swaps.append(page.evaluate(SWAP))
        page.wait_for_timeout(200)
    print(f"next page swapped in: {statistics.median(swaps):.0f} ms (most {max(swaps):.0f})")


def load(page: Page, address: str) -> tuple[float, float]:
    page.goto(address)
    page.wait_for_timeout(250)  # the paint's own entry comes a moment after the load
    first_byte, first_paint = page.evaluate(TIMES)
    return first_byte, first_paint


def log_in(page: Page, address: str, email: str, password: str) -> None:
    page.goto(f"{address}/login")
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url(lambda url: "/login" not in url)


@contextmanager
def served(home: Path) -> Iterator[tuple[str, int]]:
    """Serve a home for the length of a block; give its address and the server's process."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-c", "from patronage.cli.main import run; run()"]
    server = subprocess.Popen(
        [*command, "serve", "--port", str(port)],
        env=os.environ | {"PATRONAGE_HOME": str(home)},
        stdout=subprocess.DEVNULL,
    )
    try:
        _wait_for(port, server)
        yield f"http://127.0.0.1:{port}", server.pid
    finally:
        server.terminate()
        server.wait(timeout=30)


def _wait_for(port: int, server: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until and server.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise SystemExit("The server did not start within a minute.")


if __name__ == "__main__":
    sys.exit(main())
