"""This machine, with another Python: ``local:///folder?python=/usr/bin/python3.8``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from hwcost.backends.cache import cache_dir
from hwcost.elsewhere.transports.base import Transport
from hwcost.elsewhere.transports.processes import heard_process
from hwcost.elsewhere.transports.shared_folder import SharedFolder
from hwcost.errors import DeviceError

if TYPE_CHECKING:
    from hwcost.elsewhere.transports.address import Address


class Local(Transport):
    """Runs jobs on this machine, for an environment that hwcost itself cannot be installed into.

    Options:
        python: Program that runs the job (python3).
    """

    name: ClassVar[str] = "local"

    def __init__(self, address: Address) -> None:
        super().__init__(address)
        self._python = address.python()
        self._folder = SharedFolder(Path(address.folder) if address.folder else cache_dir("local-jobs"), address.url)

    def send(self, parts: Sequence[Path], job: str) -> None:
        """See the base class."""
        self._folder.send(parts, job)

    def run(self, job: str, arguments: Sequence[str], heard: Callable[[str], None]) -> tuple[int, str]:
        """See the base class."""
        try:
            return heard_process([self._python, str(self._folder.of(job) / "run.py"), *arguments], heard)
        except OSError as error:
            raise DeviceError(f"'{self._python}' cannot be started: {error.strerror}. Give python= in {self.url}") from None

    def fetch(self, job: str, name: str, target: Path) -> bool:
        """See the base class."""
        return self._folder.fetch(job, name, target)
