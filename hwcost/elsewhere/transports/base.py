"""The contract of a transport: it carries a job folder to a machine, runs it there, and brings the results back."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from hwcost.errors import DeviceError

if TYPE_CHECKING:
    from hwcost.elsewhere.transports.address import Address


class ConnectionLostError(DeviceError):
    """The machine cannot be reached, or the connection to it was cut; what runs there may go on."""


class JobEndedError(DeviceError):
    """A queue ended a job before its runner was done: it was cancelled, ran out of time, or its node was lost."""


class Transport(ABC):
    """A way to a machine, or to the machines behind a queue.

    Nothing here knows what is in a job folder. A transport may be asked to send, run and fetch again at any time, after a
    lost connection too: the runner of the folder resumes by itself, and waits for a process of itself that still runs.

    Args:
        address: Address of the machine.

    Attributes:
        waiting: Function that is called while a job waits in a queue; it takes what the job waits for, and the seconds since
            the last call.

    Raises:
        UsageError: When the address has an option that the transport does not know, or lacks a part that it needs.
        MissingExtraError: When a library that the transport needs is not installed.
    """

    name: ClassVar[str]
    """Scheme of its addresses."""
    option_names: ClassVar[tuple[str, ...]] = ("python",)
    leaves_failures: ClassVar[bool] = False
    """Whether every workload that a job was to measure and did not gets a failed record when the job fails."""

    def __init__(self, address: Address) -> None:
        address.check(self.option_names)
        self.address = address
        self.waiting: Callable[[str, float], None] = lambda text, seconds: None

    @property
    def url(self) -> str:
        """Address of the machine."""
        return self.address.url

    def claim(self, device: str, threads: int) -> None:
        """Looks for what the jobs to come need, before anything is sent; a queue does so among its machines.

        Args:
            device: Name of the device.
            threads: Number of CPUs.

        Raises:
            DeviceError: When no machine has such a device; says what there is.
            ConnectionLostError: When the queue cannot be reached.
        """
        return

    @abstractmethod
    def send(self, parts: Sequence[Path], job: str) -> None:
        """Copies files and folders into the folder of a job there, which is made if need be; older ones are replaced.

        Args:
            parts: Files and folders of this machine.
            job: Name of the job's folder: letters, digits and dashes.

        Raises:
            ConnectionLostError: When the machine cannot be reached.
            DeviceError: When the machine refuses them.
        """

    @abstractmethod
    def run(self, job: str, arguments: Sequence[str], heard: Callable[[str], None]) -> tuple[int, str]:
        """Runs ``run.py`` of a job there, and waits for its end.

        Args:
            job: Name of the job's folder.
            arguments: Arguments of ``run.py``.
            heard: Function that takes every line of its stdout as it comes.

        Returns:
            The exit status, and the end of its stderr.

        Raises:
            ConnectionLostError: When the machine cannot be reached, or the connection is cut; the job may go on.
            JobEndedError: When a queue ended the job.
        """

    def stop(self, job: str) -> None:
        """Ends the run of a job there, if there is one; what it measured is kept.

        Args:
            job: Name of the job's folder.

        Raises:
            ConnectionLostError: When the machine cannot be reached.
        """
        self.run(job, ["--stop"], lambda line: None)

    @abstractmethod
    def fetch(self, job: str, name: str, target: Path) -> bool:
        """Copies a file of a job here.

        Args:
            job: Name of the job's folder.
            name: Name of the file in it.
            target: File that is written.

        Returns:
            Whether the file is there.

        Raises:
            ConnectionLostError: When the machine cannot be reached.
            DeviceError: When the file is there and cannot be copied.
        """
