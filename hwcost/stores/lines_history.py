"""The history in a JSON Lines file: runs, series, estimates and entries, as far as the file was read."""

from __future__ import annotations

import fcntl
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from hwcost._arguments import texts_of
from hwcost.errors import DataError, UnknownNameError
from hwcost.stores.entries import Entry
from hwcost.stores.estimate_table import EstimateRow, EstimateTable, Span, estimate_row, source
from hwcost.stores.lines import Line, RunEndLine, entry_line, estimate_lines
from hwcost.stores.lines_file import LinesFile
from hwcost.stores.runs import Run
from hwcost.stores.series import Estimate, Series, unknown_series

_Entry = TypeVar("_Entry", bound=Entry)


@dataclass
class _Read:
    """What the lines of a file say so far.

    Attributes:
        runs: Runs by id.
        series: Series by key.
        rows: Estimates by series and source.
        entries: Entries by id.
    """

    runs: dict[str, Run] = field(default_factory=dict)
    series: dict[str, Series] = field(default_factory=dict)
    rows: dict[tuple[str, str], EstimateRow] = field(default_factory=dict)
    entries: dict[str, Entry] = field(default_factory=dict)

    def takes(self, line: Line) -> bool:
        """Takes in a line, and returns whether it is one of a history.

        Raises:
            DataError: When the line is of a run or a series that none before it holds.
        """
        if line.run is not None:
            self.runs.setdefault(line.run.run_id, line.run)
        elif line.run_end is not None:
            self._end(line.run_end)
        elif line.series is not None:
            self.series.setdefault(line.series.series_key, line.series)
        elif line.estimates is not None:
            self._put(line.estimates)
        elif line.entry is not None:
            self.entries.setdefault(line.entry.entry_id, line.entry)
        else:
            return False
        return True

    def _end(self, end: RunEndLine) -> None:
        if end.run_id not in self.runs:
            raise DataError(f"it ends run {end.run_id}, which no line before it holds")
        self.runs[end.run_id] = self.runs[end.run_id].ended(end.status, end.ended_at)

    def _put(self, estimates: Sequence[Estimate]) -> None:
        lacking = {estimate.series_key for estimate in estimates} - self.series.keys()
        if lacking:
            raise DataError(f"its series {min(lacking)} stands in no line before it")
        for row in map(estimate_row, estimates):
            self.rows[row.series_key, source(row)] = row


class LinesHistory(LinesFile):
    """A JSON Lines file with the lines of the history."""

    def __init__(self, path: Path, *, create: bool = True) -> None:
        self._history = _Read()
        super().__init__(path, create=create)

    def add_run(self, run: Run) -> bool:
        """See the base class."""
        with self._writing():
            if run.run_id in self._history.runs:
                return False
            self._write(Line(run=run).encode())
        return True

    def run(self, run_id: str) -> Run:
        """See the base class."""
        with self._lock(fcntl.LOCK_SH):
            return self._known_run(run_id)

    def runs(self, suite: str | None = None) -> list[Run]:
        """See the base class."""
        with self._lock(fcntl.LOCK_SH):
            found = [run for run in self._history.runs.values() if suite in (None, run.suite)]
        return sorted(found, key=lambda run: (run.started_at, run.run_id))

    def end_run(self, run_id: str, status: str, ended_at: str | None = None) -> None:
        """See the base class."""
        with self._writing():
            ended = self._known_run(run_id).ended(status, ended_at)
            line = RunEndLine.model_validate({"run_id": run_id, "status": status, "ended_at": ended.ended_at})
            self._write(Line(run_end=line).encode())

    def add_estimates(self, series: Sequence[Series], estimates: Sequence[Estimate]) -> int:
        """See the base class."""
        with self._writing():
            new_series = {one.series_key: one for one in series if one.series_key not in self._history.series}
            lacking = {one.series_key for one in estimates} - self._history.series.keys() - new_series.keys()
            if lacking:
                raise unknown_series(lacking, self.url)
            changed = [one for one in estimates if self._is_new(estimate_row(one))]
            lines = [*(Line(series=one) for one in new_series.values()), *estimate_lines(changed)]
            if lines:
                self._write(b"".join(line.encode() for line in lines))
        return len(changed)

    def series(self) -> dict[str, Series]:
        """See the base class."""
        with self._lock(fcntl.LOCK_SH):
            return dict(sorted(self._history.series.items()))

    def estimates(
        self,
        *,
        series_keys: str | Collection[str] | None = None,
        run_ids: str | Collection[str] | None = None,
        since: str | datetime | None = None,
        until: str | datetime | None = None,
    ) -> EstimateTable:
        """See the base class."""
        span = Span.of(since, until)
        given = texts_of("series_keys", series_keys), texts_of("run_ids", run_ids)
        keys, runs = (None if names is None else set(names) for names in given)
        with self._lock(fcntl.LOCK_SH):
            rows = [
                row
                for row in self._history.rows.values()
                if (keys is None or row.series_key in keys)
                and (runs is None or row.run_id in runs)
                and span.has(row.measured_s)
            ]
        return EstimateTable.from_rows(rows)

    def add_entry(self, entry: Entry) -> bool:
        """See the base class."""
        with self._writing():
            if entry.entry_id in self._history.entries:
                return False
            self._write(entry_line(entry).encode())
        return True

    def entries(self, kind: type[_Entry], run_ids: str | Collection[str] | None = None) -> list[_Entry]:
        """See the base class."""
        run_ids = texts_of("run_ids", run_ids)
        with self._lock(fcntl.LOCK_SH):
            found = [entry for entry in self._history.entries.values() if isinstance(entry, kind)]
        found = [entry for entry in found if run_ids is None or entry.run_id in run_ids]
        return sorted(found, key=lambda entry: (entry.created_at, entry.entry_id))

    def _is_new(self, row: EstimateRow) -> bool:
        return self._history.rows.get((row.series_key, source(row))) != row

    def _known_run(self, run_id: str) -> Run:
        if run_id not in self._history.runs:
            newest = sorted(self._history.runs)[-10:]
            raise UnknownNameError("run", run_id, newest, f"The store is '{self.url}'.")
        return self._history.runs[run_id]
