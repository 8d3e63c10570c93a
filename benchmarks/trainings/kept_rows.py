"""Rows of results in files of JSON Lines, one line a row, so that a stopped run goes on where it was."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any


def read_rows(path: Path) -> list[dict[str, Any]]:
    """Returns the rows of a file; a last line that was cut short is left out, and a file that is not there has no rows."""
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True) if path.exists() else []
    return [json.loads(line) for line in lines if line.endswith("\n")]


def add_row(path: Path, row: dict[str, Any]) -> None:
    """Adds a row to a file, in the place of a last line that was cut short."""
    with path.open("a+b") as file:
        file.seek(0)
        file.truncate(file.read().rfind(b"\n") + 1)
        file.write(json.dumps(row).encode() + b"\n")


class KeptRows:
    """Rows of a study in a file; a row that is there is not computed again.

    Args:
        path: The file.
        same: Description of what all rows share; rows of another description stay in the file and are not used.
    """

    def __init__(self, path: Path, same: dict[str, Any]) -> None:
        self.path, self.same = path, same
        self.found = [row for row in read_rows(path) if row["same"] == same]

    def get(self, key: dict[str, Any], compute: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """Returns the row of a key, computed where it is not there yet."""
        for row in self.found:
            if row["key"] == key:
                return row
        row = {"key": key, **compute(), "same": self.same}
        add_row(self.path, row)
        self.found.append(row)
        print(f"  {key}", flush=True)
        return row
