"""The parent's side of a worker: starts it, reads its events as they come, and knows how it ended."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import tempfile
from contextlib import suppress
from typing import IO, Any, Iterator

from . import errors
from .arrival import Arrival
from .pipe import ACKNOWLEDGED
from .silence import Silence
from .timer import campaign_s, epoch_s

THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
STDERR_TAIL = 2000
CHUNK_BYTES = 1 << 16
POSITION_BYTES = 8
NOT_BEGUN = b"\xff" * POSITION_BYTES
"""Content of the file for the workload in hand before there is one; an empty file says the same."""


class WorkerEndedError(errors.AgentError):
    """The worker cannot go on, and another one may; the run ends with it where no workload was in hand.

    Attributes:
        position: Place in the round's order of the workload in hand; None when it had not begun.
        code: Code of the reason, kept where the workload in hand counts as failed.
        attempts: Processes that may end so on one workload before it counts as failed.
        remedy: Advice for that case.
    """

    code = "E_DIED"
    attempts = 2
    remedy = "Take a smaller batch or model, or look at the system's log."

    def __init__(self, position: int | None, text: str) -> None:
        self.position = position
        super().__init__(text)


class WorkerDiedError(WorkerEndedError):
    """The worker ended without saying so."""

    def __init__(self, position: int | None, status: int, stderr: str) -> None:
        how = "was killed by signal %d" % -status if status < 0 else "ended with status %d" % status
        said = " It said: %s" % stderr.strip() if stderr.strip() else ""
        super().__init__(position, "the measuring process %s.%s" % (how, said))


class WorkerStalledError(WorkerEndedError):
    """The worker made no progress for longer than the job allows; a call or a kernel may never end."""

    code = "E_TIMEOUT"
    attempts = 1
    remedy = "Look for a call or a kernel that does not end (a deadlock in a library?), or measure a smaller batch or model."

    def __init__(self, position: int | None, silence: Silence) -> None:
        doing = {True: " (it computed all the same)", False: " (it did nothing)", None: ""}[silence.is_at_work]
        text = "nothing was heard of the measuring process for %.3g s%s, and it was killed." % (silence.seconds, doing)
        began = " It had not begun with a workload: look at what the runtime waits for when it is imported or started."
        super().__init__(position, text + began * (position is None))


class Worker:
    """A process that was started; a context manager that leaves none behind.

    Args:
        process: The process, with its pipes ``stdin`` and ``stdout``.
        stderr: File that takes what it says on stderr.
        current: File that takes the position of the workload that it has in hand.
        silence: Record of how long it has said nothing; None where it may for any time.

    Attributes:
        died: Class of the error of a process that ended without saying so.
        stalled: Class of the error of one that made no progress.
    """

    died: type[Exception] = WorkerDiedError
    stalled: type[Exception] = WorkerStalledError

    def __init__(self, process: Any, stderr: IO[bytes], current: IO[bytes], silence: Silence | None) -> None:
        self._process, self._stderr, self._current, self._silence = process, stderr, current, silence
        self._prepared: dict[str, int] = {}

    def events(self) -> Iterator[dict[str, Any]]:
        """Yields events until the process is done; waits without polling, so that it does not disturb the measurement.

        The process begins its next pass once the following event is asked for: whoever takes a pass stores it first.

        Raises:
            Exception: An error of the classes ``died`` and ``stalled``, or what the process itself raised.
        """
        for line in self._lines():
            try:
                event = json.loads(line)
            except ValueError:  # cut short by the process's death
                break
            if event["event"] == "done":
                return
            if event["event"] == "error":
                raise self._revived(event)
            self._note(event)
            yield event
            if event["event"] in ACKNOWLEDGED:
                self._send("stored")
        raise self.died(self._position(), self._process.wait(), self._tail())

    def _revived(self, event: dict[str, Any]) -> Exception:
        """Makes the error that the process reported."""
        kinds = (errors.UsageError, errors.DeviceError, errors.MeasurementError)
        kind = next((kind for kind in kinds if kind.exit_code == event["exit_code"]), errors.AgentError)
        return kind(event["text"])

    def _lines(self) -> Iterator[str]:
        """Yields lines as they come.

        A process that is silent has made progress when it has another workload in hand than at the last look.
        """
        descriptor, rest = self._process.stdout.fileno(), b""
        look_s = None if self._silence is None else self._silence.look_s
        while True:
            ready, _, _ = select.select([descriptor], [], [], look_s)
            if not ready:
                position = self._position()
                if self._silence.is_too_long(position, is_preparing=position not in self._prepared.values()):
                    self._process.kill()
                    raise self.stalled(position, self._silence)
                continue
            if self._silence is not None:
                self._silence.heard()
            found = os.read(descriptor, CHUNK_BYTES)
            if not found:
                return
            *lines, rest = (rest + found).split(b"\n")
            yield from (line.decode() for line in lines)

    def _note(self, event: dict[str, Any]) -> None:
        """Notes which workloads are prepared by now, by their positions in the round's order."""
        if event["event"] == "prepared":
            self._prepared[event["workload_key"]] = event["position"]
        elif event["event"] == "deferred":  # it is prepared again in a further group
            self._prepared.pop(event["workload_key"], None)

    def _send(self, line: str) -> None:
        with suppress(BrokenPipeError):  # it died; events() says how
            self._process.stdin.write(line + "\n")
            self._process.stdin.flush()

    def _position(self) -> int | None:
        return in_hand(self._current.fileno())

    def _tail(self) -> str:
        self._stderr.seek(0)
        return self._stderr.read().decode(errors="replace")[-STDERR_TAIL:]

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            with suppress(BrokenPipeError):
                pipe.close()
        self._stderr.close()
        self._current.close()


class WorkerProcess(Worker):
    """A running worker of a job.

    Args:
        task: Task of the worker.
        environment: Environment variables that choose its device.
    """

    def __init__(self, task: dict[str, Any], environment: dict[str, str]) -> None:
        stderr, current = tempfile.TemporaryFile(), tempfile.TemporaryFile()
        threads = {name: str(task["job"]["threads"]) for name in THREAD_VARIABLES}
        process = subprocess.Popen(
            [sys.executable, os.path.join(task["folder"], "run.py"), "--worker"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr, pass_fds=(current.fileno(),),
            env={**os.environ, **threads, **environment}, universal_newlines=True, encoding="utf-8",
        )  # fmt: skip
        super().__init__(process, stderr, current, _silence_of(task["job"], process.pid))
        clock = {"epoch_s": epoch_s(), "began_s": campaign_s()}
        self._send(json.dumps({**task, **clock, "current_fd": current.fileno()}))


def in_hand(descriptor: int) -> int | None:
    """Reads which workload a worker has in hand; it writes that to a file, so that no event wakes this process.

    Args:
        descriptor: Descriptor of the file.

    Returns:
        The position in the round's order; None when it had not begun.
    """
    found = os.pread(descriptor, POSITION_BYTES, 0)
    return int.from_bytes(found, "little") if len(found) == POSITION_BYTES and found != NOT_BEGUN else None


def _silence_of(job: dict[str, Any], pid: int) -> Silence | None:
    """Returns how long a worker may be silent, which is longer where its calls come with pauses; None for any time."""
    stall_s = job["device"].get("stall_s")
    if stall_s is None:
        return None
    return Silence(pid, stall_s + Arrival(**job["arrival"]).longest_s, is_host=job["device"]["kind"] == "cpu")
