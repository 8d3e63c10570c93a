"""Files that survive a crash and a full disk: written whole or not at all, or added to line by line."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hwcost import _io, _jsonl
from hwcost.agent.locks import CannotLockError, FileLock, described
from hwcost.errors import BusyError, StoreError, UsageError

__all__ = ["append_json", "cannot_write", "check_writable", "held", "read_json_lines", "write_text", "writing"]

LOCK = "run.lock"
"""Name of the file by which a folder is held; it stays after a crash, and holds nothing then."""

FAILED_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)
"""Errors of a disk that is full, or that fails: nothing is wrong with what was asked for."""


def cannot_write(what: str, error: OSError, give: str = "another folder") -> UsageError | StoreError:
    """Makes the error of a result that cannot be written: one of usage, or of a disk that is full or fails.

    Args:
        what: Name of the file or folder, with what is written into it.
        error: Error of the system.
        give: Object of the advice "Give".
    """
    text = f"cannot write {what}: {error.strerror or error}."
    if error.errno in FAILED_DISK:
        return StoreError(f"{text} Make room, or give {give}.")
    return UsageError(f"{text} Give {give}.")


def check_writable(path: Path, give: str, *, is_folder: bool = False) -> None:
    """Refuses the place of a result before the work whose result it takes; makes nothing.

    A disk may be full all the same once the result is written.

    Args:
        path: File or folder that will be written.
        give: Object of the advice "Give".
        is_folder: Whether it is a folder.

    Raises:
        UsageError: When it is a folder in place of a file, or the reverse, or may not be written.
    """
    if (wrong := _hindrance(os.path.realpath(path), is_folder)) is not None:
        raise cannot_write(f"'{path}'", OSError(wrong, os.strerror(wrong)), give)


def _hindrance(path: str, is_folder: bool) -> int | None:
    """Returns the number of the error that writing would end in; None for none."""
    if not is_folder:
        if os.path.isdir(path):
            return errno.EISDIR
        if os.path.exists(path) and not os.path.isfile(path):  # a pipe or a terminal, which is written as it stands
            return None
        path = os.path.dirname(path)  # the new file takes the place of an old one
    while not os.path.lexists(path) and path != os.path.dirname(path):
        path = os.path.dirname(path)
    if not os.path.isdir(path):
        return errno.ENOTDIR
    return None if os.access(path, os.W_OK | os.X_OK) else errno.EACCES


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Holds the folder of a run for this process, so that no second command trains into the same files.

    Args:
        folder: The folder, which is there.

    Raises:
        BusyError: When another process holds it.
        StoreError: When the lock's file cannot be made.
    """
    lock = FileLock(folder / LOCK, is_temporary=True)
    try:
        is_held = lock.acquire({})
    except CannotLockError as error:
        raise StoreError(f"cannot run in the folder '{folder}': {error}. Give another folder") from None
    if not is_held:
        raise BusyError(
            f"the run in '{folder}' is being worked on by {described(lock.holder())}. Wait until it ends, or give another "
            "folder"
        )
    try:
        yield
    finally:
        lock.release()


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


def append_json(path: Path, value: Any) -> None:
    """Adds plain JSON as a line to a file; makes the file and its folder.

    Raises:
        StoreError: When it cannot be written. A part of the line may be at the end of the file then; it is ignored.
        ValueError: When a number is not finite.
    """
    with writing(path):
        _jsonl.append(path, value)


def read_json_lines(path: Path) -> list[Any]:
    """Reads what :func:`append_json` wrote; a last line that was cut short is left out.

    Raises:
        OSError: When the file cannot be read.
        ValueError: When a whole line is not JSON, or not UTF-8.
    """
    return [json.loads(line) for line in _jsonl.whole_lines(path)]
