"""The campaign's side of a fork server: the warm process, and the workers that are forked from it."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from types import TracebackType
from typing import IO, Any

from hwcost._log import logger
from hwcost.backends import BACKENDS
from hwcost.campaign.processes.launch import Launch, program
from hwcost.campaign.processes.silence import Silence
from hwcost.devices import device_kind

_log = logger(__name__)

ANSWER_BYTES = 4096
CLOSING_S = 2.0
"""Seconds that a fork server has to end by itself."""


class Forked:
    """A worker that is a child of the warm process, which reports its end.

    Args:
        pid: Number of the process.
        current_fd: Number that the descriptor of the position has in it.
        connection: Socket of the warm process.
        stdin: Pipe to it.
        stdout: Pipe from it.
    """

    def __init__(self, pid: int, current_fd: int, connection: socket.socket, stdin: IO[str], stdout: IO[str]) -> None:
        self.pid, self.stdin, self.stdout, self.current_fd = pid, stdin, stdout, current_fd
        self._connection = connection
        self._returncode: int | None = None

    def kill(self) -> None:
        """See :class:`Launched`.

        The number is its own until the next one is forked, or the warm process has ended, which took it along.
        """
        if self._returncode is None and _is_silent(self._connection):
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)

    def wait(self) -> int:
        """See :class:`Launched`; where the warm process was killed, it took this one along."""
        if self._returncode is None:
            self._returncode = answer(self._connection).get("returncode", -signal.SIGKILL)
        return self._returncode


class ForkServer:
    """The campaign's side of :mod:`hwcost.timing.processes.fork_server`; a context manager that leaves no process behind.

    The warm process is started for the first worker, and anew where it was killed.

    Args:
        backend: Name of the backend.
        kind: Name of the kind of device.
    """

    def __init__(self, backend: str, kind: str) -> None:
        self._backend, self._is_allowed = backend, is_forked(backend, kind)
        self._warm: tuple[socket.socket, subprocess.Popen[str]] | None = None

    def fork(self, launch: Launch) -> Forked | None:
        """Forks a worker; None where the backend does not allow it or the warm process cannot, so that one is spawned.

        Args:
            launch: Environment, which is that of the first worker for all of them, and files.
        """
        if not self._is_allowed:
            return None
        is_new = self._warm is None
        try:
            found = self._fork(launch)
        except BaseException:
            self.close(0.0)  # an answer may be under way, which the next worker must not take for its own
            raise
        if found is not None:
            return found
        self.close()
        self._is_allowed = not is_new
        return self.fork(launch)  # where it was killed, with a new warm process

    def _fork(self, launch: Launch) -> Forked | None:
        """Asks for a fork and waits for it; None where it was refused, or the warm process has ended or does not answer."""
        connection, process = self._warm or self._start(launch)
        (read_in, write_in), (read_out, write_out) = os.pipe(), os.pipe()
        stdin, stdout = open(write_in, "w", encoding="utf-8"), open(read_out, encoding="utf-8")  # noqa: SIM115
        try:
            with suppress(ConnectionError):
                socket.send_fds(connection, [b"w"], [read_in, write_out, launch.stderr_fd, launch.current_fd])
        finally:
            os.close(read_in)
            os.close(write_out)
        answers = _answers(connection, process.pid)
        said = answer(connection) if answers else {}
        if "pid" in said:
            return Forked(said["pid"], said["current_fd"], connection, stdin, stdout)
        stdin.close()
        stdout.close()
        gone = "the warm process ended" if answers else "the warm process does not answer"
        _log.info("workers are spawned: %s", said.get("refused", gone))
        return None

    def _start(self, launch: Launch) -> tuple[socket.socket, subprocess.Popen[str]]:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            arguments = str(theirs.fileno()), self._backend
            process = program("hwcost.timing.processes.fork_server", launch, *arguments, pass_fds=(theirs.fileno(),))
        self._warm = ours, process
        return self._warm

    def close(self, patience_s: float = CLOSING_S) -> None:
        """Ends the warm process.

        Args:
            patience_s: Seconds that it has to end by itself.
        """
        if self._warm is None:
            return
        connection, process = self._warm
        connection.close()
        try:
            process.wait(patience_s)
        except subprocess.TimeoutExpired:  # it waits for a worker, or for what never comes
            process.kill()
            process.wait()
        self._warm = None

    def __enter__(self) -> ForkServer:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def is_forked(backend: str, kind: str) -> bool:
    """Says whether the workers of a backend are forked: where its own class declares what to import before, on Linux.

    Args:
        backend: Name of the backend.
        kind: Name of the kind of device; a runtime that has used another device than the processor cannot be forked.
    """
    if sys.platform != "linux" or not device_kind(kind).is_host or backend not in BACKENDS:
        return False
    return vars(BACKENDS.load(backend)).get("fork_imports") is not None


def _answers(connection: socket.socket, pid: int) -> bool:
    """Waits until the warm process answers or has ended; False where it was silent for too long."""
    silence = Silence.of_host(pid)
    while not select.select([connection], [], [], silence.look_s)[0]:
        if silence.is_too_long():
            return False
    return True


def _is_silent(connection: socket.socket) -> bool:
    """Says whether the warm process is there and has not reported the end of the latest worker."""
    try:
        connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except OSError as error:
        return isinstance(error, BlockingIOError)
    return False


def answer(connection: socket.socket) -> dict[str, Any]:
    """Waits for an answer of the warm process; an empty one when it has ended."""
    try:
        data = connection.recv(ANSWER_BYTES)
    except ConnectionError:
        data = b""
    found: dict[str, Any] = json.loads(data) if data else {}
    return found
