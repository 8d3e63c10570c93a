"""How quick other engines for boosted trees answer, beside the library that grew the trees: a process of its own.

``benchmarks/queries.py --peers FOLDER`` starts it with a folder of packages in front of the search path, for engines whose
dependencies exclude those of hwcost, and divides its rows by its own.

Run: ``python benchmarks/query_peers.py (lightgbm|xgboost) MODEL COLUMNS.npy``
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import numpy as np

ONES, BATCH = 200, 5000
"""Questions of one row, and rows of a batch."""


def seconds(work: Callable[[], Any], repeats: int = 5) -> float:
    """Returns the least CPU seconds of some runs."""
    spent = []
    for _ in range(repeats):
        start = time.process_time()
        work()
        spent.append(time.process_time() - start)
    return min(spent)


def row(predict: Callable[[Any], Any], columns: Any) -> dict[str, float]:
    """Returns microseconds of one row by itself, and nanoseconds of a row in a batch."""
    ones = [columns[at : at + 1] for at in range(ONES)]
    one = seconds(lambda: [predict(each) for each in ones]) / ONES * 1e6
    return {"one us": one, "ns": seconds(lambda: predict(columns[:BATCH]), 3) / BATCH * 1e9}


def by_library(kind: str, model: str) -> Callable[[Any], Any]:
    """Returns the prediction of the library itself, on one thread."""
    if kind == "lightgbm":
        import lightgbm

        booster = lightgbm.Booster(model_file=model)
        return lambda given: booster.predict(given, num_threads=1)
    import xgboost

    other = xgboost.Booster({"nthread": 1}, model_file=model)
    return lambda given: other.inplace_predict(given)


def by_lleaves(model: str) -> Callable[[Any], Any]:
    """Returns the prediction of lleaves, which compiles LightGBM's trees by LLVM."""
    import lleaves

    made = lleaves.Model(model_file=model)
    made.compile()
    return lambda given: made.predict(given, n_jobs=1)


def by_treelite(kind: str, model: str) -> Callable[[Any], Any]:
    """Returns the prediction of treelite's own interpreter."""
    import treelite

    read = treelite.frontend
    made = read.load_lightgbm_model(model) if kind == "lightgbm" else read.load_xgboost_model(model)
    return lambda given: treelite.gtil.predict(made, given, nthread=1)


def main() -> None:
    """Prints a line of JSON: engine, times, seconds of making it, largest difference from the library."""
    kind, model, path = sys.argv[1:]
    columns = np.load(path)
    if kind == "xgboost":
        columns = columns.astype(np.float32)
    library = by_library(kind, model)
    wanted = np.ravel(library(columns[:BATCH]))
    found = {"library": {**row(library, columns), "made s": 0.0, "difference": 0.0}}
    engines = {"lleaves": lambda: by_lleaves(model)} if kind == "lightgbm" else {}
    for name, make in {**engines, "treelite": lambda: by_treelite(kind, model)}.items():
        if find_spec(name) is None:
            continue
        start = time.process_time()
        predict = make()
        spent = time.process_time() - start
        difference = float(np.abs(np.ravel(predict(columns[:BATCH])) - wanted).max())
        found[name] = {**row(predict, columns), "made s": spent, "difference": difference}
    print(json.dumps(found))


if __name__ == "__main__":
    main()
