"""One process of a campaign: takes a job on stdin, measures its workloads in order, and writes events as JSON lines.

The parent plans and stores, and never measures; this process measures and never plans. What libraries print goes to
stderr, so that stdout holds events only::

    {"event": "environment", ...}   once
    {"event": "begin", "workload_key": ...}   before each visit, so that the parent knows what killed the process
    {"event": "visit", "visit": ...}
    {"event": "error", "type": ..., "text": ...}   and the process ends
    {"event": "done"}

The first line on stdin is the job. After the environment and after every visit one line more says that the parent has dealt
with it: no visit begins before the one before is stored. When stdin ends instead, the process does.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

from hwcost.errors import HwcostError

if TYPE_CHECKING:
    from hwcost.devices import DeviceHandle
    from hwcost.timing.telemetry import Telemetry

ACKNOWLEDGED = ("environment", "visit")
"""Events after which the worker waits until the parent has dealt with them."""

PR_SET_PDEATHSIG = 1


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
        workloads: ``Workload.as_dict()`` of each workload, in the order of their visits.
        positions: Position of each in the round's order.
        cpus: CPUs to run on; None to leave that to the system.
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


def main() -> int:
    """Runs the job on stdin; the exit status is 0 also when a workload failed, since that is a result."""
    events = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    os.dup2(2, 1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what an interrupt means
    _die_with_parent()
    try:
        for event in work(Job(**json.loads(sys.stdin.readline()))):
            _send(events, event)
            if event["event"] in ACKNOWLEDGED and not sys.stdin.readline():
                return 1
        _send(events, {"event": "done"})
    except BrokenPipeError:
        return 1
    except HwcostError as error:
        _send(events, {"event": "error", "type": type(error).__name__, "text": str(error)})
    return 0


def work(job: Job) -> Iterator[dict[str, Any]]:
    """Measures the workloads of a job and yields its events; the next visit begins when the next event is asked for."""
    if job.cpus:
        os.sched_setaffinity(0, job.cpus)
    from hwcost.backends import usable
    from hwcost.devices import DeviceHandle, require
    from hwcost.timing.protocol import Protocol
    from hwcost.timing.telemetry import telemetry_of
    from hwcost.timing.visit import VisitIndex, visit
    from hwcost.workloads import from_dict

    handle = require(DeviceHandle.from_dict(job.device))
    backend = usable(job.backend, handle.kind)(job.threads, job.backend_options)
    backend.round = job.round
    protocol = Protocol.from_dict(job.protocol)
    telemetry = telemetry_of(backend, handle)
    yield {"event": "environment", **environment_of(backend.version(), handle, telemetry)}
    for data, position in zip(job.workloads, job.positions, strict=True):
        workload = from_dict(data)
        yield {"event": "begin", "workload_key": workload.key}
        seen = visit(backend, workload, handle, protocol, VisitIndex(job.round, position), telemetry)
        yield {"event": "visit", "visit": seen.to_dict()}


def environment_of(versions: dict[str, str], handle: DeviceHandle, telemetry: Telemetry) -> dict[str, Any]:
    """Returns what machine, device and software this process measures on, as the parent keeps it with every visit.

    Args:
        versions: Versions that the backend reports.
        handle: Device that is measured on.
        telemetry: Provider of counters, which knows how the device is set up.
    """
    from hwcost.devices import device_kind, find
    from hwcost.timing import environment

    here = find(handle)
    found = environment.read(versions, None if here is None else here.to_dict())
    pinned = device_kind(handle.kind).environment(handle)  # set by hwcost itself: which device it is stands with the device
    software, settings = dict(found["software"]), dict(found["settings"])
    software["env"] = {name: value for name, value in (software.get("env") or {}).items() if pinned.get(name) != value}
    return {**found, "software": software, "settings": settings | telemetry.settings()}


def _send(events: IO[str], event: dict[str, Any]) -> None:
    events.write(json.dumps(event, default=str) + "\n")
    events.flush()


def _die_with_parent() -> None:
    """Asks Linux to kill this process when its parent dies, so that none is left running after a ``kill -9``."""
    if sys.platform == "linux":
        parent = os.getppid()
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)


if __name__ == "__main__":
    sys.exit(main())
