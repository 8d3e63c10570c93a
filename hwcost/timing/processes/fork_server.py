"""A warm process that forks the workers of a campaign: what they all import is imported once.

It is started with the environment of the workers, and with one end of a pair of Unix sockets. Each message on it brings
four descriptors of a worker: its stdin, its stdout, its stderr, and the file for the position of the workload in hand. The
answers are JSON::

    {"pid": ..., "current_fd": ...}    the worker runs; the number that the file has there
    {"returncode": ...}                it has ended; negative for a signal
    {"refused": ...}                   nothing was forked, for this reason

A worker is a child of this process, reads its job and writes its events itself, and ends when this process does. It is not
waited for until the next message, so that its number means no other process as long as the campaign may send it a signal.

A fork copies no threads: a process that has some is not forked. So what starts threads when it is imported, or runs on
several, is left to the workers. The threads of numpy's OpenBLAS may be there, since it ends them before a fork itself.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import socket
import sys
import traceback
from contextlib import suppress
from importlib import import_module
from typing import Any

from hwcost.agent.pipe import die_with_parent
from hwcost.timing.processes import worker
from hwcost.timing.processes.layout import with_new_layout

DESCRIPTORS = 4

WORKER_MODULES = (
    "hwcost.facts", "hwcost.timing.execution.groups", "hwcost.timing.telemetry", "hwcost.workloads",
)  # fmt: skip
"""Modules that every worker imports."""


class ForkServer:
    """The warm process.

    Args:
        connection: Its end of the pair of sockets.
    """

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._threads = 1
        self._pid: int | None = None

    def warm_up(self, backend: str) -> None:
        """Imports what the workers of a backend need.

        Args:
            backend: Name of the backend, one that declares ``fork_imports``.
        """
        from hwcost.backends import BACKENDS

        import_module("numpy")
        self._threads = threads()
        for name in (*WORKER_MODULES, *(BACKENDS.load(backend).fork_imports or ())):
            import_module(name)
        gc.collect()
        gc.freeze()  # so that looking for garbage does not copy the pages that are shared

    def serve(self) -> None:
        """Forks a worker for every message, until the campaign closes its end."""
        while True:
            descriptors = self._descriptors()
            self._forget()
            if not descriptors:
                return
            if threads() > self._threads:
                self._answer(refused=f"{threads() - self._threads} threads were started by imports")
            else:
                self._fork(descriptors)

    def _descriptors(self) -> list[int]:
        """Waits for a message and returns the descriptors that came with it; none once the other end is closed."""
        _, descriptors, _, _ = socket.recv_fds(self._connection, 1, DESCRIPTORS)
        return list(descriptors)

    def _fork(self, descriptors: list[int]) -> None:
        """Forks one worker and tells of its beginning and its end."""
        pid = os.fork()
        if not pid:
            self._connection.close()
            os._exit(_work(descriptors))
        self._pid = pid
        self._answer(pid=pid, current_fd=descriptors[-1])
        for descriptor in descriptors:
            os.close(descriptor)
        ended = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        assert ended is not None
        self._answer(returncode=ended.si_status if ended.si_code == os.CLD_EXITED else -ended.si_status)

    def _forget(self) -> None:
        """Lets the system forget the worker that has ended, whose number may then be another's."""
        if self._pid is not None:
            os.waitpid(self._pid, 0)
            self._pid = None

    def _answer(self, **facts: Any) -> None:
        self._connection.send(json.dumps(facts).encode())


def threads() -> int:
    """Returns the number of threads of this process."""
    return len(os.listdir("/proc/self/task"))


def _work(descriptors: list[int]) -> int:
    """Is a worker on the descriptors of one; returns its exit status."""
    try:
        for number, descriptor in enumerate(descriptors[:-1]):
            os.dup2(descriptor, number)
            os.close(descriptor)
        _draw_numbers()
        return with_new_layout(worker.main)
    except BaseException:
        traceback.print_exc()
        return 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()


def _draw_numbers() -> None:
    """Seeds numpy's common generator anew, which children would share; Python's own is seeded at a fork by itself."""
    import numpy as np

    np.random.seed()


def main() -> int:
    """Serves a campaign; arguments are the socket's descriptor and the name of the backend."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the campaign decides what an interrupt means
    die_with_parent()
    server = ForkServer(socket.socket(fileno=int(sys.argv[1])))
    server.warm_up(sys.argv[2])
    with suppress(ConnectionError):  # the campaign is gone
        server.serve()
    return 0


if __name__ == "__main__":
    sys.exit(main())
