"""The library stands alone: an analyst needs NumPy and SciPy, no product."""

import subprocess
import sys


def test_importing_lifetime_and_equity_loads_nothing_of_the_product() -> None:
    program = (
        "import sys, patronage.science.lifetime, patronage.science.equity;"
        "print(sorted({'django','ibis','polars','pandas','sqlglot','duckdb'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
