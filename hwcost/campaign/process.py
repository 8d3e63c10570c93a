"""The parent's side of a worker: starts it, reads its events as they come, and knows how it ended."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import fields, replace
from typing import Any

from hwcost import errors
from hwcost.campaign.fork_server import ForkServer
from hwcost.campaign.launch import Launch, Launched, Spawned
from hwcost.devices import DeviceHandle, device_kind
from hwcost.timing import timer
from hwcost.timing.worker import ACKNOWLEDGED, Job

THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
STDERR_TAIL = 2000
POSITION_BYTES = 8


class WorkerDiedError(errors.HwcostError):
    """The worker ended without saying so.

    Attributes:
        position: Place in the round's order of the workload that it was preparing or timing; None when it had not begun.
        returncode: Exit status of the process; negative for a signal.
    """

    def __init__(self, position: int | None, returncode: int, stderr: str) -> None:
        self.position = position
        self.returncode = returncode
        how = f"was killed by signal {-returncode}" if returncode < 0 else f"ended with status {returncode}"
        memory = " Signal 9 is most often the system running out of memory." if returncode == -9 else ""
        said = f" It said: {stderr.strip()}" if stderr.strip() else ""
        super().__init__(f"the measuring process {how}.{memory}{said}")


class WorkerProcess:
    """A running worker; a context manager that leaves no process behind.

    Args:
        job: Task of the worker, which is pinned to the job's device. Its seconds begin now, before a warm process is there.
        server: Warm process that it is forked from where that is possible; None to spawn it.
    """

    def __init__(self, job: Job, server: ForkServer | None = None) -> None:
        self._stderr = tempfile.TemporaryFile(mode="w+", encoding="utf-8", errors="replace")  # noqa: SIM115
        self._current = tempfile.TemporaryFile()  # noqa: SIM115
        waited = timer.stopwatch()
        launch = Launch(environment_of(job), self._stderr.fileno(), self._current.fileno())
        forked = None if server is None else server.fork(launch)
        self._process: Launched = forked or Spawned(launch)
        round_s = None if job.round_s is None else max(0.0, job.round_s - waited())
        job = replace(job, current_fd=self._process.current_fd, round_s=round_s)
        self._send(json.dumps({field.name: getattr(job, field.name) for field in fields(job)}))

    def events(self) -> Iterator[dict[str, Any]]:
        """Yields events until the worker is done; blocks without polling, so that it does not disturb the measurement.

        The worker begins its next pass once the following event is asked for: whoever takes a pass stores it first.

        Raises:
            WorkerDiedError: When the worker was killed or crashed.
            HwcostError: What the worker itself raised, of the same class.
        """
        for line in self._process.stdout:
            try:
                event = json.loads(line)
            except ValueError:  # cut short by the worker's death
                break
            if event["event"] == "done":
                return
            if event["event"] == "error":
                raise _revived(event["type"], event["text"])
            yield event
            if event["event"] in ACKNOWLEDGED:
                self._send("stored")
        raise WorkerDiedError(self._position(), self._process.wait(), self._tail())

    def _send(self, line: str) -> None:
        with suppress(BrokenPipeError):  # it died; events() says how
            self._process.stdin.write(line + "\n")
            self._process.stdin.flush()

    def _position(self) -> int | None:
        """Reads which workload the worker had in hand; it writes that to a file, so that no event wakes this process."""
        found = os.pread(self._current.fileno(), POSITION_BYTES, 0)
        return int.from_bytes(found, "little") if len(found) == POSITION_BYTES else None

    def _tail(self) -> str:
        self._stderr.seek(0)
        return self._stderr.read()[-STDERR_TAIL:]

    def __enter__(self) -> WorkerProcess:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            with suppress(BrokenPipeError):
                pipe.close()
        self._stderr.close()
        self._current.close()


def _revived(name: str, text: str) -> errors.HwcostError:
    """Makes an error of the class that the worker named, whatever arguments that class is used to."""
    kind = getattr(errors, name, errors.HwcostError)
    error: errors.HwcostError = kind.__new__(kind)
    error.args = (text,)
    return error


def environment_of(job: Job) -> dict[str, str]:
    """Returns the environment variables of a worker: numbers of threads, and the device that it is pinned to."""
    handle = DeviceHandle.from_dict(job.device)
    threads = {name: str(job.threads) for name in THREAD_VARIABLES}
    return os.environ | threads | device_kind(handle.kind).environment(handle)
