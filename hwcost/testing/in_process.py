"""Runs the rounds of a plan in this process; for backends on a virtual clock."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from unittest import mock

from hwcost.agent.worker_process import in_hand
from hwcost.backends import BACKENDS
from hwcost.campaign.plans.canaries import join
from hwcost.campaign.processes.worker_process import DeviceLostInWorkerError, WorkerProcess
from hwcost.campaign.rounds.journal import visits_of_events
from hwcost.errors import DeviceLostError
from hwcost.timing import timer
from hwcost.timing.execution.groups import Groups
from hwcost.timing.measurement import Visit
from hwcost.timing.processes.worker import environment_of, work
from hwcost.timing.protocol import Protocol
from hwcost.timing.setting import Limits, Setting
from hwcost.timing.telemetry import Telemetry, telemetry_of
from hwcost.workloads import from_dict

if TYPE_CHECKING:
    from types import TracebackType

    from hwcost.backends.base import Backend
    from hwcost.campaign.plans.plan import Plan
    from hwcost.campaign.processes.fork_client import ForkServer
    from hwcost.campaign.processes.launch import Tree
    from hwcost.devices import DeviceHandle
    from hwcost.timing.processes.worker import Job


def run_rounds(
    plan: Plan, backend: Backend, handle: DeviceHandle, telemetry: Telemetry | None = None
) -> list[Visit]:
    """Measures every workload in each of the plan's rounds, in the order that a campaign draws.

    Args:
        plan: Plan of the rounds.
        backend: Backend that runs them, on a virtual clock.
        handle: Device to run on; nothing is asked of the one that is here.
        telemetry: Provider of counters; None for the one of the device's kind.
    """
    found = []
    for number in range(plan.protocol.rounds):
        backend.round = number
        order = join(plan, plan.order(number, list(plan.by_key)))
        setting = Setting(backend, handle, plan.protocol, telemetry or telemetry_of(backend, handle), number, plan.seed)
        events = list(Groups(setting, Limits(), [(plan.workload(key), i) for i, key in enumerate(order)]).events())
        found += [Visit.from_dict(event["visit"]) for event in events if event["event"] == "visit"]
        found += visits_of_events(events, plan.protocol)
    return sorted(found, key=lambda visit: (visit.round, visit.position))


class InProcess:
    """Stands in for a campaign's :class:`hwcost.campaign.processes.worker_process.WorkerProcess`, within this process.

    Args:
        job: Task of the process.
        backend: Backend that runs it; it and its clock live on from process to process.
        handle: Device to run on; nothing is asked of the one that is here.
    """

    def __init__(self, job: Job, backend: Backend, handle: DeviceHandle) -> None:
        self.job, self._backend, self._handle = job, backend, handle
        backend.round = job.round

    def __enter__(self) -> InProcess:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        pass

    def events(self) -> Iterator[dict[str, Any]]:
        """Yields what a worker would report."""
        yield {"event": "environment", **environment_of(self._backend.version(), self._handle, Telemetry(self._handle))}
        telemetry, protocol = telemetry_of(self._backend, self._handle), Protocol.from_dict(self.job.protocol)
        setting = Setting(self._backend, self._handle, protocol, telemetry, self.job.round, self.job.seed)
        places = list(zip(map(from_dict, self.job.workloads), self.job.positions, strict=True))
        with tempfile.TemporaryFile() as current:
            limits = Limits(
                self.job.passes, self.job.round_s, self.job.memory_bytes, current.fileno(), self.job.takes_turns
            )
            try:
                yield from Groups(setting, limits, places).events()
            except DeviceLostError as error:
                raise DeviceLostInWorkerError(in_hand(current.fileno()), str(error)) from None


def worker(job: Job, server: ForkServer | None = None, tree: Tree | None = None) -> WorkerHere | WorkerProcess:
    """Makes the worker of a job: within this process where its backend has a virtual clock, else in one of its own.

    Args:
        job: Task of the worker.
        server: Warm process, where one of its own is needed.
        tree: Working tree of another revision, which needs one.
    """
    is_virtual = tree is None and BACKENDS.load(job.backend).is_virtual(job.backend_options)
    return WorkerHere(job) if is_virtual else WorkerProcess(job, server, tree)


class WorkerHere:
    """Does what a worker does, with a backend of its own, within this process.

    Args:
        job: Task of the worker.
    """

    def __init__(self, job: Job) -> None:
        self.job = job

    def __enter__(self) -> WorkerHere:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        pass

    def events(self) -> Iterator[dict[str, Any]]:
        """Yields what a worker would report, as it comes through the pipe; its time begins here, as a new process's does."""
        with mock.patch.object(timer, "process_age_s", timer.stopwatch()):
            for event in work(self.job):
                yield json.loads(json.dumps(event, default=str))
