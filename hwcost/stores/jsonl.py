"""A store in one JSON Lines file: readable by any tool, and the format for exchange between machines.

The whole file is read and checked when it is opened; after that only what was added is read. Writers take the file's
lock for each line, so several processes may write at once, on one machine.
"""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hwcost._jsonl import add_line
from hwcost._log import logger
from hwcost.errors import DataError, StoreError, UnknownNameError, UsageError
from hwcost.stores.base import Store
from hwcost.stores.holds import held_by_file
from hwcost.stores.journal import Event, PassLine, unfinished
from hwcost.stores.lines import HEADER, MAX_LINE_BYTES, Line, RoundLine, StatusLine, check_header, decode
from hwcost.stores.schema import SCHEMA_VERSION, Campaign, Record

_log = logger(__name__)

_UNWRITABLE = (errno.EACCES, errno.EPERM, errno.EROFS)


@dataclass(frozen=True, slots=True)
class _Entry:
    """Where a record is in the file, and what records are chosen and ordered by."""

    offset: int
    length: int
    line: int
    campaign_id: str
    role: str
    status: str
    round: int
    workload_key: str
    order: tuple[float, int, int, str]


class JsonLinesStore(Store):
    """A store in a JSON Lines file.

    A last line that a crash cut short is not read; ``remarks`` says so, and the next change removes it.

    Args:
        path: The file.
        create: Make the file, and its folder, when it is not there.

    Raises:
        UsageError: When it is a folder, or nothing is there and ``create`` is false.
        DataError: When it is not such a store, is of a newer format, or a line is corrupt; names the line.
        StoreError: When it cannot be opened or read.
    """

    def __init__(self, path: Path, *, create: bool = True) -> None:
        self.url = str(path.expanduser().absolute())
        self.remarks = []
        self._campaigns: dict[str, Campaign] = {}
        self._rounds: dict[str, dict[int, list[str]]] = {}
        self._passes: dict[str, dict[int, list[Event]]] = {}
        self._entries: list[_Entry] = []
        self._keys: set[str] = set()
        self._ids: set[str] = set()
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

    def add_campaign(self, campaign: Campaign) -> bool:
        """See the base class."""
        with self._writing():
            if campaign.campaign_id in self._campaigns:
                return False
            self._write(Line(campaign=campaign).encode())
        return True

    def campaign(self, campaign_id: str) -> Campaign:
        """See the base class."""
        with self._lock(fcntl.LOCK_SH):
            self._check_campaign(campaign_id)
            return self._campaigns[campaign_id]

    def campaigns(self) -> list[Campaign]:
        """See the base class."""
        with self._lock(fcntl.LOCK_SH):
            return sorted(self._campaigns.values(), key=lambda campaign: (campaign.created_at, campaign.campaign_id))

    def set_status(self, campaign_id: str, status: str) -> None:
        """See the base class."""
        with self._writing():
            self._check_campaign(campaign_id)
            self._write(Line(status=StatusLine(campaign_id=campaign_id, status=status)).encode())

    def add_round(self, campaign_id: str, number: int, order: Sequence[str]) -> list[str]:
        """See the base class."""
        with self._writing():
            self._check_campaign(campaign_id)
            if number not in self._rounds[campaign_id]:
                row = RoundLine(campaign_id=campaign_id, number=number, order=tuple(order))
                self._write(Line(round=row).encode())
            return list(self._rounds[campaign_id][number])

    def rounds(self, campaign_id: str) -> dict[int, list[str]]:
        """See the base class."""
        with self._lock(fcntl.LOCK_SH):
            rounds = self._rounds.get(campaign_id, {})
            return {number: list(rounds[number]) for number in sorted(rounds)}

    def append(self, record: Record) -> bool:
        """See the base class."""
        with self._writing():
            line = self._new_line(record)
            if line:
                self._write(line)
        return bool(line)

    def add_pass(self, campaign_id: str, number: int, event: dict[str, Any]) -> None:
        """See the base class."""
        with self._writing():
            self._check_campaign(campaign_id)
            self._write(Line(passed=PassLine(campaign_id=campaign_id, round=number, event=event)).encode())

    def passes(self, campaign_id: str) -> dict[int, list[dict[str, Any]]]:
        """See the base class."""
        with self._lock(fcntl.LOCK_SH):
            found = self._passes.get(campaign_id, {})
            left = {number: unfinished(found[number], self._recorded(campaign_id, number)) for number in sorted(found)}
            found.clear()
            found.update((number, events) for number, events in left.items() if events)
            return {number: list(events) for number, events in found.items()}

    def close_group(self, records: Sequence[Record]) -> None:
        """See the base class."""
        with self._writing():
            lines = b"".join(map(self._new_line, records))
            if lines:
                self._write(lines)

    def records(
        self, campaign_id: str | None = None, *, role: str | None = None, status: str | None = None
    ) -> Iterator[Record]:
        """See the base class."""
        for entry in sorted(self._chosen(campaign_id, role, status), key=self._order):
            yield self._record(entry)

    def count(self, campaign_id: str | None = None, *, role: str | None = None, status: str | None = None) -> int:
        """See the base class."""
        return len(self._chosen(campaign_id, role, status))

    def held(self, campaign_id: str) -> AbstractContextManager[None]:
        """See the base class."""
        return held_by_file(Path(self.url), campaign_id)

    def close(self) -> None:
        """See the base class."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _new_line(self, record: Record) -> bytes:
        """Returns the line of a record; an empty one when a record with its idempotency key is there."""
        identity = record.identity
        self._check_campaign(identity.campaign_id)
        if identity.idempotency_key in self._keys:
            return b""
        if identity.record_id in self._ids:
            raise StoreError(
                f"cannot add a record to the store '{self.url}': another one has the id {identity.record_id}. "
                "Records never change: a correction is a new record with an id of its own."
            )
        return Line(record=record).encode()

    def _recorded(self, campaign_id: str, number: int) -> set[str]:
        """Returns the keys of the workloads that have a record of a round."""
        here = (entry for entry in self._entries if (entry.campaign_id, entry.round) == (campaign_id, number))
        return {entry.workload_key for entry in here}

    def _record(self, entry: _Entry) -> Record:
        self._check_open()
        line = os.pread(self._file, entry.length, entry.offset)
        found = decode(line, entry.line, self.url, self._version)
        if found is None or found.record is None:
            raise DataError(f"line {entry.line} of '{self.url}' was changed while it was read. Open the store again.")
        return found.record

    def _check_open(self) -> None:
        if self._file < 0:
            raise StoreError(f"the store '{self.url}' is closed; open it again")

    def _chosen(self, campaign_id: str | None, role: str | None, status: str | None) -> list[_Entry]:
        with self._lock(fcntl.LOCK_SH):
            return [
                entry
                for entry in self._entries
                if campaign_id in (None, entry.campaign_id)
                and role in (None, entry.role)
                and status in (None, entry.status)
            ]

    def _order(self, entry: _Entry) -> tuple[object, ...]:
        return (self._campaigns[entry.campaign_id].created_at, entry.campaign_id, *entry.order)

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
                f"cannot use the store '{self.url}': {error.strerror}. Free some space or give another --store; "
                "what was acknowledged is kept."
            ) from None
        finally:
            fcntl.flock(self._file, fcntl.LOCK_UN)

    def _write_header(self) -> None:
        fcntl.flock(self._file, fcntl.LOCK_EX)
        try:
            if os.fstat(self._file).st_size == 0:
                os.write(self._file, HEADER)
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
            elif line.strip() and (found := decode(line, number, self.url, self._version)) is not None:
                self._apply(found, number, len(line))
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

    def _apply(self, line: Line, number: int, length: int) -> None:
        if line.campaign is not None:
            self._campaigns.setdefault(line.campaign.campaign_id, line.campaign)
            self._rounds.setdefault(line.campaign.campaign_id, {})
            self._passes.setdefault(line.campaign.campaign_id, {})
            return
        part = line.round or line.status or line.passed or (line.record.identity if line.record else None)
        if part is None or part.campaign_id not in self._campaigns:
            raise DataError(f"line {number} of '{self.url}' is of a campaign that no line before it holds")
        if line.round is not None:
            self._rounds[part.campaign_id].setdefault(line.round.number, list(line.round.order))
        elif line.status is not None:
            changed = self._campaigns[part.campaign_id].model_copy(update={"status": line.status.status})
            self._campaigns[part.campaign_id] = changed
        elif line.passed is not None:
            self._passes[part.campaign_id].setdefault(line.passed.round, []).append(line.passed.event)
        elif line.record is not None:
            self._add_entry(line.record, number, length)

    def _add_entry(self, record: Record, number: int, length: int) -> None:
        identity, visit = record.identity, record.visit
        if identity.idempotency_key in self._keys:
            self.remarks.append(f"line {number} of '{self.url}' repeats an earlier record and is left out")
            return
        self._keys.add(identity.idempotency_key)
        self._ids.add(identity.record_id)
        order = (visit.started_s, visit.round, visit.position, identity.record_id)
        place = (self._end, length, number)
        campaign_id, role = identity.campaign_id, record.workload.role
        self._entries.append(_Entry(*place, campaign_id, role, visit.status, visit.round, visit.workload_key, order))

    def _check_campaign(self, campaign_id: str) -> None:
        if campaign_id not in self._campaigns:
            newest = sorted(self._campaigns)[-10:]
            raise UnknownNameError("campaign", campaign_id, newest, f"The store is '{self.url}'.")


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
        raise StoreError(f"cannot open the store '{path}': {error.strerror}. Give another --store.") from None
