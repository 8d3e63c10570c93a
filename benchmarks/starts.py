"""What does starting a process cost a campaign? Workers that are spawned beside workers that are forked from a warm process.

For twelve and forty small nets, and for twelve of BERT-base's size, processes with the fewest passes are run by turns in
both ways. Shown are the seconds until a worker runs and knows its device, those until all nets are prepared (each is built,
run, and timed until the calls of a block are known), those of the passes, and the pairs of a net and a process in a minute.

``--beside CHECKOUT`` counts the visits (a workload in a process) of ``hwcost measure --budget 65s`` instead, here and in
another checkout of hwcost by turns (``git worktree add ../earlier 937d7595``). A campaign with a budget makes as many passes
as fit, in no more processes than its protocol asks for: beside its count stands that of processes with the fewest passes.

Run: ``python benchmarks/starts.py [--processes 3] [--backend torch] [--beside CHECKOUT]``.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from studies.visit_counts import Visits, visits

from hwcost.agent.groups import LEAST_PASSES
from hwcost.campaign.processes.fork_client import ForkServer
from hwcost.campaign.processes.worker_process import WorkerProcess
from hwcost.devices import require
from hwcost.spaces import space
from hwcost.timing import timer
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

HERE = Path(__file__).resolve().parent.parent

BARS = "10 times as many on small nets, 1.5 times on BERT-base's size"
"""Limits for the present code beside commit 937d7595."""


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


def pairs_per_minute(backend: str, name: str, processes: int) -> float:
    """Returns the (net, process) pairs in a minute of forked processes with the fewest passes."""
    with ForkServer(backend, "cpu") as server:
        parts_s(job_of(backend, *SETS[name], 0), server)  # pays for the warm process and the exports
        made = [parts_s(job_of(backend, *SETS[name], process), server) for process in range(1, processes + 1)]
    return 60 * SETS[name][0] / statistics.median(sum(parts.values()) for parts in made)


def print_beside(backend: str, name: str, processes: int, checkout: Path, budget: str, turns: int) -> None:
    """Prints the visits of campaigns here and in another checkout, and what the fewest passes give here."""
    number, options, seq_len = SETS[name]
    scale = options.get("scale", "paper")
    found: dict[str, list[Visits]] = {"earlier": [], "here": []}
    with tempfile.TemporaryDirectory() as folder:
        for turn in range(turns):
            for way, root in (("earlier", checkout), ("here", HERE)):
                store = Path(folder) / f"{way}-{turn}.db"
                found[way].append(visits(root, store, backend, f"supershaper:scale={scale}", number, seq_len, budget))
    rates = {way: statistics.median(one.per_minute for one in made) for way, made in found.items()}
    rates["fewest passes"] = pairs_per_minute(backend, name, processes)
    for way, rate in rates.items():
        runs = ", ".join(f"{one.count} in {one.seconds:.0f} s" for one in found.get(way, []))
        label = f"here, {way}" if way not in found else way
        print(f"{name:24s}{label:22s}{rate:12.1f}{rate / rates['earlier']:14.2f}   {runs}", flush=True)


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
    parser.add_argument("--beside", type=Path, metavar="CHECKOUT", help="count campaigns' visits here and in a checkout")
    parser.add_argument("--budget", default="65s", help="with --beside: time of a campaign (default: 65s)")
    parser.add_argument("--turns", type=int, default=1, help="with --beside: campaigns of each checkout (default: 1)")
    given = parser.parse_args()
    if given.beside is not None:
        if not (given.beside / "hwcost").is_dir():
            parser.error(f"--beside takes a checkout of hwcost; '{given.beside}' holds no folder 'hwcost'")
        head = f"{'visits of a campaign of ' + given.budget:46s}{'a minute':>12s}{'over earlier':>14s}   campaigns"
        print(f"{head} (bars: {BARS})")
        for name in given.sets:
            print_beside(given.backend, name, given.processes, given.beside.resolve(), given.budget, given.turns)
        return
    print(f"{'seconds of a process':34s}" + "".join(f"{part:>10s}" for part in PARTS) + f"{'pairs/min':>12s}")
    for name in given.sets:
        print_set(given.backend, name, given.processes)


if __name__ == "__main__":
    main()
