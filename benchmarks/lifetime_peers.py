"""What the peers take; run by `lifetime.py` with an interpreter that has them.

    python benchmarks/lifetime_peers.py HISTORIES.npz CUSTOMERS

Prints processor seconds as JSON. `pymc-marketing` is measured where PATRONAGE_BENCH_PYMC is set:
its one fit takes minutes, most of them compiling.
"""

import json
import os
import sys
import time
import warnings

import numpy as np

warnings.filterwarnings("ignore")


def main(path: str, customers: int) -> None:
    data = np.load(path)
    x, t_x, T = (data[name][:customers] for name in ("x", "t_x", "T"))
    found = {"customers": float(customers)}
    import lifetimes
    import pandas as pd

    fitter = lifetimes.ParetoNBDFitter()
    began = time.process_time()
    fitter.fit(x, t_x, T)
    found["lifetimes_fit"] = time.process_time() - began
    spend = pd.Series(np.random.default_rng(2).gamma(5.0, 700.0, customers))
    columns = [pd.Series(column) for column in (x, t_x, T)]
    began = time.process_time()
    lifetimes.utils._customer_lifetime_value(
        fitter, *columns, spend, time=36, discount_rate=0.008, freq="D"
    )
    fitter.conditional_probability_alive(x, t_x, T)
    found["lifetimes_value"] = time.process_time() - began
    if os.environ.get("PATRONAGE_BENCH_PYMC"):
        from pymc_marketing.clv import ParetoNBDModel

        ids = np.arange(customers)
        frame = pd.DataFrame({"customer_id": ids, "frequency": x, "recency": t_x, "T": T})
        model = ParetoNBDModel(data=frame)
        began = time.process_time()
        model.fit(method="map", progressbar=False)
        found["pymc_marketing_map"] = time.process_time() - began
    print(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
