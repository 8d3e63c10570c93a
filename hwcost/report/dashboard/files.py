"""The files of a site: data as scripts, so that a page on ``file://`` can load them, and writing what changed only."""

from __future__ import annotations

import bisect
import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hwcost._io import write_atomically, write_text
from hwcost.errors import DataError, UsageError
from hwcost.files import cannot_write

MANIFEST = "manifest.json"
FORMAT = 1
"""Version of the layout of a site; another one is written anew."""


def script(name: str, value: Any) -> str:
    """Returns a script that hands data to the page.

    Args:
        name: Name under which the page asks for it.
        value: Plain JSON; numbers must be finite. No character of it can end the script, or stand for markup.

    Raises:
        ValueError: When a number is not finite.
    """
    return f"hwcost.put({as_json(name)}, {as_json(value)});\n"


def as_json(value: Any) -> str:
    """Returns compact JSON in ASCII, the same for equal values, without a ``<``."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def slug(text: str) -> str:
    """Returns a name of a file for any text: 16 hex digits of its SHA-256."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


class Site:
    """A folder that a site is written into, file by file, and what an earlier build wrote there.

    Args:
        folder: The folder; it is made when it is not there.

    Attributes:
        written: Number of files that were written because their content is new.
        kept: Number of files that were there already.
        state: Notes of the builder for its next run, plain JSON.

    Raises:
        UsageError: When the folder cannot be made, or holds other files and no site.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.written = self.kept = 0
        self._files: dict[str, str] = {}
        _make(folder)
        self._old = _manifest(folder)
        self._sorted = sorted(self._old["files"])
        self.state: dict[str, Any] = self._old["state"]
        self._note({}, self._old["files"])  # what is interrupted now is not taken for whole by the next build

    @property
    def names(self) -> frozenset[str]:
        """Names of the files that were put or kept."""
        return frozenset(self._files)

    def put(self, name: str, content: str | bytes) -> None:
        """Writes a file, unless an earlier build wrote the same content.

        Args:
            name: Path below the folder, with slashes.
            content: Content, text as UTF-8.

        Raises:
            UsageError: When the file cannot be written.
            StoreError: When the disk is full, or it fails.
        """
        data = content.encode() if isinstance(content, str) else content
        self._files[name] = hashlib.sha256(data).hexdigest()
        path = self.folder / name
        try:
            if path.is_file() and path.read_bytes() == data:
                self.kept += 1
                return
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(path, lambda part: part.write_bytes(data))
        except OSError as error:
            raise cannot_write(f"'{path}'", error) from None
        self.written += 1

    def keep(self, prefix: str) -> bool:
        """Keeps all files of an earlier build whose names begin so; returns False where one of them is not there."""
        first = bisect.bisect_left(self._sorted, prefix)
        last = bisect.bisect_right(self._sorted, f"{prefix}\uffff")
        names = self._sorted[first:last]
        if not names or not all((self.folder / name).is_file() for name in names):
            return False
        self._files |= {name: self._old["files"][name] for name in names}
        self.kept += len(names)
        return True

    def finish(self, state: Mapping[str, Any]) -> None:
        """Removes what an earlier build wrote and this one did not, and writes the manifest.

        Raises:
            UsageError: When that cannot be done.
            StoreError: When the disk is full, or it fails.
        """
        try:
            for name in set(self._old["files"]) - set(self._files):
                (self.folder / name).unlink(missing_ok=True)
        except OSError as error:
            raise cannot_write(f"'{self.folder}'", error) from None
        self._note(state, self._files)

    def _note(self, state: Mapping[str, Any], files: Mapping[str, str]) -> None:
        try:
            write_text(self.folder / MANIFEST, as_json({"format": FORMAT, "state": state, "files": files}) + "\n")
        except OSError as error:
            raise cannot_write(f"'{self.folder}'", error) from None


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        is_foreign = not (folder / MANIFEST).exists() and any(os.scandir(folder))
    except OSError as error:
        raise UsageError(f"cannot make the folder '{folder}': {error.strerror}. Give another one") from None
    if is_foreign:
        raise UsageError(f"'{folder}' holds other files and no site; give a folder of its own, such as {folder / 'site'}")


def _manifest(folder: Path) -> dict[str, Any]:
    """Returns the manifest of an earlier build; an empty one where there is none, or it has another format."""
    empty: dict[str, Any] = {"files": {}, "state": {}}
    path = folder / MANIFEST
    if not path.is_file():
        return empty
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        names = [*map(str, dict(found["files"]))]
    except (OSError, ValueError, LookupError, TypeError):
        raise DataError(f"'{path}' is damaged. Remove the folder, then build the site again") from None
    if any(Path(name).is_absolute() or ".." in Path(name).parts for name in names):
        raise DataError(f"'{path}' names files outside its folder. Remove the folder, then build the site again")
    return {**empty, **found} if found.get("format") == FORMAT else {**empty, "files": found["files"]}
