"""A folder for jobs that this machine and the one that measures both see."""

from __future__ import annotations

import filecmp
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from hwcost.errors import DeviceError


class SharedFolder:
    """Job folders below one folder.

    Args:
        path: The folder.
        url: Address that it is part of, for messages.
    """

    def __init__(self, path: Path, url: str) -> None:
        self._path, self._url = path, url

    def of(self, job: str) -> Path:
        """Returns the folder of a job."""
        return self._path / job

    def send(self, parts: Sequence[Path], job: str) -> None:
        """Copies files and folders into a job's folder; what is the same already is left alone, as a run may read it.

        Raises:
            DeviceError: When the folder cannot be written.
        """
        folder = self.of(job)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for part in parts:
                if part.is_dir():
                    shutil.copytree(part, folder / part.name, dirs_exist_ok=True, copy_function=_copy)
                else:
                    _copy(part, folder / part.name)
        except OSError as error:
            text = f"'{folder}' cannot be written: {error.strerror or error}. Give another folder in {self._url}"
            raise DeviceError(text) from None

    def fetch(self, job: str, name: str, target: Path) -> bool:
        """Copies a file of a job here; returns whether it is there.

        Raises:
            DeviceError: When the folder cannot be read, or the file cannot be copied.
        """
        source = self.of(job) / name
        try:
            if source.name not in os.listdir(source.parent):  # a network file system looks anew at a folder that is listed
                return False
            shutil.copyfile(source, target)
        except FileNotFoundError:
            return False
        except OSError as error:
            raise DeviceError(f"'{source}' of {self._url} cannot be copied: {error.strerror or error}") from None
        return True


def _copy(source: str | Path, target: str | Path) -> None:
    if not (Path(target).is_file() and filecmp.cmp(source, target, shallow=False)):
        shutil.copyfile(source, target)
