"""A machine that the system's ``ssh`` reaches, ``ssh://[user@]host[:port][/folder]``, with its keys and configuration.

Nothing is asked for: a machine that wants a password is unreachable. No port is opened on either side beside ssh's own.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from hwcost.elsewhere.transports.base import ConnectionLostError, Transport
from hwcost.elsewhere.transports.processes import TAIL, heard_process
from hwcost.errors import DeviceError, UsageError

if TYPE_CHECKING:
    from hwcost.elsewhere.transports.address import Address

OPTIONS = ("BatchMode=yes", "ConnectTimeout=20", "ServerAliveInterval=15", "ServerAliveCountMax=4")
"""Options that are always given; those of an address come first, and the first one of a name counts."""

ABSENT = 44
"""Exit status by which a command there says that a file is not there; neither a shell nor ``cat`` has it for a failure."""

LOST = 255
"""Exit status of ssh for its own failures, those of the connection among them."""

FINAL = ("Permission denied", "Host key verification failed", "Could not resolve hostname", "Bad configuration option")
"""Messages of ssh after which another attempt would end alike."""

DEFAULT_FOLDER = "hwcost-jobs"
"""Folder of jobs in the home of the user there."""


class Ssh(Transport):
    """Copies by ``scp`` and runs by ``ssh``.

    Options:
        python: Program that runs the job (python3).
        config: Configuration file of ssh in place of the user's own.
        option: Option of ssh and scp, ``Name=value``; repeatable.
    """

    name: ClassVar[str] = "ssh"
    option_names: ClassVar[tuple[str, ...]] = ("python", "config", "option")

    def __init__(self, address: Address) -> None:
        super().__init__(address)
        if not address.host:
            raise UsageError(f"'{address.url}' names no host. Expected ssh://[user@]host[:port][/folder]")
        for program in ("ssh", "scp"):
            if shutil.which(program) is None:
                remedy = "Install OpenSSH's client, or carry a job by hand: hwcost plan"
                raise DeviceError(f"the program '{program}' is missing. {remedy}")
        self._python = address.python()
        self._options = [part for option in (*address.values("option"), *OPTIONS) for part in ("-o", option)]
        self._options += [part for path in address.values("config") for part in ("-F", path)]
        if address.port is not None:
            self._options += ["-o", f"Port={address.port}"]
        if address.user is not None:
            self._options += ["-o", f"User={address.user}"]

    def send(self, parts: Sequence[Path], job: str) -> None:
        """See the base class."""
        self._command(f"mkdir -p {self._folder(job)}")
        host = f"[{self.address.host}]" if ":" in self.address.host else self.address.host
        self._checked(["scp", "-rpq", *self._options, "--", *map(str, parts), f"{host}:{self._folder(job)}/"])

    def run(self, job: str, arguments: Sequence[str], heard: Callable[[str], None]) -> tuple[int, str]:
        """See the base class."""
        command = " ".join([self._python, f"{self._folder(job)}/run.py", *arguments])
        status, said = heard_process(["ssh", *self._options, "--", self.address.host, command], heard)
        if status == LOST or status < 0:
            raise self._lost(said)
        return status, said

    def fetch(self, job: str, name: str, target: Path) -> bool:
        """See the base class."""
        path = f"{self._folder(job)}/{name}"
        ssh = ["ssh", *self._options, "--", self.address.host, f"test -f {path} || exit {ABSENT}; cat {path}"]
        with target.open("wb") as file:
            done = subprocess.run(ssh, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.PIPE, check=False)
        said = done.stderr.decode(errors="replace")
        if done.returncode == LOST or done.returncode < 0:
            raise self._lost(said)
        if done.returncode not in (0, ABSENT):
            raise DeviceError(f"{self.url} does not give '{path}': {said.strip()[-TAIL:]}")
        return done.returncode == 0

    def _folder(self, job: str) -> str:
        """Returns the job's folder there; one that begins with ``/~/`` lies in the user's home."""
        folder = self.address.folder or f"/~/{DEFAULT_FOLDER}"
        return f"{folder[3:] if folder.startswith('/~/') else folder}/{job}"

    def _command(self, command: str) -> None:
        self._checked(["ssh", *self._options, "--", self.address.host, command])

    def _checked(self, command: list[str]) -> None:
        how: dict[str, Any] = {"capture_output": True, "text": True, "errors": "replace", "check": False}
        done = subprocess.run(command, stdin=subprocess.DEVNULL, **how)
        if done.returncode == LOST or (done.returncode and command[0] == "scp" and "onnection" in done.stderr):
            raise self._lost(done.stderr)
        if done.returncode:
            raise DeviceError(f"{self.url} refuses the job: {done.stderr.strip()[-TAIL:]}")

    def _lost(self, said: str) -> DeviceError:
        """Returns the error for a failure of ssh itself: one of the connection, unless trying again is of no use."""
        reason = said.strip().splitlines()[-1] if said.strip() else "the connection was cut"
        kind = DeviceError if any(sign in said for sign in FINAL) else ConnectionLostError
        return kind(f"{self.url} cannot be reached: {reason}. See whether 'ssh -o BatchMode=yes {self.address.host}' works.")
