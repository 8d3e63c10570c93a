"""The parent's side of a worker: starts it, reads its events as they come, and knows how it ended."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from typing import Any, Iterator

from . import errors
from .timer import unix_s
from .worker import ACKNOWLEDGED

THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
STDERR_TAIL = 2000


class WorkerDiedError(errors.AgentError):
    """The worker ended without saying so; the run ends with it where no workload was in hand.

    Attributes:
        position: Place in the round's order of the workload in hand; None when it had not begun.
    """

    def __init__(self, position: int | None, status: int, stderr: str) -> None:
        self.position = position
        how = "was killed by signal %d" % -status if status < 0 else "ended with status %d" % status
        said = " It said: %s" % stderr.strip() if stderr.strip() else ""
        super().__init__("the measuring process %s.%s" % (how, said))


class WorkerProcess:
    """A running worker; a context manager that leaves no process behind.

    Args:
        task: Task of the worker.
        environment: Environment variables that choose its device.
    """

    def __init__(self, task: dict[str, Any], environment: dict[str, str]) -> None:
        self._stderr, self._current = tempfile.TemporaryFile(), tempfile.TemporaryFile()
        threads = {name: str(task["job"]["threads"]) for name in THREAD_VARIABLES}
        self._process = subprocess.Popen(
            [sys.executable, os.path.join(task["folder"], "run.py"), "--worker"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._stderr, pass_fds=(self._current.fileno(),),
            env={**os.environ, **threads, **environment}, universal_newlines=True, encoding="utf-8",
        )  # fmt: skip
        self._send(json.dumps({**task, "began_s": unix_s(), "current_fd": self._current.fileno()}))

    def events(self) -> Iterator[dict[str, Any]]:
        """Yields events until the worker is done; it begins its next pass once the following event is asked for.

        Raises:
            WorkerDiedError: When the worker was killed or crashed.
            AgentError: What the worker itself raised.
        """
        assert self._process.stdout is not None
        for line in self._process.stdout:
            try:
                event = json.loads(line)
            except ValueError:  # cut short by the worker's death
                break
            if event["event"] == "done":
                return
            if event["event"] == "error":
                raise _revived(event)
            yield event
            if event["event"] in ACKNOWLEDGED:
                self._send("stored")
        raise WorkerDiedError(self._position(), self._process.wait(), self._tail())

    def _send(self, line: str) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(line + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            pass  # it died; events() says how

    def _position(self) -> int | None:
        found = os.pread(self._current.fileno(), 8, 0)
        return int.from_bytes(found, "little") if len(found) == 8 else None

    def _tail(self) -> str:
        self._stderr.seek(0)
        return self._stderr.read().decode(errors="replace")[-STDERR_TAIL:]

    def __enter__(self) -> WorkerProcess:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            try:
                assert pipe is not None
                pipe.close()
            except BrokenPipeError:
                continue
        self._stderr.close()
        self._current.close()


def _revived(event: dict[str, Any]) -> errors.AgentError:
    kinds = (errors.UsageError, errors.DeviceError, errors.MeasurementError)
    kind = next((kind for kind in kinds if kind.exit_code == event["exit_code"]), errors.AgentError)
    return kind(event["text"])
