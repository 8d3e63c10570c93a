"""One process of a campaign: takes a job on stdin, measures its workloads in order, and writes events as JSON lines.

The parent plans and stores, and never measures; this process measures and never plans. What libraries print goes to
stderr, so that stdout holds events only::

    {"event": "environment", ...}   once
    {"event": "prepared", "workload_key", "position", "group", "prepare_s", "first_run_s", "facts", "checks", ...}
    {"event": "visit", "visit": ...}   instead, or later, for a workload that failed
    {"event": "pass", "group", "pass", "blocks": [...], "conditions": {...}, ...}
    {"event": "deferred", "group", "workload_key"}   for a workload that the next group takes, since memory ran out
    {"event": "closed", "group": ...}   after the last pass of a group
    {"event": "error", "type": ..., "text": ...}   and the process ends
    {"event": "done"}

The first line on stdin is the job. After some events (:data:`hwcost.agent.pipe.ACKNOWLEDGED`) one line more says that the
parent has dealt with it: no pass begins before the one before is stored. When stdin ends instead, the process does. An
event tells of one pass, or of several quick ones: each block says which it belongs to, and ``pass`` is the last of them.
Visits are made of events by :mod:`hwcost.timing.visits.assemble`. Which workload is in hand stands in a file of the
parent's, so that no event wakes it while one is timed: 8 bytes, the position in the round's order with the least byte first.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hwcost.agent.pipe import Pipe
from hwcost.errors import HwcostError

if TYPE_CHECKING:
    from hwcost.devices import DeviceHandle
    from hwcost.timing.telemetry import Telemetry


@dataclass(frozen=True, slots=True)
class Job:
    """The task of a worker, plain JSON on its stdin.

    Attributes:
        backend: Name of the backend.
        backend_options: Its options.
        threads: Intra-operator threads.
        device: Device that is measured on, ``DeviceHandle.to_dict()``.
        protocol: ``Protocol.to_dict()``.
        round: Number of the round.
        workloads: ``Workload.as_dict()`` of each workload, in the round's order.
        positions: Position of each in the round's order.
        cpus: CPUs to run on; None to leave that to the system.
        passes: Most passes over a group after its pilot pass; None for as many as the protocol's criterion asks for.
        round_s: Seconds from the start of the process after which no further pass begins; None for no limit.
        seed: Seed of the order of workloads within each pass.
        memory_bytes: Bytes that a group of workloads may take; None for a share of what is free at the start.
        current_fd: Descriptor of a file that takes the position of the workload in hand; None for none.
        takes_turns: Whether another process measures between the passes of this one, so that each pass is an event.
        tree: Folder in the working tree whose code is to be measured; None for any code that is found.
        epoch_s: Origin of the campaign's time line, :func:`hwcost.timing.timer.epoch_s`; None for one of this process.
    """

    backend: str
    backend_options: dict[str, Any]
    threads: int
    device: dict[str, Any]
    protocol: dict[str, Any]
    round: int
    workloads: list[dict[str, Any]]
    positions: list[int]
    cpus: list[int] | None = None
    passes: int | None = None
    round_s: float | None = None
    seed: int = 0
    memory_bytes: int | None = None
    current_fd: int | None = None
    takes_turns: bool = False
    tree: str | None = None
    epoch_s: float | None = None


def main() -> int:
    """Runs the job on stdin; the exit status is 0 also when a workload failed, since that is a result."""
    pipe = Pipe()
    try:
        return pipe.tell(work(Job(**json.loads(sys.stdin.readline()))))
    except HwcostError as error:
        pipe.send({"event": "error", "type": type(error).__name__, "text": str(error)})
    return 0


def work(job: Job) -> Iterator[dict[str, Any]]:
    """Measures the workloads of a job and yields its events; the next pass begins when the next event is asked for.

    Raises:
        UsageError: When other code was measured than that of the job's working tree.
        DeviceError: When the device was lost.
    """
    from hwcost.agent import processors
    from hwcost.devices import DeviceHandle, require
    from hwcost.timing import timer

    if job.epoch_s is not None:
        timer.share_epoch(job.epoch_s)
    if job.cpus:
        processors.bind(job.cpus)
    from hwcost.backends import backend as made
    from hwcost.backends import plugin_backends
    from hwcost.timing.execution.groups import Groups
    from hwcost.timing.processes.origin import check_origin
    from hwcost.timing.protocol import Protocol
    from hwcost.timing.setting import Limits, Setting
    from hwcost.timing.telemetry import telemetry_of
    from hwcost.workloads import from_dict

    handle = require(DeviceHandle.from_dict(job.device))
    backend = made(job.backend, job.threads, job.backend_options, handle.kind)
    backend.round = job.round
    telemetry = telemetry_of(backend, handle)
    yield {"event": "environment", **environment_of(plugin_backends.versions(backend, job.backend), handle, telemetry)}
    setting = Setting(backend, handle, Protocol.from_dict(job.protocol), telemetry, job.round, job.seed)
    limits = Limits(job.passes, job.round_s, job.memory_bytes, job.current_fd, job.takes_turns)
    yield from Groups(setting, limits, list(zip(map(from_dict, job.workloads), job.positions, strict=True))).events()
    if job.tree is not None:
        check_origin(job.tree, [one["factory"] for one in job.workloads if "factory" in one])


def environment_of(versions: dict[str, str], handle: DeviceHandle, telemetry: Telemetry) -> dict[str, Any]:
    """Returns what machine, device and software this process measures on, as the parent keeps it with every visit.

    Args:
        versions: Versions that the backend reports.
        handle: Device that is measured on.
        telemetry: Provider of counters, which knows how the device is set up.
    """
    from hwcost.devices import device_kind, find
    from hwcost.facts import Process, read_process

    here = find(handle)
    found = read_process(Process(versions=versions, device={} if here is None else here.to_dict()))
    pinned = device_kind(handle.kind).environment(handle)  # set by hwcost itself: which device it is stands with the device
    software, settings = dict(found["software"]), dict(found["settings"])
    software["env"] = {name: value for name, value in (software.get("env") or {}).items() if pinned.get(name) != value}
    return {**found, "software": software, "settings": settings | telemetry.settings()}


if __name__ == "__main__":
    sys.exit(main())
