"""How long does one cycle over Complete Journey take, and how much memory?

Brings the retailer's year into a fresh home, then runs `patronage cycle` in a process of its own.

    python benchmarks/cycle.py [AS_OF]

Published: at most 20 s of wall time on two cores, at most 2 GB.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

BRING_IN = """
from patronage.cli import start
start.set_up()
from patronage.access.progress import silent
from patronage.cli.call import wall_clock
from patronage.cli.demo.steps import before_the_cycles
with start.ready_store():
    for step in before_the_cycles():
        step.do(wall_clock(), silent)
"""
GIGABYTE = 1024 * 1024  # in the kilobytes that getrusage counts


def main(arguments: list[str]) -> int:
    as_of = arguments[0] if arguments else "2017-12-31"
    with tempfile.TemporaryDirectory(prefix="patronage-cycle-") as home:
        environment = {**os.environ, "PATRONAGE_HOME": home}
        environment.pop("PATRONAGE_DATABASE_URL", None)
        began = time.monotonic()
        subprocess.run([sys.executable, "-c", BRING_IN], env=environment, check=True)
        print(f"imports        {time.monotonic() - began:6.1f} s")
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        began = time.monotonic()
        command = [str(Path(sys.executable).with_name("patronage")), "cycle", "--as-of", as_of]
        status = subprocess.run(command, env=environment, check=False).returncode
        wall = time.monotonic() - began
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(f"cycle {as_of}")
    print(f"  wall         {wall:6.1f} s  (published: at most 20 s)")
    print(f"  CPU          {cpu:6.1f} s")
    # of the larger of the two processes, so an upper bound of the cycle's
    print(f"  peak memory  {after.ru_maxrss / GIGABYTE:6.2f} GB (published: at most 2 GB)")
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
