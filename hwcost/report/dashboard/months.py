"""Estimates as chunks: one a month and bucket of series, so that a night touches the chunks of its month alone.

A chunk also says where the histories of its series changed within its month. Changes are looked for in what lies around the
month, so that they do not depend on what comes much later, and a month that is over stays as it is.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from hwcost._cached import cached_property
from hwcost._types import Indices
from hwcost.history import find_changes
from hwcost.history.weights import night_weights
from hwcost.report.dashboard.files import Site, as_json, script, slug
from hwcost.report.dashboard.history import History
from hwcost.report.dashboard.numbers import number, rounded, without_none
from hwcost.stores.runs import Run

DAY_S = 86_400.0
BEFORE_S, AFTER_S = 45 * DAY_S, 14 * DAY_S
"""Stretch of the history around a month in which its changes are looked for."""

BUCKET_DIGITS = 2
"""Hexadecimal digits of a series' key that name its bucket."""

FEWEST, LARGEST = 4, 500
"""Values below which there is no change to be found, and beyond which they are thinned evenly."""


@dataclass(frozen=True)
class Month:
    """A calendar month, UTC.

    Attributes:
        history: History that was read.
        name: Name, such as ``2026-11``.
        rows: Rows of the table within it.
        around: Rows within it and around it, which decide on changes.
    """

    history: History
    name: str
    rows: slice
    around: slice

    @cached_property
    def digest(self) -> str:
        """SHA-256 of everything that its chunks are made of."""
        table, made = self.history.table, hashlib.sha256()
        of_series, of_runs, of_campaigns, of_flags, of_reasons = self.history.text_hashes
        for column in (table.measured_s, table.value, table.status, table.half_width, of_series[table.series]):
            made.update(np.ascontiguousarray(column[self.around]).tobytes())
        columns = (table.level_half_width, of_runs[table.run], of_campaigns[table.campaign])
        for column in (*columns, of_flags[table.flag], of_reasons[table.reason]):
            made.update(np.ascontiguousarray(column[self.rows]).tobytes())
        made.update(as_json([_about(self.history, table.run_id[index]) for index in self.runs]).encode())
        made.update(f"{self.name} {self.rows.start - self.around.start}".encode())
        return made.hexdigest()

    @cached_property
    def runs(self) -> list[int]:
        """Runs that have an estimate in it, as indices into the table's list."""
        return [index for index in np.unique(self.history.table.run[self.rows]).tolist() if index >= 0]


def months(history: History) -> list[Month]:
    """Returns the months that have estimates, the oldest first."""
    at = history.table.measured_s
    if not len(at):
        return []
    first, last = (np.datetime64(int(at[end]), "s").astype("datetime64[M]") for end in (0, -1))
    starts = np.arange(first, last + np.timedelta64(2, "M"))
    edges = starts.astype("datetime64[s]").astype(np.float64)
    found = []
    for index, name in enumerate(starts[:-1]):
        rows = slice(*np.searchsorted(at, edges[index : index + 2]).tolist())
        bounds = (edges[index] - BEFORE_S, edges[index + 1] + AFTER_S)
        if rows.stop > rows.start:
            found.append(Month(history, str(name), rows, slice(*np.searchsorted(at, bounds).tolist())))
    return found


def write_months(site: Site, history: History, known: dict[str, str]) -> dict[str, str]:
    """Writes the chunks of all months that changed since an earlier build, and returns the digest of each month.

    Args:
        site: The site.
        history: History that was read.
        known: Digests of an earlier build.
    """
    found = {}
    for month in months(history):
        found[month.name] = month.digest
        folder = f"data/points/{month.name}/"
        if known.get(month.name) != month.digest or not site.keep(folder):
            chunks = _chunks(month)
            for bucket, chunk in chunks.items():
                site.put(f"{folder}{bucket}.js", script(f"points/{month.name}/{bucket}", chunk))
            lists = {"buckets": sorted(chunks), **_lists(month)}
            site.put(f"data/months/{month.name}.js", script(f"months/{month.name}", lists))
        else:
            site.keep(f"data/months/{month.name}.js")
    return found


