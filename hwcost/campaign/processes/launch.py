"""How a worker is started, and what the campaign holds of it then: here as a program of its own."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import IO, NamedTuple, Protocol

from hwcost._imports import interpreter, module_paths
from hwcost.errors import StoreError

THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
"""Environment variables that say on how many threads libraries compute."""


class Tree(NamedTuple):
    """A working tree of another revision.

    Attributes:
        folder: Folder in which a worker runs.
        paths: Folders in which it looks for modules.
    """

    folder: str
    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Launch:
    """What a worker is started with.

    Attributes:
        environment: Environment variables.
        stderr_fd: Descriptor of the file that takes its stderr.
        current_fd: Descriptor of the file that takes the position of the workload in hand.
        tree: Working tree of another revision whose modules it imports; None for the same modules as this process.
    """

    environment: Mapping[str, str]
    stderr_fd: int
    current_fd: int
    tree: Tree | None = None


class Launched(Protocol):
    """A worker that was started.

    Attributes:
        pid: Number of the process.
        stdin: Pipe to it.
        stdout: Pipe from it.
        current_fd: Number that the descriptor of the position has in it.
    """

    pid: int
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
        held = (launch.current_fd,)
        self._process = program("hwcost.timing.processes.worker", launch, pass_fds=held, pipe=subprocess.PIPE)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self.pid = self._process.pid
        self.stdin, self.stdout, self.current_fd = self._process.stdin, self._process.stdout, launch.current_fd

    def kill(self) -> None:
        """See :class:`Launched`."""
        self._process.kill()

    def wait(self) -> int:
        """See :class:`Launched`."""
        return self._process.wait()


def temporary_file(content: bytes = b"") -> IO[bytes]:
    """Makes a file for what a process says; it is gone when it is closed.

    Args:
        content: Its content at first, which takes its place on the disk at once.

    Raises:
        StoreError: When no folder has room for it.
    """
    try:
        file = tempfile.TemporaryFile()  # noqa: SIM115
        os.pwrite(file.fileno(), content, 0)
    except OSError as error:
        said = f"no temporary file can be written, and a measuring process needs one: {error.strerror or error}."
        raise StoreError(f"{said} Make room, or name another folder in TMPDIR.") from None
    return file


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
    tree = launch.tree or Tree(os.getcwd(), tuple(module_paths()))
    return subprocess.Popen(
        [*interpreter(), "-m", module, *arguments],
        stdin=pipe,
        stdout=pipe,
        stderr=launch.stderr_fd,
        pass_fds=pass_fds,
        cwd=tree.folder,
        env={**launch.environment, "PYTHONPATH": os.pathsep.join(tree.paths)},
        text=True,
        encoding="utf-8",
    )
