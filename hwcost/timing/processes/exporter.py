"""A process that exports workloads before a campaign measures; it times nothing.

The first line on stdin is the job, each further one a workload. Every workload has one line on stdout for an answer, and
what libraries print goes to stderr::

    {}                  it is exported
    {"failed": ...}     it is not, for this reason, which the process that measures meets again and reports

It ends when stdin does, or on SIGTERM, and removes half a file on its way out.
"""

from __future__ import annotations

import gc
import json
import signal
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hwcost.agent.pipe import Pipe

if TYPE_CHECKING:
    from hwcost.backends.base import Backend


@dataclass(frozen=True, slots=True)
class ExportJob:
    """The task of an exporting process, plain JSON on its stdin.

    Attributes:
        backend: Name of the backend.
        backend_options: Its options.
        threads: Intra-operator threads of the campaign.
        shares_weights: Whether nets of the library's own spaces may have matrices in common.
        cpus: CPUs to run on; None to leave that to the system.
    """

    backend: str
    backend_options: dict[str, Any]
    threads: int
    shares_weights: bool
    cpus: list[int] | None = None


def main() -> int:
    """Exports what comes on stdin."""
    pipe = Pipe()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    backend = backend_of(ExportJob(**json.loads(sys.stdin.readline())))
    gc.disable()  # looking through the graphs that an export makes again and again takes a quarter of its time
    try:
        for line in sys.stdin:
            pipe.send(exported(backend, json.loads(line)))
            gc.collect()
            gc.freeze()  # what is left are modules and caches, which need not be looked through again
    except BrokenPipeError:
        return 1
    return 0


def backend_of(job: ExportJob) -> Backend:
    """Makes the backend that a job exports for, and binds this process to the job's CPUs."""
    from hwcost.agent import processors

    if job.cpus:
        processors.bind(job.cpus)
    from hwcost.backends import backend as made

    backend = made(job.backend, job.threads, job.backend_options)
    backend.shares_weights = job.shares_weights
    return backend


def exported(backend: Backend, workload: dict[str, Any]) -> dict[str, str]:
    """Exports a workload, and returns the answer."""
    from hwcost.workloads import from_dict

    try:
        backend.export(from_dict(workload))
    except Exception as error:
        return {"failed": f"{type(error).__name__}: {error}"}
    return {}


if __name__ == "__main__":
    sys.exit(main())
