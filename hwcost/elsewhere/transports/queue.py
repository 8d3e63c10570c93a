"""Machines behind a queue: each run of a job folder is a job of it, in a folder that both sides mount.

A job goes on when the process that queued it dies: it carries the name of its folder, by which the next process finds it.
"""

from __future__ import annotations

import shlex
from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import sleep
from typing import TYPE_CHECKING, ClassVar, Literal

from hwcost._io import write_text
from hwcost.elsewhere.transports.base import JobEndedError, Transport
from hwcost.elsewhere.transports.processes import TAIL
from hwcost.elsewhere.transports.shared_folder import SharedFolder
from hwcost.errors import DeviceError, UsageError
from hwcost.timing import timer

if TYPE_CHECKING:
    from hwcost.elsewhere.transports.address import Address

POLL_S = 2.0
"""Seconds between looks at a job."""

STOP_S = 60.0
"""Seconds that a job which is cancelled may take to end."""

FOLDER = "hwcost-jobs"
"""Folder of jobs in the user's home, where the address names none."""

NOT_STARTED = (126, 127)
"""Exit statuses of a shell that cannot start a program."""

VARIABLE = "HWCOST_QUEUE_JOB"
"""Environment variable with the job that a runner is part of, which it keeps with its records."""

NODE = "node"
"""File of a job folder with the node that measured first; the rounds of a campaign are measured by one machine."""


@dataclass(frozen=True)
class Standing:
    """State of a job in its queue.

    Attributes:
        phase: ``waiting`` in the queue, ``running``, ``done`` when its runner ended by itself, and ``ended`` otherwise.
        reason: Reason for which it waits, or for which it was ended.
        exit_status: Exit status of the runner; None unless the job is done.
        node: Name of the machine that it runs on; empty before.
    """

    phase: Literal["waiting", "running", "done", "ended"]
    reason: str = ""
    exit_status: int | None = None
    node: str = ""


class Queue(Transport):
    """Queues runs of job folders; a subclass speaks with one kind of queue.

    Options:
        python: Program that runs the job (python3).
        folder: Folder for jobs, on this machine and on the others; also the path of the address.

    Args:
        address: Address of the queue.
    """

    option_names: ClassVar[tuple[str, ...]] = ("python", "folder")
    leaves_failures: ClassVar[bool] = True

    def __init__(self, address: Address) -> None:
        super().__init__(address)
        path = Path(address.value("folder") or address.folder or Path.home() / FOLDER)
        if not path.is_absolute():
            raise UsageError(f"'{address.url}': folder= is a path from / on, got '{path}'")
        self._shared = SharedFolder(path, address.url)
        self._python = address.python()
        self._heard: dict[Path, int] = {}

    @abstractmethod
    def found(self, job: str) -> str | None:
        """Returns the ticket of a job that waits or runs, whichever process queued it; None where there is none."""

    @abstractmethod
    def queued(self, job: str, command: str, node: str) -> str:
        """Queues a job and returns its ticket.

        Args:
            job: Name of the job's folder.
            command: Command of a shell, which writes its log itself.
            node: Machine that is to run it; empty for any.

        Raises:
            DeviceError: When the queue refuses it.
        """

    @abstractmethod
    def standing(self, ticket: str) -> Standing:
        """Returns the state of a job."""

    @abstractmethod
    def cancel(self, ticket: str) -> None:
        """Asks the queue to end a job."""

    def send(self, parts: Sequence[Path], job: str) -> None:
        """See the base class."""
        self._shared.send(parts, job)

    def fetch(self, job: str, name: str, target: Path) -> bool:
        """See the base class."""
        return self._shared.fetch(job, name, target)

    def run(self, job: str, arguments: Sequence[str], heard: Callable[[str], None]) -> tuple[int, str]:
        """Runs a job, or follows one that another process queued; see the base class."""
        ticket = self.found(job) or self._submit(job, arguments)
        out, said = (self._log(job, one) for one in ("out", "err"))
        end = self._followed(ticket, lambda: self._tell(out, heard))
        with self._files():
            if end.exit_status in (0, None) and self._heard.get(out):
                self._keep_node(job, end.node)
        if end.exit_status is None:
            raise JobEndedError(f"{self.name} job {ticket}: {end.reason}. Its log is '{said}'.")
        with self._files():
            log = _tail(said)
        if end.exit_status in NOT_STARTED:
            raise JobEndedError(f"{self.name} job {ticket} could not start: {log}. Give python= in {self.url}.")
        if end.exit_status and not log:
            folder, node = self._shared.of(job), end.node or "the node"
            raise JobEndedError(f"{self.name} job {ticket} wrote nothing into '{folder}'. See that {node} mounts it.")
        return end.exit_status, log

    def stop(self, job: str) -> None:
        """See the base class."""
        ticket = self.found(job)
        if ticket is None:
            return
        self.cancel(ticket)
        waited = timer.stopwatch()
        while self.standing(ticket).phase in ("waiting", "running") and waited() < STOP_S:
            sleep(POLL_S)

    def _submit(self, job: str, arguments: Sequence[str]) -> str:
        """Queues a run, whose output begins anew; its log goes on."""
        folder = self._shared.of(job)
        out, said = (self._log(job, one) for one in ("out", "err"))
        known = folder / NODE
        with self._files():
            out.write_bytes(b"")
            said.touch()
            node = known.read_text(encoding="utf-8").strip() if known.exists() else ""
        self._heard[out] = 0
        runner = shlex.join([self._python, "run.py", *arguments])
        command = f"cd {shlex.quote(str(folder))} && exec >>{out.name} 2>>{said.name} && exec {runner}"
        return self.queued(job, command, node)

    @contextmanager
    def _files(self) -> Iterator[None]:
        """Says which file of a job cannot be read or written; the job itself goes on."""
        try:
            yield
        except OSError as error:
            text = f"'{error.filename}' of {self.url} cannot be used: {error.strerror or error}. The job itself goes on."
            raise DeviceError(text) from None

    def _log(self, job: str, kind: str) -> Path:
        return self._shared.of(job) / f"{self.name}.{kind}"

    def _followed(self, ticket: str, tell: Callable[[], None]) -> Standing:
        """Waits for the end of a job, and tells meanwhile what it waits for and what it says."""
        since = timer.stopwatch()
        while True:
            found = self.standing(ticket)
            tell()
            if found.phase in ("done", "ended"):
                return found
            if found.phase == "waiting":
                self.waiting(f"{self.name} job {ticket} waits in the queue: {found.reason}", since())
            since = timer.stopwatch()
            sleep(POLL_S)

    def _tell(self, out: Path, heard: Callable[[str], None]) -> None:
        """Tells the whole lines that are new in an output; a network file system looks anew at a file that is opened."""
        with self._files(), out.open("rb") as file:
            file.seek(self._heard.get(out, 0))
            whole = file.read().rpartition(b"\n")[0]
        if whole:
            self._heard[out] = self._heard.get(out, 0) + len(whole) + 1
            for line in whole.decode("utf-8", errors="replace").split("\n"):
                heard(line)

    def _keep_node(self, job: str, node: str) -> None:
        known = self._shared.of(job) / NODE
        if node and not known.exists():
            write_text(known, f"{node}\n")


def _tail(path: Path) -> str:
    return path.read_bytes().decode("utf-8", errors="replace")[-TAIL:].strip()
