"""A machine that is reached through a folder which both sides mount."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from hwcost.elsewhere.transports import Address, Transport
from hwcost.errors import UsageError


class Shelf(Transport):
    """Puts jobs into a folder, ``shelf:///folder``; in this example the other machine is this one."""

    name = "shelf"
    option_names = ()

    def __init__(self, address: Address) -> None:
        super().__init__(address)
        if not address.folder:
            raise UsageError(f"'{address.url}' names no folder. Expected shelf:///folder")
        self.folder = Path(address.folder)

    def send(self, parts: Sequence[Path], job: str) -> None:
        target = self.folder / job
        target.mkdir(parents=True, exist_ok=True)
        for part in parts:
            if part.is_dir():
                shutil.copytree(part, target / part.name, dirs_exist_ok=True)
            else:
                shutil.copyfile(part, target / part.name)

    def run(self, job: str, arguments: Sequence[str], heard: Callable[[str], None]) -> tuple[int, str]:
        command = [sys.executable, str(self.folder / job / "run.py"), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        for line in done.stdout.splitlines():
            heard(line)
        return done.returncode, done.stderr

    def fetch(self, job: str, name: str, target: Path) -> bool:
        source = self.folder / job / name
        if source.is_file():
            shutil.copyfile(source, target)
        return source.is_file()
