"""The values of many series, night by night: estimates as a matrix of series and runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hwcost._types import Floats, Indices
from hwcost.errors import UnknownNameError
from hwcost.stores.estimate_table import EstimateTable
from hwcost.stores.runs import Run
from hwcost.stores.series import STATUSES, Series

__all__ = ["Nights", "read_nights"]

VAGUE = 4.0
"""A value whose interval is so many times as wide as is usual for its series does not count."""

CLEAR = 0.03
"""Half-width up to which a value counts however narrow the others are."""


@dataclass(frozen=True)
class Nights:
    """Values by series and run.

    Attributes:
        runs: Runs, the oldest first.
        series: Series in the order of the rows.
        y: Log values, shape (n_series, n_runs); NaN where none counts.
        half: Half-widths of their 95 % intervals, same shape; NaN where unknown.
        row: Row of the table, same shape; -1 where a run has no estimate of a series.
        table: The estimates.
    """

    runs: tuple[Run, ...]
    series: tuple[Series, ...]
    y: Floats
    half: Floats
    row: Indices
    table: EstimateTable

    def rows(self, keep: Sequence[int]) -> Nights:
        """Returns the nights of some series, by index."""
        chosen = list(keep)
        of_series = tuple(self.series[i] for i in chosen)
        return Nights(self.runs, of_series, self.y[chosen], self.half[chosen], self.row[chosen], self.table)

    def status(self, series: int, run: int) -> str:
        """Returns the status of an estimate; empty where there is none."""
        row = int(self.row[series, run])
        return "" if row < 0 else STATUSES[int(self.table.status[row])]

    def why(self, series: int, run: int) -> str:
        """Returns why an estimate has no value: its reason, or the codes of its flags; empty where neither is known."""
        row = int(self.row[series, run])
        if row < 0:
            return ""
        return self.table.reasons[self.table.reason[row]] or ", ".join(self.table.flags[self.table.flag[row]])


def read_nights(
    runs: Sequence[Run], series: Mapping[str, Series], table: EstimateTable, at: str | None = None
) -> Nights:
    """Reads estimates by series and run; those without a run do not count.

    Args:
        runs: Runs in any order.
        series: Series by key.
        table: Estimates; of two of one series in one run the later counts.
        at: Last run to look at; None for the latest.

    Raises:
        UnknownNameError: When there is no run ``at``.
    """
    ordered = sorted(runs, key=lambda run: (run.started_at, run.run_id))
    places = {run.run_id: place for place, run in enumerate(ordered)}
    if at is not None and at not in places:
        raise UnknownNameError("run", at, places)
    ordered = ordered if at is None else ordered[: places[at] + 1]
    keys = [key for key in table.series_key if key in series]
    row = _rows(table, {key: place for place, key in enumerate(keys)}, places, (len(keys), len(ordered)))
    y, half = _values(table, row)
    return Nights(tuple(ordered), tuple(series[key] for key in keys), y, half, row, table)


def _rows(
    table: EstimateTable, series: Mapping[str, int], runs: Mapping[str, int], shape: tuple[int, int]
) -> Indices:
    """Returns the row of the table by series and run; -1 where there is none."""
    found = np.full(shape, -1, dtype=np.intp)
    of_series = np.array([series.get(key, -1) for key in table.series_key], dtype=np.intp)
    of_run = np.array([*(runs.get(key, -1) for key in table.run_id), -1], dtype=np.intp)  # -1 for no run is the last one
    if not len(of_series):
        return found
    i, j = of_series[table.series], of_run[table.run]
    known = (i >= 0) & (j >= 0) & (j < shape[1])
    found[i[known], j[known]] = np.flatnonzero(known)
    return found


def _values(table: EstimateTable, row: Indices) -> tuple[Floats, Floats]:
    """Returns log values that count, and their half-widths."""
    if not len(table):
        return np.full(row.shape, np.nan), np.full(row.shape, np.nan)
    value, half = table.value[row], table.half_width[row]
    with np.errstate(invalid="ignore", divide="ignore"):
        counts = (row >= 0) & (table.status[row] == STATUSES.index("ok")) & (value > 0)
        half = np.where(counts, half, np.nan)
        counts &= ~(half > np.maximum(CLEAR, VAGUE * _usual(half)))
        return np.where(counts, np.log(np.where(counts, value, 1.0)), np.nan), np.where(counts, half, np.nan)


def _usual(half: Floats) -> Floats:
    """Returns the usual half-width of each series, shape (n_series, 1); NaN where none is known."""
    return nanmedian(half, axis=1)[:, None]


def nanmedian(values: Floats, axis: int) -> Floats:
    """Returns medians of the known values along an axis; NaN where none is known, without a warning."""
    ordered: NDArray[np.float64] = np.sort(values, axis=axis)  # NaN last
    count = np.isfinite(values).sum(axis=axis, keepdims=True)
    low, high = np.maximum(count - 1, 0) // 2, np.minimum(count // 2, values.shape[axis] - 1)
    if not values.shape[axis]:
        return np.full(np.delete(values.shape, axis), np.nan)
    middle = (np.take_along_axis(ordered, low, axis) + np.take_along_axis(ordered, high, axis)) / 2
    return np.asarray(np.where(count > 0, middle, np.nan).squeeze(axis))


def nights_have(count: int) -> str:
    """Returns the beginning of a sentence about so many nights."""
    return "1 night has" if count == 1 else f"{count} nights have"
