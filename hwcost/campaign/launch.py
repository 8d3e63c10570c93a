"""How a worker is started, and what the campaign holds of it then: here as a program of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import IO, Protocol


@dataclass(frozen=True, slots=True)
class Launch:
    """What a worker is started with.

    Attributes:
        environment: Environment variables.
        stderr_fd: Descriptor of the file that takes its stderr.
        current_fd: Descriptor of the file that takes the position of the workload in hand.
    """

    environment: Mapping[str, str]
    stderr_fd: int
    current_fd: int


class Launched(Protocol):
    """A worker that was started.

    Attributes:
        stdin: Pipe to it.
        stdout: Pipe from it.
        current_fd: Number that the descriptor of the position has in it.
    """

    stdin: IO[str]
    stdout: IO[str]
    current_fd: int

    def kill(self) -> None:
        """Kills it if it still runs."""

    def wait(self) -> int:
        """Waits for its end and returns its exit status; negative for a signal."""


class Spawned:
    """A program of its own, which imports everything anew.

    Args:
        launch: Environment and files.
    """

    def __init__(self, launch: Launch) -> None:
        self._process = program("hwcost.timing.worker", launch, pass_fds=(launch.current_fd,), pipe=subprocess.PIPE)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self.stdin, self.stdout, self.current_fd = self._process.stdin, self._process.stdout, launch.current_fd

    def kill(self) -> None:
        """See :class:`Launched`."""
        self._process.kill()

    def wait(self) -> int:
        """See :class:`Launched`."""
        return self._process.wait()


def program(
    module: str, launch: Launch, *arguments: str, pass_fds: tuple[int, ...], pipe: int = subprocess.DEVNULL
) -> subprocess.Popen[str]:
    """Starts a module of hwcost as a program, which imports the same hwcost and the user's own modules as this one.

    Args:
        module: Name of the module.
        launch: Environment and files.
        *arguments: Arguments of the program.
        pass_fds: Descriptors that it inherits.
        pipe: Kind of its stdin and stdout.
    """
    return subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        stdin=pipe,
        stdout=pipe,
        stderr=launch.stderr_fd,
        pass_fds=pass_fds,
        env={**launch.environment, "PYTHONPATH": os.pathsep.join(path or os.getcwd() for path in sys.path)},
        text=True,
        encoding="utf-8",
    )
