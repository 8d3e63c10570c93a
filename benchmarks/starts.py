"""What does starting a process cost a campaign? Workers that are spawned beside workers that are forked from a warm process.

For twelve and forty small nets, and for twelve of BERT-base's size, processes with the fewest passes are run by turns in
both ways. Shown are the seconds until a worker runs and knows its device, those until all nets are prepared (each is built,
run, and timed until the calls of a block are known), those of the passes, and the pairs of a net and a process in a minute.

Run: ``python benchmarks/starts.py [--processes 3] [--backend torch]``.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Iterator
from typing import Any

from hwcost.campaign.processes.fork_client import ForkServer
from hwcost.campaign.processes.worker_process import WorkerProcess
from hwcost.devices import require
from hwcost.spaces import space
from hwcost.timing import timer
from hwcost.timing.execution.passes import LEAST_PASSES
from hwcost.timing.processes.worker import Job
from hwcost.timing.protocol import protocol
from hwcost.workloads import models

SETS: dict[str, tuple[int, dict[str, Any], int]] = {
    "12 small nets": (12, {"scale": "mini"}, 64),
    "40 small nets": (40, {"scale": "mini"}, 64),
    "12 of BERT-base's size": (12, {}, 128),
}
"""Number of nets, options of the space, and tokens by the name of a set."""

PARTS = ("start", "prepare", "passes")


def job_of(backend: str, number: int, options: dict[str, Any], seq_len: int, process: int) -> Job:
    """Returns the job of a process that measures a set in the fewest passes."""
    searched = space("supershaper", **options)
    works = models(searched, searched.sample(number, seed=0), batch_size=1, seq_len=seq_len)
    return Job(
        backend=backend,
        backend_options={},
        threads=1,
        device=require("cpu").to_dict(),
        protocol=protocol("standard").to_dict(),
        round=process,
        workloads=[work.as_dict() for work in works],
        positions=list(range(number)),
        passes=LEAST_PASSES,
    )


def parts_s(job: Job, server: ForkServer | None) -> dict[str, float]:
    """Runs a job and returns the seconds of each part."""
    watch, marks = timer.stopwatch(), dict.fromkeys(PARTS, 0.0)
    with WorkerProcess(job, server) as worker:
        for event in worker.events():
            part = {"environment": "start", "prepared": "prepare"}.get(event["event"], "passes")
            marks[part] = watch()
    began_s = 0.0
    for part in PARTS:
        marks[part], began_s = marks[part] - began_s, marks[part]
    return marks


def both_ways(backend: str, name: str, processes: int) -> Iterator[tuple[str, dict[str, float]]]:
    """Runs processes of a set by turns in both ways, after one that pays for the warm process and the exports."""
    with ForkServer(backend, "cpu") as server:
        yield "first", parts_s(job_of(backend, *SETS[name], 0), server)
        for process in range(1, processes + 1):
            yield "spawned", parts_s(job_of(backend, *SETS[name], process), None)
            yield "forked", parts_s(job_of(backend, *SETS[name], process), server)


def print_set(backend: str, name: str, processes: int) -> None:
    """Prints the medians of both ways, and how many times as many pairs a minute the forked one makes."""
    runs: dict[str, list[dict[str, float]]] = {}
    for way, parts in both_ways(backend, name, processes):
        runs.setdefault(way, []).append(parts)
    rates = {}
    for way, found in runs.items():
        medians = [statistics.median(parts[part] for parts in found) for part in PARTS]
        rates[way] = 60 * SETS[name][0] / sum(medians)
        row = "".join(f"{seconds:10.2f}" for seconds in medians)
        print(f"{name:24s}{way:10s}{row}{rates[way]:12.0f}", flush=True)
    print(f"{'':24s}forked / spawned: {rates['forked'] / rates['spawned']:.2f}", flush=True)


def main() -> None:
    """Measures each set in both ways."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--processes", type=int, default=3, help="processes of each way")
    parser.add_argument("--backend", default="torch")
    parser.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS), metavar="SET", help="sets of nets")
    given = parser.parse_args()
    print(f"{'seconds of a process':34s}" + "".join(f"{part:>10s}" for part in PARTS) + f"{'pairs/min':>12s}")
    for name in given.sets:
        print_set(given.backend, name, given.processes)


if __name__ == "__main__":
    main()
