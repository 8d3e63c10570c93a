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
from .files import text_or_empty
from .timer import stopwatch

NAME = "results.jsonl"
LOCK = "run.lock"
PAUSE_S = 0.5
PID_S = 5.0
"""Seconds within which a process that holds a job has written down its number."""


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
        os.ftruncate(self._lock, 0)
        os.close(self._lock)

    def _read(self) -> list[dict[str, Any]]:
        with os.fdopen(os.dup(self._file), "rb") as file:
            data = file.read()
        whole = data[: data.rfind(b"\n") + 1]
        os.ftruncate(self._file, len(whole))
        os.lseek(self._file, 0, os.SEEK_END)
        lines = [_line(data, number) for number, data in enumerate(whole.split(b"\n")[:-1], 1)]
        if any(line["campaign_id"] != self._id for line in lines):
            raise UsageError("%s holds results of another job. Move it away" % NAME)
        return [line["event"] for line in lines]


def _line(data: bytes, number: int) -> dict[str, Any]:
    """Reads a line of the results.

    Raises:
        UsageError: When it is none, as after a failure of the disk.
    """
    try:
        found = json.loads(data.decode())
    except ValueError:
        found = None
    if not isinstance(found, dict) or "campaign_id" not in found or not isinstance(found.get("event"), dict):
        raise UsageError("line %d of %s is damaged. Move the file away, or remove the lines from there on" % (number, NAME))
    return found


def stop(folder: str) -> bool:
    """Ends the process that runs the job of a folder, if there is one; it keeps what it measured.

    Returns:
        Whether there was one.

    Raises:
        DeviceError: When it runs on another machine that mounts the folder, or in another container, or is another user's.
    """
    file = os.open(os.path.join(folder, LOCK), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return False
    except OSError:
        number, place = _holder(file)
    finally:
        os.close(file)
    if place != _place():
        raise DeviceError("the job runs on another machine, or in another container. Give --stop there")
    try:
        os.kill(number, signal.SIGTERM)
    except ProcessLookupError:
        return False  # it has just ended
    except PermissionError:
        raise DeviceError("process %d, which runs the job, is another user's" % number) from None
    return True


def _holder(file: int) -> tuple[int, str]:
    """Returns number and place of the process that holds a lock file, which it writes down right after locking it.

    Raises:
        DeviceError: When it does not.
    """
    waited = stopwatch()
    while True:
        number, _, place = os.pread(file, 200, 0).decode(errors="replace").partition(" ")
        if number.isdecimal() and place:
            return int(number), place
        if waited() >= PID_S:
            raise DeviceError("another process runs this job, and does not say which one. End it by its number")
        sleep(PAUSE_S / 10)


def _place() -> str:
    """Returns what tells processes apart that have the same number: the start of the machine, and the container."""
    try:
        container = os.readlink("/proc/self/ns/pid")
    except OSError:
        container = "unknown"
    return "%s/%s" % (text_or_empty("/proc/sys/kernel/random/boot_id") or "unknown", container)


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
    os.pwrite(file, ("%d %s" % (os.getpid(), _place())).encode(), 0)
    return file
