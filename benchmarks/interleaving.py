"""Do workloads that run in turn take as long as in long visits of one workload?

Workloads from some 20 us to 2 s a call are prepared in one process. In every pass, in random order, each of them is timed as
a campaign times it: the calls that warm it up after the switch, then a block. Blocks without a switch follow at once. The
first block over the median of those that follow says what is left of the switch; both met the machine in the same state, so
that the ratio is known to a fraction of a percent beside neighbours too. Shown is its median over passes with the 95 %
interval (of the sign test), and what the first call after a switch takes, over one in a loop.

Run: ``python benchmarks/interleaving.py [--backend torch] [--seconds 120] [--longest 3]``.
"""

from __future__ import annotations

import argparse
import os
import random
import time

import numpy as np
from studies.sign_test import median_interval

from hwcost._types import Floats
from hwcost.backends import usable
from hwcost.campaign.processes.exports import export
from hwcost.devices import require
from hwcost.spaces import space
from hwcost.timing.execution.groups import prepare
from hwcost.timing.execution.member import Member
from hwcost.timing.processes.exporter import ExportJob
from hwcost.timing.protocol import protocol
from hwcost.timing.setting import Setting
from hwcost.timing.telemetry import telemetry_of
from hwcost.units import format_seconds
from hwcost.workloads import component_stacks, models
from hwcost.workloads.base import Workload

FOLLOWING = 4
"""Blocks without a switch after each block."""

LEAST_PASSES = 6
"""Fewer passes have no interval."""


def workloads(longest: int) -> list[Workload]:
    """Makes workloads of all sizes.

    Args:
        longest: Number of kinds of nets of full size, from 0 to 3; calls of the third take about 2 s.
    """
    mini, full = space("supershaper", scale="mini"), space("supershaper")
    small, large = mini.sample(2, seed=0, design="spread"), full.sample(3, seed=0, design="spread")[1:2]
    shape = {"batch_size": 1, "dtype": "float32"}
    parts = {one.name.split("[")[0]: one for one in component_stacks(mini, components=mini.parts(), seq_len=64, **shape)}
    found = [one for name, one in parts.items() if " x " not in name]
    found += [*models(mini, small, seq_len=64, **shape), *models(mini, small, seq_len=128, **shape | {"batch_size": 8})]
    for batch, seq in [(1, 16), (1, 128), (8, 128)][:longest]:
        found += models(full, large, seq_len=seq, **shape | {"batch_size": batch})
    return found


def main() -> None:
    """Measures and prints the table of one backend."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backend", default="torch")
    parser.add_argument("--seconds", type=float, default=120.0, help="seconds of the passes")
    parser.add_argument("--longest", type=int, default=3, help="number of kinds of full-size nets, up to 3 (calls of 2 s)")
    given = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    members = prepared(given.backend, workloads(given.longest))
    rows = measured(members, given.seconds)
    print(f"{given.backend}, {len(next(iter(rows.values())))} passes")
    print(f"{'workload':60} {'call':>9} {'calls':>6} {'warm-up':>7} {'first call':>10} {'ratio':>7}  95 % interval")
    for member in members:
        _show(member, np.array(rows[member.key]))


def prepared(name: str, made: list[Workload]) -> list[Member]:
    """Prepares workloads as a worker does, once what has to be exported is, and makes their pilot blocks.

    Args:
        name: Name of the backend.
        made: The workloads.
    """
    handle = require("cpu")
    backend = usable(name, handle.kind)(1, {})
    if missing := [one for one in made if backend.needs_export(one)]:
        export(ExportJob(name, {}, 1, backend.shares_weights), missing)
    setting = Setting(backend, handle, protocol("standard"), telemetry_of(backend, handle))
    members = [prepare(setting, one, position) for position, one in enumerate(made)]
    for member in members:
        member.pilot()
    return members


def measured(members: list[Member], seconds: float) -> dict[str, list[tuple[float, float, float]]]:
    """Makes passes until time is over.

    Args:
        members: The prepared workloads.
        seconds: Seconds of the passes; a few are made in any case.

    Returns:
        Figures of every pass of each workload, by its key: seconds per call of the block after the switch, their ratio
        to the median of the blocks that follow, and seconds of the first call.
    """
    rows: dict[str, list[tuple[float, float, float]]] = {member.key: [] for member in members}
    order, rng, end = list(members), random.Random(0), time.monotonic() + seconds
    number = 0
    while number < LEAST_PASSES or time.monotonic() < end:
        number += 1
        rng.shuffle(order)
        for member in order:
            switched, *others = (member.block(number) for _ in range(1 + FOLLOWING))
            call_s, usual_s = switched.block.per_call_s, float(np.median([one.block.per_call_s for one in others]))
            rows[member.key].append((call_s, call_s / usual_s, switched.first_s or np.nan))
    return rows


def _show(member: Member, rows: Floats) -> None:
    """Prints the row of a workload."""
    ratios = rows[:, 1]
    low, high = median_interval(ratios.tolist())
    first = np.median(rows[:, 2]) / np.median(rows[:, 0])
    print(
        f"{member.workload.name[:60]:60} {format_seconds(float(np.median(rows[:, 0])), 3):>9} {member.calls:6} "
        f"{member.warmup_calls:7} {first:10.2f} {np.median(ratios):7.4f}  {low:.4f} to {high:.4f}"
    )


if __name__ == "__main__":
    main()
