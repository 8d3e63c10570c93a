"""How long a store takes with a year of nights: 365 runs of 312 workloads on 4 devices, 455,520 estimates.

Run: ``python benchmarks/store.py [URL ...]``; each URL names an empty store, without one an SQLite file in a temporary
folder is made.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from time import perf_counter

import numpy as np

from hwcost.stores import open_store
from hwcost.stores.runs import Code, Run
from hwcost.stores.series import Estimate, Series

NIGHTS, WORKLOADS, DEVICES = 365, 312, 4
BEGIN = datetime(2025, 1, 1, tzinfo=timezone.utc)


def main() -> None:
    """Fills and reads every store that is named."""
    with tempfile.TemporaryDirectory() as folder:
        for url in sys.argv[1:] or [str(Path(folder, "nights.db"))]:
            measure(url)


def measure(url: str) -> None:
    """Prints the seconds that writing and reading take."""
    series = [
        Series(workload_key=f"workload {n}", name=f"net-{n}", kind="model", device=f"device-{d}", backend="torch")
        for d in range(DEVICES)
        for n in range(WORKLOADS)
    ]
    draw = np.random.default_rng(0)
    with open_store(url) as store:
        print(store.url)
        nights = [timed(lambda night=night: write(store, series, night, draw)) for night in range(NIGHTS)]
        print(f"a night of {len(series)} estimates: {np.median(nights):.3f} s, the longest {max(nights):.3f} s")
        late = (BEGIN + timedelta(days=NIGHTS - 30)).isoformat()
        reads: dict[str, Callable[[], object]] = {
            "all estimates": store.estimates,
            "those of one run": lambda: store.estimates(run_ids=["run-7"]),
            "those of one series": lambda: store.estimates(series_keys=[series[5].series_key]),
            "the last 30 nights": lambda: store.estimates(since=late),
            "all series": store.series,
            "all runs": store.runs,
        }
        for name, read in reads.items():
            print(f"{name} ({len(read())}): {min(timed(read) for _ in range(3)):.3f} s")  # type: ignore[arg-type]


def write(store, series: list[Series], night: int, draw: np.random.Generator) -> None:  # type: ignore[no-untyped-def]
    """Writes a night: a run, and one campaign for each device."""
    at, run_id = (BEGIN + timedelta(days=night)).isoformat(), f"run-{night}"
    store.add_run(Run(run_id=run_id, suite="nightly", started_at=at, code=Code(commit=f"{night:040x}")))
    values = np.exp(draw.normal(-4.0, 0.02, len(series))).tolist()
    estimates = [
        Estimate(one.series_key, f"campaign-{night}-{one.device}", run_id, at, value, 0.01, n_rounds=4)
        for one, value in zip(series, values, strict=True)
    ]
    store.add_estimates(series, estimates)
    store.end_run(run_id, "done", at)


def timed(work: Callable[[], object]) -> float:
    """Returns the seconds that something takes."""
    start = perf_counter()
    work()
    return perf_counter() - start


if __name__ == "__main__":
    main()
