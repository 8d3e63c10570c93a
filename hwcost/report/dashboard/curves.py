"""Small curves of the latest nights: of one series, and of all series of a cell of the overview together."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from hwcost._types import Floats, Indices
from hwcost.report.dashboard.history import History
from hwcost.report.dashboard.numbers import rounded

NIGHTS = 40
"""Nights of a curve."""

DECIMALS = 4
"""Decimals of the curve of a cell: a curve that is 24 pixels high shows no more."""


def of_series(history: History, rows: Indices) -> list[float | None]:
    """Returns the latest values of a series, given the rows of its estimates in the order of time."""
    return rounded(history.values(rows)[-NIGHTS:])


def of_cells(history: History, cells: Collection[Sequence[str]]) -> list[list[float | None]]:
    """Returns the curve of each cell: the geometric mean of its series, night by night; None where none has a value.

    Each series counts against its own mean over these nights, so that slow workloads weigh no more than quick ones.

    Args:
        history: The history.
        cells: Keys of the series of each cell; no series is in two of them.
    """
    cell = np.full(len(history.keys) + 1, -1, dtype=np.intp)  # the last place is that of series that are not shown
    for index, keys in enumerate(cells):
        cell[[history.number[key] for key in keys]] = index
    nights = {run.run_id: index for index, run in enumerate(history.runs[-NIGHTS:])}
    table = history.table
    night = np.array([*(nights.get(run_id, -1) for run_id in table.run_id), -1], dtype=np.intp)[table.run]
    rows = np.flatnonzero(history.is_good & (cell[history.place] >= 0) & (night >= 0))
    series, y = history.place[rows], np.log(table.value[rows])
    against = y - _means(series, y, len(history.keys))[series]
    means = _means(cell[series] * NIGHTS + night[rows], against, len(cells) * NIGHTS)
    return [rounded(np.asarray(np.round(np.exp(one), DECIMALS), dtype=np.float64)) for one in means.reshape(-1, NIGHTS)]


def _means(group: Indices, y: Floats, n: int) -> Floats:
    """Returns the mean of the values of each group; nan for a group without any."""
    with np.errstate(invalid="ignore"):
        return np.asarray(np.bincount(group, y, minlength=n) / np.bincount(group, minlength=n))
