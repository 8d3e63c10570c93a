"""How long it takes to judge a year of nights.

Run: ``python benchmarks/judging.py [--series N] [--nights N]``. Histories have a noise of 2 %, a level common to all series
of each of four devices that moves by 3 % from night to night, and a change of 6 % in every hundredth series within the last
month. Printed are the seconds of one night's judgement over everything, and what it says.
"""

from __future__ import annotations

import argparse
from collections import Counter
from datetime import datetime, timedelta, timezone

import numpy as np

from hwcost.history import judge
from hwcost.stores.estimate_table import EstimateTable
from hwcost.stores.runs import Code, Run
from hwcost.stores.series import Series
from hwcost.timing.timer import stopwatch

DEVICES = 4
NOISE = 0.02
LEVEL = 0.03
CHANGE = 0.06
EVERY = 100
FIRST = datetime(2026, 1, 1, 3, tzinfo=timezone.utc)


def history(n: int, nights: int) -> tuple[list[Run], dict[str, Series], EstimateTable, set[str]]:
    """Makes runs, series, estimates, and the keys of the series that changed."""
    rng = np.random.default_rng(0)
    starts = [FIRST + timedelta(days=night) for night in range(nights)]
    runs = [
        Run(run_id=f"{k:06d}", suite="nightly", status="done", started_at=at.isoformat(), code=Code(commit=f"{k:040x}"))
        for k, at in enumerate(starts)
    ]
    made = [
        Series(workload_key=f"w{i}", name=f"w{i}", kind="model", device=f"device{i % DEVICES}", backend="torch")
        for i in range(n)
    ]
    y = rng.normal(-4.0, 1.0, (n, 1)) + rng.normal(0, NOISE, (n, nights))
    y += rng.normal(0, LEVEL, (DEVICES, nights))[np.arange(n) % DEVICES]
    changed = np.arange(0, n, EVERY)
    y[changed, -min(20, nights // 2) :] += CHANGE
    keys = sorted(one.series_key for one in made)
    place = {key: index for index, key in enumerate(keys)}
    count = n * nights
    half = np.full(count, 0.01)
    nothing = np.zeros(count, dtype=np.intp)
    table = EstimateTable(
        series_key=keys, series=np.tile([place[one.series_key] for one in made], nights),
        run_id=[run.run_id for run in runs], run=np.repeat(np.arange(nights), n), campaign_id=[], campaign=nothing - 1,
        measured_s=np.repeat([at.timestamp() for at in starts], n), value=np.exp(y.T.ravel()), half_width=half,
        level_half_width=0 * half, n_rounds=nothing + 4, status=nothing.astype(np.int8), flags=[()], flag=nothing,
        reasons=[""], reason=nothing,
    )  # fmt: skip
    return runs, {one.series_key: one for one in made}, table, {made[i].series_key for i in changed}


def main() -> None:
    """Prints the seconds and the verdicts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--series", type=int, default=1248, help="Number of series.")
    parser.add_argument("--nights", type=int, default=365, help="Number of nights.")
    given = parser.parse_args()
    runs, series, table, changed = history(given.series, given.nights)
    watch = stopwatch()
    found, devices = judge(runs, series, table)
    print(f"{given.series} series x {given.nights} nights: judged in {watch():.2f} s")
    print(dict(Counter(one.verdict for one in found)), *(one.reason for one in devices), sep="\n")
    alarmed = {one.series_key for one in found if one.verdict in ("regressed", "improved")}
    print(f"changes found: {len(alarmed & changed)} of {len(changed)}; alarms elsewhere: {len(alarmed - changed)}")


if __name__ == "__main__":
    main()
