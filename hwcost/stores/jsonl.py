"""A store in one JSON Lines file: readable by any tool, and the format for exchange between machines.

The whole file is read and checked when it is opened; after that only what was added is read. Writers take the file's
lock for each line, so several processes may write at once, on one machine.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Collection, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hwcost._arguments import texts_of
from hwcost.errors import DataError, StoreError, UnknownNameError
from hwcost.stores.holds import held_by_file
from hwcost.stores.journal import Event, PassLine, unfinished
from hwcost.stores.lines import Line, RoundLine, StatusLine, decode
from hwcost.stores.lines_history import LinesHistory
from hwcost.stores.schema import Campaign, Record


@dataclass(frozen=True, slots=True)
class _Place:
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


class JsonLinesStore(LinesHistory):
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
        self._campaigns: dict[str, Campaign] = {}
        self._rounds: dict[str, dict[int, list[str]]] = {}
        self._passes: dict[str, dict[int, list[Event]]] = {}
        self._places: list[_Place] = []
        self._keys: set[str] = set()
        self._ids: set[str] = set()
        super().__init__(path, create=create)

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

    def campaigns(self, run_id: str | None = None) -> list[Campaign]:
        """See the base class."""
        with self._lock(fcntl.LOCK_SH):
            found = [campaign for campaign in self._campaigns.values() if run_id in (None, campaign.run_id)]
        return sorted(found, key=lambda campaign: (campaign.created_at, campaign.campaign_id))

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
        self,
        campaign_id: str | None = None,
        *,
        role: str | None = None,
        status: str | None = None,
        workload_keys: str | Collection[str] | None = None,
    ) -> Iterator[Record]:
        """See the base class."""
        given = texts_of("workload_keys", workload_keys)
        keys = None if given is None else set(given)
        for entry in sorted(self._chosen(campaign_id, role, status), key=self._order):
            if keys is None or entry.workload_key in keys:
                yield self._record(entry)

    def count(self, campaign_id: str | None = None, *, role: str | None = None, status: str | None = None) -> int:
        """See the base class."""
        return len(self._chosen(campaign_id, role, status))

    def held(self, campaign_id: str) -> AbstractContextManager[None]:
        """See the base class."""
        return held_by_file(Path(self.url), campaign_id)

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
        here = (entry for entry in self._places if (entry.campaign_id, entry.round) == (campaign_id, number))
        return {entry.workload_key for entry in here}

    def _record(self, entry: _Place) -> Record:
        self._check_open()
        line = os.pread(self._file, entry.length, entry.offset)
        found = decode(line, entry.line, self.url, self._version)
        if found.record is None:
            raise DataError(f"line {entry.line} of '{self.url}' was changed while it was read. Open the store again.")
        return found.record

    def _chosen(self, campaign_id: str | None, role: str | None, status: str | None) -> list[_Place]:
        with self._lock(fcntl.LOCK_SH):
            return [
                entry
                for entry in self._places
                if campaign_id in (None, entry.campaign_id)
                and role in (None, entry.role)
                and status in (None, entry.status)
            ]

    def _order(self, entry: _Place) -> tuple[object, ...]:
        return (self._campaigns[entry.campaign_id].created_at, entry.campaign_id, *entry.order)

    def _apply(self, line: Line, number: int, length: int) -> None:
        try:
            if self._history.takes(line):
                return
        except DataError as error:
            raise DataError(f"line {number} of '{self.url}' cannot be used: {error}") from None
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
            self._add_record(line.record, number, length)

    def _add_record(self, record: Record, number: int, length: int) -> None:
        identity, visit = record.identity, record.visit
        if identity.idempotency_key in self._keys:
            self.remarks.append(f"line {number} of '{self.url}' repeats an earlier record and is left out")
            return
        self._keys.add(identity.idempotency_key)
        self._ids.add(identity.record_id)
        order = (visit.started_s, visit.round, visit.position, identity.record_id)
        place = (self._end, length, number)
        campaign_id, role = identity.campaign_id, record.workload.role
        self._places.append(_Place(*place, campaign_id, role, visit.status, visit.round, visit.workload_key, order))

    def _check_campaign(self, campaign_id: str) -> None:
        if campaign_id not in self._campaigns:
            newest = sorted(self._campaigns)[-10:]
            raise UnknownNameError("campaign", campaign_id, newest, f"The store is '{self.url}'.")
