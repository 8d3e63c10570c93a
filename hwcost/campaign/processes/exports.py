"""Exports before a campaign measures: several at a time in processes of their own, while nothing is timed."""

from __future__ import annotations

import json
import math
import os
import select
import subprocess
from collections import deque
from collections.abc import Callable, Collection, Sequence
from contextlib import ExitStack, suppress
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from hwcost._log import logger
from hwcost.agent import cgroups, processors
from hwcost.agent.memory import SHARE
from hwcost.backends import backend as made
from hwcost.campaign.processes.arms import tree_of
from hwcost.campaign.processes.launch import THREAD_VARIABLES, Launch, program, temporary_file
from hwcost.campaign.processes.silence import Silence
from hwcost.errors import HwcostError
from hwcost.timing import timer
from hwcost.timing.execution.memory import free_bytes
from hwcost.timing.processes.exporter import ExportJob
from hwcost.units import format_clock, format_seconds

if TYPE_CHECKING:
    from types import TracebackType

    from hwcost.backends import Backend
    from hwcost.campaign.plans.plan import Plan
    from hwcost.workloads.base import Workload

__all__ = ["Exporter", "at_once", "expected", "export", "job_of", "missing"]

_log = logger(__name__)

PROCESS_BYTES = 8 * 10**8
"""Memory of an exporting process beside the net: torch, the exporter, and graphs."""

COPIES = 3
"""Times that a process holds the weights of its largest net: a pool, the one that it grew out of, and what torch copies."""

WEIGHT_BYTES = 4

STARTING_S = 4.0
"""Seconds that a process takes before its first export."""

CLOSING_S = 2.0
"""Seconds that an exporting process has to end by itself."""

STDERR_TAIL = 500


def missing(plan: Plan, kind: str, keys: Collection[str] | None = None) -> list[Workload]:
    """Returns the workloads that are yet to be exported; none where the runtime is not here, or exports nothing.

    Args:
        plan: Plan of the campaign.
        kind: Name of the kind of device.
        keys: Keys of workloads or canaries that are looked at; None for all that are measured from the beginning.
    """
    backend = _backend(plan, kind)
    if backend is None:
        return []
    if keys is None:
        keys = [key for key in (*plan.by_key, *plan.canary_keys) if key not in plan.joining]
    found = [plan.workload(key) for key in dict.fromkeys(keys)]
    return [one for one in found if tree_of(one) is None and backend.needs_export(one)]


def job_of(plan: Plan, cpus: Sequence[int]) -> ExportJob:
    """Returns the task of the processes that export for a campaign, on the given logical CPUs."""
    return ExportJob(plan.backend, plan.backend_options, plan.threads, not plan.protocol.watches_memory, list(cpus))


def expected(plan: Plan, kind: str) -> tuple[int, float]:
    """Returns how many workloads are yet to be exported, and about how many seconds that takes before the first process."""
    workloads, backend = missing(plan, kind), _backend(plan, kind)
    if backend is None or not workloads:
        return 0, 0.0
    turns = math.ceil(len(workloads) / at_once(workloads, len(processors.allowed())))
    return len(workloads), STARTING_S + turns * backend.export_s


def _backend(plan: Plan, kind: str) -> Backend | None:
    """Makes a plan's backend; None where it cannot be used here."""
    try:
        backend = made(plan.backend, plan.threads, plan.backend_options, kind)
    except HwcostError:
        return None
    backend.shares_weights = not plan.protocol.watches_memory
    return backend


def at_once(workloads: Sequence[Workload], cpus: int) -> int:
    """Returns how many processes export at a time: one for each CPU, as far as memory and the CPU quota allow.

    Args:
        workloads: Workloads that are to be exported.
        cpus: Logical CPUs that are there for it.
    """
    sizes = [0 if (work := one.work()) is None else work.params * WEIGHT_BYTES for one in workloads]
    fit = int(SHARE * free_bytes() / (PROCESS_BYTES + COPIES * max(sizes, default=0)))
    return max(1, min(len(workloads), cpus, fit, int(cgroups.quota_cpus() or cpus)))


