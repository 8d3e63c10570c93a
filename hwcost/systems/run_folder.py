"""The files of a run: what it is run on, one file per finished stage, and the report."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hwcost.errors import DataError, OtherSettingsError, UsageError
from hwcost.files import write_text

Plain = dict[str, Any]

VERSION = 3
"""Schema version of all files."""
SETTINGS, REPORT, STORE = "pipeline.json", "report.json", "measurements.db"


class RunFolder:
    """A folder of one run; made, if it is not there.

    Args:
        path: The folder.
        identity: The choices that all of the run's files depend on, plain JSON. A folder is resumed by equal choices only.

    Raises:
        DataError: When the folder holds a run of other choices, or is damaged.
        UsageError: When the folder cannot be made.
    """

    def __init__(self, path: Path, identity: Plain) -> None:
        self.path, self.identity = path, identity
        if self.is_begun:
            self._check_identity()
            return
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(f"cannot make the folder '{path}': {error.strerror}. Give another one") from None

    @property
    def is_begun(self) -> bool:
        """Whether the folder holds a run."""
        return (self.path / SETTINGS).exists()

    def begin(self) -> None:
        """Writes the run's choices."""
        self.write(SETTINGS, self.identity)

    def _check_identity(self) -> None:
        kept = self.read(SETTINGS)
        for name, value in self.identity.items():
            if kept.get(name) != value:
                raise OtherSettingsError(
                    f"'{self.path}' holds a run with other settings", name, kept.get(name), value,
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
