"""The files of a run: what it is run on, one file per finished stage, and the report."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hwcost.errors import DataError, OtherSettingsError, UsageError
from hwcost.files import write_text

Plain = dict[str, Any]

VERSION = 3
"""Schema version of all files."""
SETTINGS, REPORT, STORE = "pipeline.json", "report.json", "measurements.db"
PROCESSES = "processes"
"""Name of the number of processes in the first of these files; it is there where several began the run."""


class RunFolder:
    """A folder of one run.

    Args:
        path: The folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def processes(self) -> int | None:
        """Number of processes that the run began with, and so divides its batches for; None where there is no run.

        Raises:
            DataError: When the folder's settings are damaged.
        """
        found = self.read(SETTINGS).get(PROCESSES, 1) if self.is_begun else None
        if not (found is None or (isinstance(found, int) and found > 0)):
            raise DataError(f"'{self.path / SETTINGS}' is damaged: it tells of {found!r} processes")
        return found

    def check(self, identity: Plain) -> None:
        """Checks that the folder's run is this one, or that the folder can be made where there is none.

        Args:
            identity: The choices that all of the run's files depend on, plain JSON. A folder is resumed by equal ones only.

        Raises:
            DataError: When the folder holds a run of other choices, or is damaged.
            UsageError: When the folder cannot be made.
        """
        if self.is_begun:
            self._check_identity(identity)
            return
        nearest = next(one for one in (self.path.absolute(), *self.path.absolute().parents) if one.exists())
        if not nearest.is_dir():
            raise self._refused(f"'{nearest}' is a file")
        if not os.access(nearest, os.W_OK | os.X_OK):
            raise self._refused(f"'{nearest}' cannot be written")

    def make(self) -> None:
        """Makes the folder.

        Raises:
            UsageError: When it cannot be made.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise self._refused(str(error.strerror)) from None

    def _refused(self, reason: str) -> UsageError:
        return UsageError(f"cannot make the folder '{self.path}': {reason}. Give another one")

    @property
    def is_begun(self) -> bool:
        """Whether the folder holds a run."""
        return (self.path / SETTINGS).exists()

    def begin(self, identity: Plain, processes: int) -> None:
        """Writes the run's choices, and the number of processes that it begins with."""
        self.write(SETTINGS, {**identity, PROCESSES: processes} if processes > 1 else identity)

    def _check_identity(self, identity: Plain) -> None:
        found = next(_differing(self.read(SETTINGS), identity), None)
        if found is not None:
            raise OtherSettingsError(
                f"'{self.path}' holds a run with other settings", *found,
                "Give the same settings to resume it, or another folder",
            )  # fmt: skip

    def write(self, name: str, plain: Plain) -> None:
        """Writes a file of the run, atomically.

        Raises:
            StoreError: When the disk is full, or it fails.
        """
        text = json.dumps({"schema_version": VERSION, **plain}, indent=1, allow_nan=False)
        write_text(self.path / name, text + "\n")

    def read(self, name: str) -> Plain:
        """Reads a file of the run.

        Raises:
            DataError: When it is damaged, or another version of hwcost wrote it.
        """
        path = self.path / name
        try:
            plain: Plain = json.loads(path.read_text(encoding="utf-8"))
            version = plain.pop("schema_version")
        except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
            raise DataError(f"'{path}' is damaged: {error}. Remove it to have it made again") from None
        if version != VERSION:
            raise DataError(
                f"'{path}' has schema version {version}, this hwcost reads {VERSION}: another version of hwcost began the "
                f"run, and can finish it. Give another folder to begin a new one"
            )
        return plain


def _differing(kept: Plain, given: Plain, where: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Yields the name of every choice that differs, with dots where it is part of another one, and both of its values."""
    for name, value in given.items():
        own = kept.get(name)
        if isinstance(own, dict) and isinstance(value, dict) and own.keys() == value.keys():
            yield from _differing(own, value, f"{where}{name}.")
        elif own != value:
            yield f"{where}{name}", own, value
