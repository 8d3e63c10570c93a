"""One process of a campaign: takes a job on stdin, measures its workloads in order, and writes events as JSON lines.

The parent plans and stores, and never measures; this process measures and never plans. What libraries print goes to
stderr, so that stdout holds events only::

    {"event": "environment", ...}   once
    {"event": "begin", "workload_key": ...}   before each visit, so that the parent knows what killed the process
    {"event": "visit", "visit": ...}
    {"event": "error", "type": ..., "text": ...}   and the process ends
    {"event": "done"}
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

from hwcost.errors import HwcostError

if TYPE_CHECKING:
    from hwcost.devices import DeviceProfile

PR_SET_PDEATHSIG = 1


@dataclass(frozen=True, slots=True)
class Job:
    """What a worker is asked to do; plain JSON on its stdin.

    Attributes:
        backend: Name of the backend.
        backend_options: Its options.
        threads: Intra-operator threads.
        device: Name of the device profile.
        protocol: ``Protocol.to_dict()``.
        round: Number of the round.
        workloads: ``Workload.as_dict()`` of each workload, in the order of their visits.
        positions: The place of each in the round's order.
        cpus: CPUs to run on; None to leave that to the system.
    """

    backend: str
    backend_options: dict[str, Any]
    threads: int
    device: str
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
        _work(Job(**json.load(sys.stdin)), events)
        _send(events, {"event": "done"})
    except BrokenPipeError:
        return 1
    except HwcostError as error:
        _send(events, {"event": "error", "type": type(error).__name__, "text": str(error)})
    return 0


def _work(job: Job, events: IO[str]) -> None:
    if job.cpus:
        os.sched_setaffinity(0, job.cpus)
    from hwcost.backends import usable
    from hwcost.devices import resolve
    from hwcost.timing.protocol import Protocol
    from hwcost.timing.visit import VisitIndex, visit
    from hwcost.workloads import from_dict

    device = resolve(job.device)
    backend = usable(job.backend, device.kind)(job.threads, job.backend_options)
    backend.round = job.round
    protocol = Protocol(**job.protocol)
    _send(events, {"event": "environment", **_environment(backend.version(), device)})
    for data, position in zip(job.workloads, job.positions, strict=True):
        workload = from_dict(data)
        _send(events, {"event": "begin", "workload_key": workload.key})
        seen = visit(backend, workload, device, protocol, VisitIndex(job.round, position))
        _send(events, {"event": "visit", "visit": seen.to_dict()})


def _environment(versions: dict[str, str], device: DeviceProfile) -> dict[str, Any]:
    from hwcost.devices import find
    from hwcost.timing import environment

    here = find(device)
    return {
        "device": {} if here is None else here.to_dict(),
        "tool": environment.tool(),
        "host": environment.host(),
        "software": environment.software(versions),
        "settings": environment.settings(),
    }


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
