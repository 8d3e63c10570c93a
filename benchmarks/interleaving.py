"""Do workloads that run in turn take as long as workloads that run alone?

Workloads from 50 us to 2 s a call are measured in fresh processes by both ways: in turn, in passes of random order, and one
after another, each in one long visit. Both ways use the same processes, criteria and seconds, and their rounds alternate.
Shown is the latency of each workload, the ratio of both ways with its 95 % interval (a t interval over rounds), and what a
first call after a switch takes. A visit's latency is here the lower decile of its blocks (``--quantile 0.5``: the median),
since long visits do not tell what a neighbour slowed; how much it did shows in the column of the spread.

Run: ``python benchmarks/interleaving.py [--backend torch] [--rounds 4] [--longest 3] [--quantile 0.1]``.
"""

from __future__ import annotations

import argparse
import math
import statistics
from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from scipy import stats

from hwcost.campaign.options import MeasureOptions
from hwcost.campaign.process import WorkerProcess
from hwcost.spaces import space
from hwcost.timing.assemble import assembled_group
from hwcost.timing.measurement import Visit
from hwcost.timing.protocol import protocol
from hwcost.timing.worker import Job
from hwcost.units import format_seconds
from hwcost.workloads import component_stacks, models
from hwcost.workloads.base import Workload

WAYS = {"in turn": None, "alone": 0}
"""Bytes of memory that a group may take beyond its first workload; None for as many as are free."""

BLOCKS = 6
"""Blocks of a visit at the least, so that calls of seconds take no quarter of an hour."""


def workloads(longest: int) -> list[Workload]:
    """Makes workloads of all sizes.

    Args:
        longest: Number of the largest kinds of net, from 0 to 3; 0 leaves nets of full size out.
    """
    mini, full = space("supershaper", scale="mini"), space("supershaper")
    small, large = mini.sample(2, seed=0, design="spread"), full.sample(3, seed=0, design="spread")[1:2]
    shape = {"batch_size": 1, "dtype": "float32"}
    parts = [one for one in component_stacks(mini, components=mini.parts(), seq_len=64, **shape) if _depth(one) == 1]
    found = [*parts[:: max(1, len(parts) // 4)][:4], *models(mini, small, seq_len=64, **shape)]
    found += models(mini, small, **shape | {"batch_size": 8}, seq_len=128)
    sizes = [(1, 16), (1, 128), (8, 128)][:longest]
    return [*found, *(one for batch, seq in sizes for one in models(full, large, seq_len=seq, **shape | {"batch_size": batch}))]


def _depth(workload: Workload) -> int:
    return int(workload.as_dict().get("depth", 1))


def main() -> None:
    """Prints the table of one backend."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backend", default="torch")
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--longest", type=int, default=3, help="number of kinds of full-size nets, up to 3 (calls of 2 s)")
    parser.add_argument("--quantile", type=float, default=0.1, help="quantile of a visit's blocks that is its latency")
    given = parser.parse_args()
    made = workloads(given.longest)
    visits: dict[str, dict[str, list[Visit]]] = {way: defaultdict(list) for way in WAYS}
    for number in range(given.rounds):
        for way in list(WAYS) if number % 2 else list(WAYS)[::-1]:
            print(f"round {number + 1} of {given.rounds}, {way}", flush=True)
            for visit in measured(made, given.backend, way, number):
                visits[way][visit.workload_key].append(visit)
    _show(made, visits, given.quantile)


def measured(made: Sequence[Workload], backend: str, way: str, number: int) -> list[Visit]:
    """Measures all workloads in a fresh process.

    Args:
        made: The workloads.
        backend: Name of the backend.
        way: One of ``WAYS``.
        number: Number of the round.
    """
    options = MeasureOptions(backend=backend)
    order = np.random.default_rng(number).permutation(len(made)).tolist()
    asked = protocol("standard", blocks=BLOCKS)
    job = Job(
        backend=backend, backend_options={}, threads=1, device=options.handle.to_dict(), protocol=asked.to_dict(),
        round=number, workloads=[made[i].as_dict() for i in order], positions=order, cpus=[1], memory_bytes=WAYS[way],
    )  # fmt: skip
    prepared, passes = defaultdict(list), defaultdict(list)
    found: list[Visit] = []
    with WorkerProcess(job) as worker:
        for event in worker.events():
            if event["event"] == "prepared":
                prepared[event["group"]].append(event)
            elif event["event"] == "pass":
                passes[event["group"]].append(event)
            elif event["event"] == "visit":
                found.append(Visit.from_dict(event["visit"]))
    for group, those in prepared.items():
        found += assembled_group(those, passes[group], asked)
    return found


def _show(made: Sequence[Workload], visits: dict[str, dict[str, list[Visit]]], quantile: float) -> None:
    """Prints a row for each workload."""
    print(f"{'workload':46} {'alone':>10} {'in turn':>10} {'ratio':>8} {'± 95 %':>7} {'first call':>10} {'spread':>7}  flags")
    for one in made:
        alone, turn = (visits[way][one.key] for way in ("alone", "in turn"))
        usable = [(a, b) for a, b in zip(alone, turn, strict=True) if a.is_usable and b.is_usable]
        flags = sorted({flag.code for visit in [*alone, *turn] for flag in visit.flags} - {"W_DISTURBED"})
        if len(usable) < 2:
            print(f"{one.name[:46]:46} not usable: {flags}")
            continue
        found = np.array([[np.quantile(visit.samples_s, quantile) for visit in pair] for pair in usable])
        ratios = np.log(found[:, 1] / found[:, 0])
        half = stats.t.ppf(0.975, len(ratios) - 1) * ratios.std(ddof=1) / math.sqrt(len(ratios))
        known = [visit.conditions.get("switch_ratio") for visit in turn]
        switch = [ratio for ratio in known if ratio is not None]
        spread = statistics.median(np.std(np.log(visit.samples_s)) for pair in usable for visit in pair)
        print(
            f"{one.name[:46]:46} {format_seconds(float(np.median(found[:, 0])), 3):>10} "
            f"{format_seconds(float(np.median(found[:, 1])), 3):>10} {math.exp(ratios.mean()):8.4f} "
            f"{100 * half:6.2f}% {statistics.median(switch) if switch else math.nan:10.2f} {100 * spread:6.1f}%  {' '.join(flags)}"
        )


if __name__ == "__main__":
    main()
