"""The parent's side of a campaign's worker: starts it, and knows how it ended; see :mod:`hwcost.agent.worker_process`."""

from __future__ import annotations

import json
import os
from dataclasses import fields, replace
from typing import Any, ClassVar

from hwcost import errors
from hwcost.agent import worker_process
from hwcost.campaign.processes.fork_client import ForkServer
from hwcost.campaign.processes.launch import THREAD_VARIABLES, Launch, Launched, Spawned, Tree, temporary_file
from hwcost.campaign.processes.silence import Silence
from hwcost.devices import DeviceHandle, device_kind
from hwcost.timing import timer
from hwcost.timing.arrival import BACK_TO_BACK, Arrival
from hwcost.timing.processes.worker import Job
from hwcost.units import format_seconds

ATTEMPTS = 2
"""Processes that may die on a workload before it has failed; the attempt's number is kept in the record."""


class WorkerEndedError(errors.HwcostError):
    """A worker cannot go on, and another one may take over.

    Attributes:
        position: Place in the round's order of the workload that it was preparing or timing; None when it had not begun.
        code: Code of the reason, kept where the workload in hand counts as failed.
        attempts: Processes that may end so on one workload before it counts as failed.
        remedy: Advice for that case.
    """

    code: ClassVar[str] = "E_DIED"
    attempts: ClassVar[int] = ATTEMPTS
    remedy: ClassVar[str] = "Take a smaller batch or model, or look at the system's log."

    def __init__(self, position: int | None, text: str) -> None:
        self.position = position
        super().__init__(text)


class WorkerDiedError(WorkerEndedError):
    """The worker ended without saying so.

    Attributes:
        returncode: Exit status of the process; negative for a signal.
    """

    def __init__(self, position: int | None, returncode: int, stderr: str) -> None:
        self.returncode = returncode
        how = f"was killed by signal {-returncode}" if returncode < 0 else f"ended with status {returncode}"
        memory = " Signal 9 is most often the system running out of memory." if returncode == -9 else ""
        said = f" It said: {stderr.strip()}" if stderr.strip() else ""
        super().__init__(position, f"the measuring process {how}.{memory}{said}")


class DeviceLostInWorkerError(WorkerEndedError):
    """The worker lost its device, or its hold on it; a fresh process may find it again."""

    code = "E_DEVICE_LOST"
    remedy = "Look at the driver's log: the workload brings the device down, or the device is failing."

    def __init__(self, position: int | None, text: str) -> None:
        super().__init__(position, text.removeprefix(f"{self.code}: "))


class WorkerStalledError(WorkerEndedError):
    """The worker made no progress for longer than its kind of device allows; a call or a kernel may never end."""

    code = "E_TIMEOUT"
    attempts = 1
    remedy = "Look for a call or a kernel that does not end (a deadlock in a library?), or measure a smaller batch or model."

    def __init__(self, position: int | None, silence: Silence) -> None:
        doing = "it computed all the same" if silence.is_at_work else "it did nothing"
        text = f"nothing was heard of the measuring process for {format_seconds(silence.seconds)} ({doing})"
        began = " It had not begun with a workload: look at what the backend waits for when it is imported or started."
        super().__init__(position, f"{text}, and it was killed.{began * (position is None)}")


class WorkerProcess(worker_process.Worker):
    """A running worker; a context manager that leaves no process behind.

    Args:
        job: Task of the worker, which is pinned to the job's device. Its seconds begin now, before a warm process is there.
        server: Warm process that it is forked from where that is possible; None to spawn it.
        tree: Working tree of another revision whose modules the worker imports; it is spawned then. None for this one's.
    """

    died, stalled = WorkerDiedError, WorkerStalledError

    def __init__(self, job: Job, server: ForkServer | None = None, tree: Tree | None = None) -> None:
        stderr, current = temporary_file(), temporary_file(worker_process.NOT_BEGUN)
        waited = timer.stopwatch()
        launch = Launch(environment_of(job), stderr.fileno(), current.fileno(), tree)
        forked = None if server is None or tree is not None else server.fork(launch)
        launched: Launched = forked or Spawned(launch)
        super().__init__(launched, stderr, current, _silence_of(job, launched.pid))
        round_s = None if job.round_s is None else max(0.0, job.round_s - waited())
        job = replace(job, current_fd=launched.current_fd, round_s=round_s, epoch_s=timer.epoch_s())
        self._send(json.dumps({field.name: getattr(job, field.name) for field in fields(job)}))

    def _revived(self, event: dict[str, Any]) -> errors.HwcostError:
        """Makes an error of the class that the worker named, whatever arguments that class is used to."""
        kind = getattr(errors, event["type"], errors.HwcostError)
        if issubclass(kind, errors.DeviceLostError):
            return DeviceLostInWorkerError(self._position(), event["text"])
        error: errors.HwcostError = kind.__new__(kind)
        error.args = (event["text"],)
        return error


def _silence_of(job: Job, pid: int) -> Silence | None:
    """Returns how long a worker may be silent, which is longer where its calls come with pauses; None for any time."""
    kind = device_kind(job.device["profile"]["kind"])
    if kind.stall_s is None:
        return None
    pause_s = Arrival.parse(job.protocol.get("arrival", BACK_TO_BACK)).longest_s
    return Silence(pid, kind.stall_s + pause_s, is_host=kind.is_host)


def environment_of(job: Job) -> dict[str, str]:
    """Returns the environment variables of a worker: numbers of threads, and the device that it is pinned to."""
    handle = DeviceHandle.from_dict(job.device)
    threads = {name: str(job.threads) for name in THREAD_VARIABLES}
    return os.environ | threads | device_kind(handle.kind).environment(handle)