def _lists(month: Month) -> dict[str, Any]:
    """Returns what the points of a month refer to by index."""
    table, rows = month.history.table, month.rows
    return {
        "runs": [_about(month.history, table.run_id[index]) for index in month.runs],
        "campaigns": [slug(table.campaign_id[index]) for index in _used(table.campaign[rows])],
        "flags": [list(table.flags[index]) for index in _used(table.flag[rows])],
        "reasons": [table.reasons[index] for index in _used(table.reason[rows])],
    }


def _about(history: History, run_id: str) -> dict[str, Any]:
    run = history.run_by_id.get(run_id)
    return {"id": run_id} if run is None else about_run(run)


def about_run(run: Run) -> dict[str, Any]:
    """Returns what a site says of a run; unknown is absent."""
    code = run.code
    return without_none(
        {
            "id": run.run_id, "suite": run.suite, "at": run.started_at, "ended": run.ended_at, "status": run.status,
            "commit": code and code.commit, "branch": code and code.branch, "pr": code and code.pr_number,
            "dirty": True if code and code.is_dirty else None, "argv": run.argv, "origin": run.origin,
            "version": run.hwcost_version,
        }
    )  # fmt: skip


def _chunks(month: Month) -> dict[str, dict[str, Any]]:
    """Returns the points of every bucket that has some, by its name."""
    chunks: dict[str, dict[str, Any]] = {}
    table, changes = month.history.table, _changes(month)
    by_series = list(_by_series(month.history, month.rows))
    columns = _columns(month, np.concatenate([rows for _, rows in by_series]))
    first = 0
    for index, rows in by_series:
        key, last = table.series_key[index], first + len(rows)
        points = {name: values[first:last] for name, values in columns.items()}
        chunk = chunks.setdefault(key[:BUCKET_DIGITS], {})
        chunk[key] = {name: values for name, values in points.items() if name in ("t", "v") or any(values)}
        if index in changes:
            chunk[key]["changes"] = changes[index]
        first = last
    return chunks


def _columns(month: Month, rows: Indices) -> dict[str, list[Any]]:
    """Returns the points of some rows, column by column."""
    table = month.history.table
    return {
        "t": np.round(table.measured_s[rows]).astype(int).tolist(),
        "v": rounded(table.value[rows]),
        "h": rounded(table.half_width[rows]),
        "l": rounded(table.level_half_width[rows]),
        "s": table.status[rows].tolist(),
        **{name: place[column[rows]].tolist() for name, (column, place) in _places(month).items()},
    }


def _places(month: Month) -> dict[str, tuple[Indices, Indices]]:
    """Returns the columns of indices, each with the place in the month's own list by index; -1 stays -1."""
    table, rows = month.history.table, month.rows
    found = {}
    for name, column in (("r", table.run), ("c", table.campaign), ("f", table.flag), ("e", table.reason)):
        used = _used(column[rows])
        place = np.full(max(used, default=0) + 2, -1, dtype=np.intp)
        place[used] = np.arange(len(used))
        found[name] = (column, place)
    return found


def _used(column: Indices) -> list[int]:
    return [index for index in np.unique(column).tolist() if index >= 0]


def _by_series(history: History, rows: slice) -> Iterator[tuple[int, Indices]]:
    """Yields the index of every series within some rows, with its rows in the order of time."""
    series = history.table.series[rows]
    order = np.argsort(series, kind="stable")
    found, starts = np.unique(series[order], return_index=True)
    yield from zip(found.tolist(), np.split(order + rows.start, starts[1:]), strict=True)


def _changes(month: Month) -> dict[int, list[list[float | None]]]:
    """Returns the changes of each series within the month: instant, ratio, the earliest and the latest instant, p value."""
    history, found = month.history, {}
    first_s, last_s = (history.table.measured_s[row] for row in (month.rows.start, month.rows.stop - 1))
    for index, rows in _by_series(history, month.around):
        good = rows[history.counts[rows]]
        if len(good) < FEWEST:
            continue
        good = good[:: -(-len(good) // LARGEST)]
        at, y = history.table.measured_s[good], np.log(history.table.value[good])
        weights = night_weights(y, history.table.half_width[good], history.is_good[good])
        changes = [
            [
                float(int(at[one.at])),
                number(one.ratio),
                float(int(at[one.earliest])),
                float(int(at[one.latest])),
                number(one.p),
            ]
            for one in find_changes(y, weights)
            if first_s <= at[one.at] <= last_s
        ]
        if changes:
            found[index] = changes
    return found
