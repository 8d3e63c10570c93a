"""JSON Lines files that one process adds to: whole lines only, and a last line that a crash cut short is left out.

Several processes may write the store in a JSON Lines file (``hwcost.stores.jsonl``) at once: it holds a lock, and adds its
lines with :func:`add_line`. Everything else opens a file with :func:`opened`, or adds single lines with :func:`append`.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, BinaryIO, TextIO

from hwcost._io import write_text
from hwcost._log import logger

_log = logger(__name__)

CHUNK_BYTES = 2**16


def dumped(value: Any) -> str:
    """Returns plain JSON as one line with its end.

    Raises:
        ValueError: When a number is not finite.
    """
    return json.dumps(value, allow_nan=False) + "\n"


def whole_lines(path: Path) -> list[str]:
    """Reads the lines of a file without their ends; a last line without an end was cut short by a crash and is left out.

    Raises:
        OSError: When the file cannot be read.
        UnicodeDecodeError: When it is not UTF-8.
    """
    whole, end, _ = path.read_bytes().rpartition(b"\n")
    return whole.decode("utf-8").split("\n") if end else []


def opened(path: Path) -> TextIO:
    """Opens a file for adding lines, and makes it and its folder where they are missing; a line cut short is removed first.

    Raises:
        OSError: When the file cannot be made or written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab+") as file:
        size, end = file.seek(0, os.SEEK_END), _end_of_whole_lines(file)
        if end < size:
            file.truncate(end)
            _log.warning("removed the last %d bytes of %s: a crash cut that line short", size - end, path)
    return path.open("a", encoding="utf-8", newline="\n")


def append(path: Path, value: Any) -> None:
    """Adds one value as a line and hands it to the system; see :func:`opened`.

    Raises:
        OSError: When it cannot be written.
        ValueError: When a number is not finite.
    """
    line = dumped(value)
    with opened(path) as file:
        file.write(line)


def keep_first(path: Path, count: int) -> None:
    """Cuts a file to its first ``count`` lines, atomically; a missing or shorter file stays as it is.

    Raises:
        OSError: When it cannot be read or written.
    """
    if not path.exists():
        return
    lines = whole_lines(path)
    if len(lines) > count:
        write_text(path, "".join(line + "\n" for line in lines[:count]))


def add_line(file: int, end: int, line: bytes) -> None:
    """Writes one whole line, or nothing, behind the lines of an open file; the caller holds the file's lock.

    Args:
        file: Descriptor of the file, open for reading and writing.
        end: Number of bytes in use; what stands behind them was cut short by a crash and is overwritten.
        line: The line with its end.

    Raises:
        OSError: When it cannot be written; the file then ends at ``end``.
    """
    if os.fstat(file).st_size > end:
        os.ftruncate(file, end)
    starts_line = end == 0 or os.pread(file, 1, end - 1) == b"\n"
    data = line if starts_line else b"\n" + line
    written = 0
    try:
        while written < len(data):
            written += os.pwrite(file, data[written:], end + written)
    except OSError:
        os.ftruncate(file, end)
        raise


def _end_of_whole_lines(file: BinaryIO) -> int:
    """Returns the number of bytes up to the last line end."""
    place = file.seek(0, os.SEEK_END)
    while place > 0:
        start = max(0, place - CHUNK_BYTES)
        file.seek(start)
        found = file.read(place - start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        place = start
    return 0
