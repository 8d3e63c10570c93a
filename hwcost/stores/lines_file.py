"""A JSON Lines file as the place of a store: opened, locked, read as far as it has grown, added to line by line."""

from __future__ import annotations

import errno
import fcntl
import os
from abc import abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hwcost._io import absolute
from hwcost._jsonl import add_line
from hwcost._log import logger
from hwcost.errors import DataError, StoreError, UsageError
from hwcost.stores.base import Store
from hwcost.stores.lines import HEADER, MAX_LINE_BYTES, Line, check_header, decode
from hwcost.stores.schema import SCHEMA_VERSION

_log = logger(__name__)

_UNWRITABLE = (errno.EACCES, errno.EPERM, errno.EROFS)


class LinesFile(Store):
    """A file that holds a store; subclasses take its lines in.

    Args:
        path: The file.
        create: Make the file, and its folder, when it is not there.

    Raises:
        UsageError: When it is a folder, or nothing is there and ``create`` is false.
        DataError: When it is not such a store, is of a newer format, or a line is corrupt; names the line.
        StoreError: When it cannot be opened or read.
    """

    def __init__(self, path: Path, *, create: bool = True) -> None:
        self.url = str(absolute(path))
        self.remarks = []
        self._end = 0  # of the last line that was read
        self._lines = 0
        self._version: int = SCHEMA_VERSION  # of the file's first line
        self._file, self.is_read_only = _open(Path(self.url), create=create)
        try:
            if create and not self.is_read_only:
                self._write_header()
            with self._lock(fcntl.LOCK_SH):
                if self._end == 0:
                    check_header(b"", self.url)
        except BaseException:
            self.close()
            raise

    @abstractmethod
    def _apply(self, line: Line, number: int, length: int) -> None:
        """Takes in what a line holds.

        Args:
            line: The line, which begins at ``_end``.
            number: Its number in the file, from 1.
            length: Its bytes.

        Raises:
            DataError: When it does not fit those before it.
        """

    def close(self) -> None:
        """See the base class."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _check_open(self) -> None:
        if self._file < 0:
            raise StoreError(f"the store '{self.url}' is closed; open it again")

    @contextmanager
    def _writing(self) -> Iterator[None]:
        if self.is_read_only:
            raise StoreError(
                f"cannot write the store '{self.url}': it is read-only for this user. Copy it to a place that can be "
                "written, or ask its owner for write permission."
            )
        with self._lock(fcntl.LOCK_EX):
            yield

    @contextmanager
    def _lock(self, kind: int) -> Iterator[None]:
        """Holds the file's lock; what other processes added is read first."""
        self._check_open()
        try:
            fcntl.flock(self._file, kind)
            self._read()
            yield
        except OSError as error:
            raise StoreError(
                f"cannot use the store '{self.url}': {error.strerror}. Free some space or give another file; "
                "what was acknowledged is kept."
            ) from None
        finally:
            fcntl.flock(self._file, fcntl.LOCK_UN)

    def _write_header(self) -> None:
        fcntl.flock(self._file, fcntl.LOCK_EX)
        try:
            if os.fstat(self._file).st_size == 0:
                add_line(self._file, 0, HEADER)
        except OSError as error:
            raise StoreError(f"cannot make the store '{self.url}': {error.strerror}. Give another file.") from None
        finally:
            fcntl.flock(self._file, fcntl.LOCK_UN)

    def _write(self, line: bytes) -> None:
        """Adds one whole line or nothing; the lock is held."""
        add_line(self._file, self._end, line)
        self._read()

    def _read(self) -> None:
        """Takes in the lines after the last one that was read."""
        with os.fdopen(os.dup(self._file), "rb") as file:
            file.seek(self._end)
            while line := file.readline(MAX_LINE_BYTES + 1):
                if not self._take(line):
                    break
                self._end += len(line)

    def _take(self, line: bytes) -> bool:
        """Takes in one line; returns False for a last line that was cut short."""
        number = self._lines + 1
        is_whole = line.endswith(b"\n")
        try:
            if self._end == 0:
                self._version = check_header(line, self.url)
            elif line.strip():
                self._apply(decode(line, number, self.url, self._version), number, len(line))
        except DataError:
            if is_whole or self._end == 0 or len(line) > MAX_LINE_BYTES:
                raise
            remark = f"line {number} of '{self.url}' was cut short by a crash and is left out"
            if remark not in self.remarks:
                self.remarks.append(remark)
                _log.warning("%s", remark)
            return False
        self._lines = number if is_whole else self._lines
        return True


def _open(path: Path, *, create: bool) -> tuple[int, bool]:
    """Opens the file and returns its descriptor and whether it is read-only."""
    if path.exists() and not path.is_file():
        raise UsageError(f"'{path}' is not a plain file; give a file that ends in .jsonl")
    if not path.exists() and not create:
        raise UsageError(f"there is no store at '{path}'. Check the path, or export something into it first.")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            return os.open(path, os.O_RDWR | (os.O_CREAT if create else 0), 0o644), False
        except OSError as error:
            if error.errno not in _UNWRITABLE or not path.exists():
                raise
            return os.open(path, os.O_RDONLY), True
    except OSError as error:
        raise StoreError(f"cannot open the store '{path}': {error.strerror}. Give another file.") from None
