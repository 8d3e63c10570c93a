"""How much memory do forty nets of full size take that one process of a campaign prepares and times in turn?

A worker takes the nets as a campaign's does, in groups of as many as memory holds, and makes one pass over each group. Shown
are the groups, the nets that failed, the peak of the worker's resident memory beside the bar of 12 GiB, and what the weights
of all nets would take if each net held its own. With ``--limit`` a group may take less, so that there are more of them.

Run: ``python benchmarks/group_memory.py [--backend torch] [--nets 40] [--limit 2]``, on Linux.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from hwcost.backends import usable
from hwcost.campaign.processes.exports import export
from hwcost.campaign.processes.worker_process import WorkerProcess
from hwcost.devices import require
from hwcost.spaces import space
from hwcost.timing.processes.exporter import ExportJob
from hwcost.timing.processes.worker import Job
from hwcost.timing.protocol import protocol
from hwcost.units import format_bytes
from hwcost.workloads import ModelWorkload, models

GIB = 2**30
BAR_BYTES = 12 * GIB
WEIGHT_BYTES = 4


@dataclass
class Prepared:
    """What a worker made of the nets.

    Attributes:
        groups: Number of nets of each group that were prepared, by the group's number.
        failed: Names of the nets that failed, with the reason.
        peak_bytes: Largest resident memory of the worker.
    """

    groups: dict[int, int] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)
    peak_bytes: int = 0


def main() -> int:
    """Prepares the nets and prints what that took; the status is 1 where a net failed or the bar is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backend", default="torch")
    parser.add_argument("--nets", type=int, default=40)
    parser.add_argument("--scale", default="paper", help="scale of the space supershaper (paper: full size)")
    parser.add_argument("--seq-len", type=int, default=128, help="tokens")
    parser.add_argument("--limit", type=float, metavar="GIB", help="memory that a group may take (a share of what is free)")
    given = parser.parse_args()
    searched = space("supershaper", scale=given.scale)
    nets = models(searched, searched.sample(given.nets, seed=0, design="spread"), batch_size=1, seq_len=given.seq_len)
    limit = None if given.limit is None else int(given.limit * GIB)
    found = prepared(given.backend, nets, limit)
    weights = WEIGHT_BYTES * sum(searched.params(net.architecture) for net in nets)
    sizes = ", ".join(map(str, found.groups.values()))
    is_met = found.peak_bytes <= BAR_BYTES and not found.failed
    print(f"{given.backend}, {len(nets)} nets at {given.seq_len} tokens, whose weights are {format_bytes(weights)}")
    print(f"groups of {sizes}; failed: {'; '.join(found.failed) or 'none'}")
    said = f"bar: at most {format_bytes(BAR_BYTES)}, {'met' if is_met else 'missed'}"
    print(f"peak of the worker: {format_bytes(found.peak_bytes)} ({said})")
    return int(not is_met)


def prepared(name: str, nets: Sequence[ModelWorkload], limit_bytes: int | None) -> Prepared:
    """Lets a worker prepare nets and make a pass over each group, once what has to be exported is.

    Args:
        name: Name of the backend.
        nets: The nets.
        limit_bytes: Memory that a group may take; None for a share of what is free.
    """
    handle = require("cpu")
    backend = usable(name, handle.kind)(1, {})
    if missing := [one for one in nets if backend.needs_export(one)]:
        export(ExportJob(name, {}, 1, backend.shares_weights), missing)
    job = Job(
        backend=name,
        backend_options={},
        threads=1,
        device=handle.to_dict(),
        protocol=protocol("standard").to_dict(),
        round=0,
        workloads=[net.as_dict() for net in nets],
        positions=list(range(len(nets))),
        passes=1,
        memory_bytes=limit_bytes,
    )
    found = Prepared()
    with WorkerProcess(job) as worker:
        for event in worker.events():
            found.peak_bytes = max(found.peak_bytes, peak_bytes())
            if event["event"] == "prepared":
                found.groups[event["group"]] = found.groups.get(event["group"], 0) + 1
                print(f"{event['name']}: {format_bytes(found.peak_bytes)}", file=sys.stderr, flush=True)
            elif event["event"] == "visit":
                found.failed.append(event["visit"]["flags"][0]["text"])
    return found


def peak_bytes() -> int:
    """Returns the largest resident memory that any process which this one started had so far, as the system kept it."""
    peaks = [0]
    for process in psutil.Process().children():
        for line in Path(f"/proc/{process.pid}/status").read_text(encoding="ascii").splitlines():
            if line.startswith("VmHWM:"):
                peaks.append(1024 * int(line.split()[1]))
    return max(peaks)


if __name__ == "__main__":
    sys.exit(main())
