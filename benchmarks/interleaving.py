"""Do workloads that run in turn take as long as in long visits of one workload?

Workloads from some 20 us to 2 s a call are prepared in one process. In every pass, in random order, each of them is timed as
a campaign times it: the calls that warm it up after the switch, then a block. Blocks without a switch follow at once. The
first block over the median of those that follow says what is left of the switch; both met the machine in the same state, so
that the ratio is known to a fraction of a percent beside neighbours too. Shown is its median over passes with the 95 %
interval (of the sign test), and what the first call after a switch takes, over one in a loop.

``--alone`` compares the medians with long single visits instead: in every round a fresh process prepares all workloads and
makes passes before and after each visit, in which a workload runs alone in a process of its own for some seconds. The passes
are close in time to the visit, so that the ratio of their median and the visit's knows little of drift. Shown is its median
over rounds, with the interval, beside the bar of 1 %. Nets that stream more weights than caches hold differ by several
percent from process to process, by where their memory lies; with ``--same-process`` the visits are made in the process of
the passes, so that memory lies where it lay.

Run: ``python benchmarks/interleaving.py [--backend torch] [--seconds 120] [--longest 3]``, or ``--alone [--backends
torch,onnxruntime,openvino] [--rounds 6] [--visit 3] [--same-process]``.
"""

from __future__ import annotations

import argparse
import math
import os
import random
import sys
import time

import numpy as np
from studies.sign_test import median_interval
from studies.single_visits import rounds
from studies.sized_workloads import prepared, workloads

from hwcost._types import Floats
from hwcost.backends import usable
from hwcost.errors import HwcostError
from hwcost.timing.execution.member import Member
from hwcost.units import format_seconds

FOLLOWING = 4
"""Blocks without a switch after each block."""

LEAST_PASSES = 6
"""Fewer passes have no interval."""

BAR = 0.01
"""Most that the medians of workloads in turn may differ from those of single visits, on an idle machine."""


def main() -> None:
    """Measures and prints the table of one backend."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backend", default="torch")
    parser.add_argument("--seconds", type=float, default=120.0, help="seconds of the passes")
    parser.add_argument("--longest", type=int, default=3, help="number of kinds of full-size nets, up to 3 (calls of 2 s)")
    parser.add_argument("--alone", action="store_true", help="compare with long visits, one workload in a process at a time")
    parser.add_argument("--backends", default="torch,onnxruntime,openvino", help="with --alone: names with commas between")
    parser.add_argument("--rounds", type=int, default=LEAST_PASSES, help=f"with --alone: rounds ({LEAST_PASSES})")
    parser.add_argument("--visit", type=float, default=3.0, help="with --alone: seconds of a visit (3)")
    parser.add_argument("--same-process", action="store_true", help="with --alone: visits in the process of the passes")
    given = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    if given.alone:
        print("| backend | workload | alone | in turn / alone | 95 % interval | within 1 % |\n|---|---|---|---|---|---|")
        for name in given.backends.split(","):
            _print_alone(name, given.longest, given.rounds, given.visit, given.same_process)
        return
    members = prepared(given.backend, workloads(given.longest))
    rows = measured(members, given.seconds)
    print(f"{given.backend}, {len(next(iter(rows.values())))} passes")
    print(f"{'workload':60} {'call':>9} {'calls':>6} {'warm-up':>7} {'first call':>10} {'ratio':>7}  95 % interval")
    for member in members:
        _show(member, np.array(rows[member.key]))


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


def _print_alone(backend: str, longest: int, number: int, visit_s: float, is_same_process: bool) -> None:
    """Prints the rows of a backend: workloads in turn over long visits of one of them."""
    try:
        usable(backend, "cpu")
    except HwcostError as error:
        print(f"{backend} is left out: {error}", file=sys.stderr)
        return
    made = []
    for one in rounds(backend, longest, number, visit_s, is_same_process):
        made.append(one)
        print(f"{backend}: {len(made)} of {number} rounds", file=sys.stderr, flush=True)
    within = 0
    for index, workload in enumerate(workloads(longest)):
        in_turn_s, alone_s = np.array([one[index] for one in made]).T
        ratio = float(np.median(in_turn_s / alone_s))
        low, high = median_interval((in_turn_s / alone_s).tolist())
        interval = "–" if math.isnan(low) else f"{low:.4f} to {high:.4f}"
        is_within = abs(ratio - 1) <= BAR
        within += is_within
        call = format_seconds(float(np.median(alone_s)), 3)
        cells = [backend, workload.name, call, f"{ratio:.4f}", interval, "yes" if is_within else "no"]
        print(f"| {' | '.join(cells)} |", flush=True)
    print(f"{backend}: {within} of {index + 1} within {100 * BAR:g} %", file=sys.stderr)


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
