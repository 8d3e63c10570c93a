"""Files that are written whole or not at all, and one way to say that the disk is full."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hwcost import _io
from hwcost.errors import StoreError

__all__ = ["append_line", "write_text", "writing"]


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turns an operating-system error that occurs while a file is written into a StoreError.

    Raises:
        StoreError: When the disk is full, or it fails.
    """
    try:
        yield
    except OSError as error:
        raise StoreError(
            f"cannot write '{path}': {error.strerror or error}. What was written before is whole; make room, then run the "
            f"same command again"
        ) from None


def write_text(path: Path, text: str) -> None:
    """Writes a text file atomically; makes its folder.

    Raises:
        StoreError: When it cannot be written; the file of before is still there.
    """
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        _io.write_text(path, text)


def append_line(path: Path, line: str) -> None:
    """Appends a line to a text file; makes the file and its folder.

    Raises:
        StoreError: When it cannot be written. A part of the line may stand at the end of the file then.
    """
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            file.write(line + "\n")
