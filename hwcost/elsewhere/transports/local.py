"""This machine, with another Python: ``local:///folder?python=/usr/bin/python3.8``."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from hwcost.backends.cache import cache_dir
from hwcost.elsewhere.transports.base import Transport
from hwcost.elsewhere.transports.processes import heard_process
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

    def send(self, parts: Sequence[Path], job: str) -> None:
        """See the base class."""
        folder = self._folder(job)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for part in parts:
                if part.is_dir():
                    shutil.copytree(part, folder / part.name, dirs_exist_ok=True)
                else:
                    shutil.copyfile(part, folder / part.name)
        except OSError as error:
            raise DeviceError(f"'{folder}' cannot be written: {error.strerror}. Give another folder in {self.url}") from None

    def run(self, job: str, arguments: Sequence[str], heard: Callable[[str], None]) -> tuple[int, str]:
        """See the base class."""
        try:
            return heard_process([self._python, str(self._folder(job) / "run.py"), *arguments], heard)
        except OSError as error:
            raise DeviceError(f"'{self._python}' cannot be started: {error.strerror}. Give python= in {self.url}") from None

    def fetch(self, job: str, name: str, target: Path) -> bool:
        """See the base class."""
        source = self._folder(job) / name
        if not source.is_file():
            return False
        shutil.copyfile(source, target)
        return True

    def _folder(self, job: str) -> Path:
        return (Path(self.address.folder) if self.address.folder else cache_dir("local-jobs")) / job