def export(
    job: ExportJob,
    workloads: Sequence[Workload],
    say: Callable[[str], None] = lambda text: None,
    check: Callable[[], None] = lambda: None,
) -> None:
    """Exports workloads, and returns when all are done; one that cannot be exported is left to the process that measures.

    Args:
        job: Task of the processes.
        workloads: Workloads that are missing, see :func:`missing`.
        say: Function that takes how far it is, at the beginning and after each tenth.
        check: Function that is called after every export; what it raises ends all processes.
    """
    count, waiting, done = at_once(workloads, len(job.cpus or processors.allowed())), deque(workloads), 0
    watch = timer.stopwatch()
    say(_progress(0, len(workloads), count, 0.0))
    with ExitStack() as stack:
        stderr = stack.enter_context(temporary_file())
        busy = [stack.enter_context(Exporter(job, stderr.fileno())) for _ in range(count)]
        for one in list(busy):
            stack.callback(one.stop)  # all of them, before any is waited for
        for one in busy:
            one.take(waiting.popleft())
        while busy:
            for one in _answering(busy):
                if not one.is_done():
                    _log.warning("an exporting process ended: %s", _tail(stderr.fileno()))
                    busy.remove(one)
                    continue
                done += 1
                if 10 * done // len(workloads) > 10 * (done - 1) // len(workloads):
                    say(_progress(done, len(workloads), count, watch()))
                if waiting:
                    one.take(waiting.popleft())
                else:
                    busy.remove(one)
            check()


class Exporter:
    """A process that exports one workload after another; a context manager that leaves no process behind.

    Args:
        job: Task of the process.
        stderr_fd: Descriptor of the file that takes its stderr.

    Attributes:
        silence: Watch over the time since its last answer.
    """

    def __init__(self, job: ExportJob, stderr_fd: int) -> None:
        environment = os.environ | dict.fromkeys(THREAD_VARIABLES, "1")
        launch = Launch(environment, stderr_fd, stderr_fd)
        self._process = program("hwcost.timing.processes.exporter", launch, pass_fds=(), pipe=subprocess.PIPE)
        self.silence = Silence.of_host(self._process.pid)
        self._send(asdict(job))

    def take(self, workload: Workload) -> None:
        """Lets it export a workload."""
        self._send(workload.as_dict())

    def fileno(self) -> int:
        """Returns the descriptor on which its answers come."""
        assert self._process.stdout is not None
        return self._process.stdout.fileno()

    def is_done(self) -> bool:
        """Waits for the answer to a workload; False when the process has ended instead."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        self.silence.heard()
        if line.endswith("\n") and (failed := json.loads(line).get("failed")):
            _log.info("not exported: %s", failed)
        return line.endswith("\n")

    def stop(self) -> None:
        """Asks the process to end."""
        self._process.terminate()

    def kill(self) -> None:
        """Ends the process in the middle of a net."""
        self._process.kill()

    def close(self) -> None:
        """Ends the process."""
        self.stop()
        try:
            self._process.wait(CLOSING_S)
        except subprocess.TimeoutExpired:  # in the middle of a net
            self._process.kill()
            self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            with suppress(BrokenPipeError):
                pipe.close()

    def _send(self, data: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):  # it ended, which is_done() says
            self._process.stdin.write(json.dumps(data) + "\n")
            self._process.stdin.flush()

    def __enter__(self) -> Exporter:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def _answering(busy: Sequence[Exporter]) -> list[Exporter]:
    """Waits for answers, and kills processes that were silent for too long while none came; that is an answer too."""
    while not (found := select.select(busy, [], [], busy[0].silence.look_s)[0]):
        for one in busy:
            if one.silence.is_too_long():
                _log.warning("nothing was heard of an exporting process for %s", format_seconds(one.silence.seconds))
                one.kill()
    return found


def _progress(done: int, of: int, count: int, seconds: float) -> str:
    text = f"{done} of {of} exports made, {count} at a time"
    return text + (f", {format_clock(seconds * (of - done) / done)} to go" if 0 < done < of else "")


def _tail(descriptor: int) -> str:
    size = os.fstat(descriptor).st_size
    said = os.pread(descriptor, STDERR_TAIL, max(0, size - STDERR_TAIL)).decode(errors="replace").strip()
    return said or "it said nothing"
