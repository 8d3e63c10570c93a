"""The values of many series, night by night: estimates as a matrix of series and runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hwcost._cached import cached_property
from hwcost._types import Floats, Indices
from hwcost.errors import UnknownNameError
from hwcost.stores.estimate_table import EstimateTable
from hwcost.stores.runs import Run
from hwcost.stores.series import STATUSES, Series

__all__ = ["Nights", "read_nights"]

VAGUE = 4.0
"""A value whose interval is so many times as wide as is usual for its series does not count in full."""

CLEAR = 0.03
"""Half-width up to which a confirmed value counts in full however narrow the others are."""


ROUNDING = 1e-9
"""Relative error of sums of weights."""


@dataclass(frozen=True)
class Nights:
    """Values by series and run.

    Attributes:
        runs: Runs, the oldest first.
        series: Series in the order of the rows.
        y: Log values, shape (n_series, n_runs); NaN where there is none.
        half: Half-widths of their 95 % intervals, same shape; NaN where unknown.
        is_full: Whether each value counts in full, same shape: it is confirmed, and its interval about as wide as is usual.
        row: Row of the table, same shape; -1 where a run has no estimate of a series.
        table: The estimates.
    """

    runs: tuple[Run, ...]
    series: tuple[Series, ...]
    y: Floats
    half: Floats
    is_full: NDArray[np.bool_]
    row: Indices
    table: EstimateTable

    def rows(self, keep: Sequence[int]) -> Nights:
        """Returns the nights of some series, by index."""
        chosen = list(keep)
        of_series = tuple(self.series[i] for i in chosen)
        columns = self.y[chosen], self.half[chosen], self.is_full[chosen], self.row[chosen]
        return Nights(self.runs, of_series, *columns, self.table)

    @cached_property
    def full(self) -> Floats:
        """The values that count in full, shape (n_series, n_runs); NaN elsewhere."""
        return np.where(self.is_full, self.y, np.nan)

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
    return Nights(tuple(ordered), tuple(series[key] for key in keys), *_values(table, row), row, table)


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


def _values(table: EstimateTable, row: Indices) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    """Returns log values, their half-widths, and which of them count in full; a vague one without an interval is none."""
    if not len(table):
        return np.full(row.shape, np.nan), np.full(row.shape, np.nan), np.zeros(row.shape, dtype=np.bool_)
    value, half, status = table.value[row], table.half_width[row], table.status[row]
    is_ok, is_unconfirmed = (status == STATUSES.index(name) for name in ("ok", "unconfirmed"))
    with np.errstate(invalid="ignore"):
        has_value = (row >= 0) & (value > 0)
        usual = nanmedian(np.where(has_value & is_ok, half, np.nan), axis=1)[:, None]
        is_full = has_value & is_ok & ~(half > np.maximum(CLEAR, VAGUE * usual))
        counts = is_full | (has_value & (is_ok | is_unconfirmed) & np.isfinite(half))
    return np.where(counts, np.log(np.where(counts, value, 1.0)), np.nan), np.where(counts, half, np.nan), is_full


def rough_shares(y: Floats, half: Floats, is_full: NDArray[np.bool_]) -> Floats:
    """Returns rough weights of values by their intervals alone: 1 for full ones, 0 for none, shape (n_series, n_runs).

    Args:
        y: Log values, shape (n_series, n_runs); NaN where there is none.
        half: Half-widths of their 95 % intervals, same shape.
        is_full: Whether each value counts in full, same shape.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        usual = nanmedian(np.where(is_full, half, np.nan), axis=1)[:, None]
        vague = np.minimum(1.0, np.fmax(usual, CLEAR) / half) ** 2
    return np.where(np.isfinite(y), np.where(is_full, 1.0, vague), 0.0)


def nanmedian(values: Floats, axis: int) -> Floats:
    """Returns medians of the known values along an axis; NaN where none is known, without a warning."""
    ordered: NDArray[np.float64] = np.sort(values, axis=axis)  # NaN last
    count = np.isfinite(values).sum(axis=axis, keepdims=True)
    low, high = np.maximum(count - 1, 0) // 2, np.minimum(count // 2, values.shape[axis] - 1)
    if not values.shape[axis]:
        return np.full(np.delete(values.shape, axis), np.nan)
    middle = (np.take_along_axis(ordered, low, axis) + np.take_along_axis(ordered, high, axis)) / 2
    return np.asarray(np.where(count > 0, middle, np.nan).squeeze(axis))


def weighted_nanmedian(values: Floats, weights: Floats, axis: int) -> Floats:
    """Returns weighted medians of the known values along an axis; NaN where none is known.

    Args:
        values: The values; NaN for unknown ones.
        weights: Their weights from 0 to 1, same shape.
        axis: The axis.
    """
    known = np.isfinite(values)
    if (weights[known] == 1.0).all():
        return nanmedian(values, axis)
    order = np.argsort(values, axis=axis)  # NaN last
    ordered = np.take_along_axis(values, order, axis)
    total = np.take_along_axis(np.where(known, weights, 0.0), order, axis).cumsum(axis)
    half = np.take(total, [-1], axis) / 2
    low, high = ((total < half * (1 + side)).sum(axis, keepdims=True) for side in (-ROUNDING, ROUNDING))
    ends = [np.take_along_axis(ordered, np.minimum(end, values.shape[axis] - 1), axis) for end in (low, high)]
    return np.asarray(np.where(half > 0, (ends[0] + ends[1]) / 2, np.nan).squeeze(axis))


def nights_have(count: int) -> str:
    """Returns the beginning of a sentence about so many nights."""
    return "1 night has" if count == 1 else f"{count} nights have"
