"""Locks between processes of one machine: files that the kernel lets go of when their holder dies.

A lock is ``flock`` on a file that holds one JSON document about the holder, for messages only. Files may lie in a folder
that everyone can write, so links are not followed, and nothing is written to a file that has a second name.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import Any

LOCK_DIR = "HWCOST_LOCK_DIR"
"""Environment variable that names the folder of the machine's locks."""

SHARED_FOLDERS = ("/run/lock", "/tmp", "/var/tmp")
"""Folders of the machine's locks: the first one that everyone can write is used, so that all users agree on it."""

MAX_BYTES = 10_000
LONGEST = 300
EVERYONE = 0o666


class CannotLockError(Exception):
    """A lock file cannot be made, opened or trusted; the text says why."""


class FileLock:
    """A lock that this process may hold.

    Args:
        path: The lock's file; it is made when it is not there.
        is_temporary: Whether letting go of the lock removes the file. Those of a shared folder stay.
    """

    def __init__(self, path: Path, *, is_temporary: bool = False) -> None:
        self.path = path
        self.is_temporary = is_temporary
        self._file: int | None = None

    def acquire(self, holder: dict[str, Any]) -> bool:
        """Takes the lock if nobody holds it, and never waits.

        Args:
            holder: Facts about this process as plain JSON, which other processes read by :meth:`holder`; ``pid`` is added.

        Returns:
            Whether this process now holds it.

        Raises:
            CannotLockError: When there can be no such lock.
        """
        while True:
            try:
                file = _open(self.path)
            except OSError as error:
                raise CannotLockError(f"'{self.path}' cannot be locked: {error.strerror}") from None
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                os.close(file)
                if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
                    return False
                raise CannotLockError(f"'{self.path}' cannot be locked: {error.strerror}") from None
            if _is_still_at(self.path, file):
                break
            os.close(file)  # its holder removed it between opening and locking
        self._file = file
        with suppress(OSError):  # a read-only file can be locked, but not written; messages then say less
            os.ftruncate(file, 0)
            os.pwrite(file, json.dumps({"pid": os.getpid(), **holder}).encode()[:MAX_BYTES], 0)
        return True

    def holder(self) -> dict[str, Any]:
        """Returns the facts that the present or the last holder gave; empty when they are unknown."""
        try:
            file = os.open(self.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
        except OSError:
            return {}
        try:
            facts = json.loads(os.pread(file, MAX_BYTES, 0))
        except (OSError, ValueError):
            return {}
        finally:
            os.close(file)
        return facts if isinstance(facts, dict) else {}

    def release(self) -> None:
        """Lets go of the lock; a second call does nothing."""
        if self._file is None:
            return
        with suppress(OSError):
            if self.is_temporary:
                self.path.unlink()
        with suppress(OSError):
            fcntl.flock(self._file, fcntl.LOCK_UN)  # also for processes that were forked meanwhile
        os.close(self._file)
        self._file = None


def described(holder: dict[str, Any]) -> str:
    """Describes the holder of a lock in messages: process, campaign, store and time, as far as they are known.

    Args:
        holder: Facts about it. Any user may have written them, so they are cut and cleaned.
    """
    facts = {name: _clean(holder.get(name)) for name in ("pid", "campaign", "store", "since")}
    who = f"process {facts['pid']}" if facts["pid"] else "another process"
    doing = f" (campaign {facts['campaign']} in {facts['store'] or 'an unknown store'})" if facts["campaign"] else ""
    return who + doing + (f" since {facts['since']}" if facts["since"] else "")


def _clean(value: object) -> str:
    return "".join(letter for letter in str(value or "") if letter.isprintable())[:LONGEST]


def machine_folder() -> Path:
    """Returns the folder of the locks that all processes of this machine share.

    ``HWCOST_LOCK_DIR`` names another one, for example a folder that several containers mount.

    Raises:
        CannotLockError: When there is none that everyone can write.
    """
    given = os.environ.get(LOCK_DIR)
    if given:
        with suppress(OSError):
            Path(given).mkdir(parents=True, exist_ok=True)
        return Path(given)
    for name in SHARED_FOLDERS:
        with suppress(OSError):
            mode = os.stat(name).st_mode
            if stat.S_ISDIR(mode) and mode & stat.S_IWOTH and mode & stat.S_ISVTX and not _is_read_only(name):
                return Path(name)
    raise CannotLockError(f"none of {', '.join(SHARED_FOLDERS)} can be written by everyone; {LOCK_DIR} may name a folder")


def _is_read_only(name: str) -> bool:
    return bool(os.statvfs(name).f_flag & os.ST_RDONLY)


def _open(path: Path) -> int:
    """Opens a lock file, and makes it when it is not there.

    A file that is there is opened without O_CREAT: Linux refuses that for files of other users in shared folders.
    """
    flags = os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
    for _ in range(100):
        try:
            return _trusted(_opened(path, flags))
        except FileNotFoundError:
            with suppress(FileExistsError):
                file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | flags, EVERYONE)
                with suppress(OSError):
                    os.fchmod(file, EVERYONE)  # whatever the umask is: every user may hold the lock
                return file
    raise OSError(errno.EAGAIN, "it is removed and made again all the time")


def _opened(path: Path, flags: int) -> int:
    try:
        return os.open(path, os.O_RDWR | flags)
    except PermissionError:
        return os.open(path, os.O_RDONLY | flags)


def _trusted(file: int) -> int:
    """Refuses what is not a plain file or has a second name, since writing to it would change something else."""
    found = os.fstat(file)
    if stat.S_ISREG(found.st_mode) and found.st_nlink <= 1:
        return file
    os.close(file)
    raise OSError(errno.EPERM, "it is not a plain file, or has a second name")


def _is_still_at(path: Path, file: int) -> bool:
    try:
        return os.path.samestat(os.stat(path, follow_symlinks=False), os.fstat(file))
    except OSError:
        return False
