"""The results of a run: JSON Lines, every line numbered, written through to the disk, and never changed.

A line that a kill cut short is removed when the file is opened again; what stands before it is kept.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
from time import sleep
from typing import Any, Callable

from .errors import DeviceError, UsageError
from .timer import stopwatch

NAME = "results.jsonl"
LOCK = "run.lock"
PAUSE_S = 0.5


class Results:
    """The results file of a job folder, held for this process; a context manager.

    Args:
        folder: Folder of the job.
        job: The job, whose campaign is written into the first line.
        wait_s: Seconds to wait for another process that runs this job, as one does whose connection was cut.
        say: Function that takes a line for the user.
        heard: Function that takes every event that is added; None for none.

    Raises:
        DeviceError: When another process still runs this job after ``wait_s``.
        UsageError: When the file holds results of another job.
    """

    def __init__(
        self, folder: str, job: dict[str, Any], wait_s: float = 0.0, say: Callable[[str], None] = lambda line: None,
        heard: Callable[[dict[str, Any]], None] | None = None,
    ) -> None:  # fmt: skip
        self._heard = heard
        self._id = job["campaign"]["campaign_id"]
        self._lock = _locked(folder, wait_s, say)
        self._file = os.open(os.path.join(folder, NAME), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        self.events = self._read()
        if not self.events:
            self.add({"event": "job", "campaign": job["campaign"]})

    def add(self, event: dict[str, Any]) -> None:
        """Adds an event; once this returns it is on the disk."""
        line = {"n": len(self.events), "campaign_id": self._id, "event": event}
        data = (json.dumps(line, default=str) + "\n").encode()
        while data:
            data = data[os.write(self._file, data) :]
        os.fsync(self._file)
        self.events.append(event)
        if self._heard is not None:
            self._heard(event)

    def __enter__(self) -> Results:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._file)
        os.close(self._lock)

    def _read(self) -> list[dict[str, Any]]:
        with os.fdopen(os.dup(self._file), "rb") as file:
            data = file.read()
        whole = data[: data.rfind(b"\n") + 1]
        os.ftruncate(self._file, len(whole))
        os.lseek(self._file, 0, os.SEEK_END)
        lines = [json.loads(line) for line in whole.splitlines()]
        if any(line["campaign_id"] != self._id for line in lines):
            raise UsageError("%s holds results of another job. Move it away" % NAME)
        return [line["event"] for line in lines]


def stop(folder: str) -> bool:
    """Ends the process that runs the job of a folder, if there is one; it keeps what it measured.

    Returns:
        Whether there was one.
    """
    file = os.open(os.path.join(folder, LOCK), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.kill(int(os.pread(file, 32, 0)), signal.SIGTERM)
        return True
    finally:
        os.close(file)
    return False


def _locked(folder: str, wait_s: float, say: Callable[[str], None]) -> int:
    """Returns the open lock file of a folder, which is held until it is closed."""
    file = os.open(os.path.join(folder, LOCK), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    waited, is_said = stopwatch(), False
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        except OSError:
            if waited() >= wait_s:
                os.close(file)
                raise DeviceError("another process runs this job; end it with --stop, or wait longer") from None
        if not is_said:
            say("waiting for another process that runs this job")
            is_said = True
        sleep(PAUSE_S)
    os.ftruncate(file, 0)
    os.pwrite(file, str(os.getpid()).encode(), 0)
    return file
