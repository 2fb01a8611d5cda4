"""What the peers take; run by `lifetime.py` with an interpreter that has them.

    python benchmarks/lifetime_peers.py HISTORIES.npz CUSTOMERS

Prints processor seconds, of this process and its children, as JSON. `pymc-marketing` is measured
where PATRONAGE_BENCH_PYMC is set, and takes minutes: its MAP is fitted twice to CUSTOMERS, since
the first time also compiles, and once to five times as many, so that what grows with customers can
be told from what does not.
"""

import json
import os
import resource
import sys
import warnings
from collections.abc import Callable

import numpy as np

warnings.filterwarnings("ignore")
Columns = tuple[np.ndarray, np.ndarray, np.ndarray]


def processor_seconds() -> float:
    used = [resource.getrusage(of) for of in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def seconds_of(work: Callable[[], object]) -> float:
    began = processor_seconds()
    work()
    return processor_seconds() - began


def lifetimes_seconds(x: np.ndarray, t_x: np.ndarray, T: np.ndarray) -> dict[str, float]:
    import lifetimes
    import pandas as pd

    fitter = lifetimes.ParetoNBDFitter()
    fitted = seconds_of(lambda: fitter.fit(x, t_x, T))
    spend = pd.Series(np.random.default_rng(2).gamma(5.0, 700.0, x.size))
    columns = [pd.Series(column) for column in (x, t_x, T)]

    def value() -> None:
        lifetimes.utils._customer_lifetime_value(
            fitter, *columns, spend, time=36, discount_rate=0.008, freq="D"
        )
        fitter.conditional_probability_alive(x, t_x, T)

    return {"lifetimes_fit": fitted, "lifetimes_value": seconds_of(value)}


def pymc_marketing_seconds(histories: Columns, customers: int) -> dict[str, float]:
    import pandas as pd
    from pymc_marketing.clv import ParetoNBDModel

    def fit(count: int) -> float:
        x, t_x, T = (column[:count] for column in histories)
        frame = pd.DataFrame(
            {"customer_id": np.arange(count), "frequency": x, "recency": t_x, "T": T}
        )
        model = ParetoNBDModel(data=frame)
        return seconds_of(lambda: model.fit(method="map", progressbar=False))

    first, again, five = fit(customers), fit(customers), fit(5 * customers)
    a_customer = (five - again) / (4 * customers)
    return {
        "pymc_marketing_first": first,
        "pymc_marketing_again": again,
        "pymc_marketing_five": five,
        "pymc_marketing_a_customer": a_customer,
        "pymc_marketing_fixed": again - a_customer * customers,
    }


def main(path: str, customers: int) -> None:
    data = np.load(path)
    x, t_x, T = (data[name] for name in ("x", "t_x", "T"))
    found = {"customers": float(customers)}
    found |= lifetimes_seconds(x[:customers], t_x[:customers], T[:customers])
    if os.environ.get("PATRONAGE_BENCH_PYMC"):
        found |= pymc_marketing_seconds((x, t_x, T), customers)
    print(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
