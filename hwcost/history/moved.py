"""Differences of levels from those before confirmed changes: whether each change still stands, or was undone since.

A confirmed change that lies before the nights that are looked at is known by what measuring again said of it. Whether it is
still there, the nights before it tell: their values beside the present ones, without what other series moved by meanwhile.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np

from hwcost._types import Floats, Indices
from hwcost.history.common_level import LEAST_SERIES, Common
from hwcost.history.nights import nanmedian
from hwcost.history.past import Past
from hwcost.history.trace import Moved, Noted
from hwcost.stores.entries import Confirmation, Entry
from hwcost.stores.runs import Run

__all__ = ["moved_device", "moved_series", "runs_before_changes"]

BEFORE = 10
"""Latest runs before a confirmed change whose values tell the level of before."""


def moved_series(past: Past, row: int, common: Common) -> Moved:
    """Returns what tells by how much a series moved beside the others of its device.

    Args:
        past: Everything that is known.
        row: Index of the series.
        common: Level of its device.
    """
    others = [int(other) for other in common.rows if other != row and not past.terms[other].is_anchor]
    return partial(_moved, past, [row], others)


def moved_device(past: Past, common: Common) -> Moved:
    """Returns what tells by how much the series of a device moved together, beside its anchors.

    Args:
        past: Everything that is known.
        common: Level of the device.
    """
    anchors = [int(row) for row in common.rows if past.terms[row].is_anchor]
    return partial(_moved, past, [int(row) for row in common.rows if row not in anchors], anchors)


def runs_before_changes(older: Sequence[Run], entries: Sequence[Entry]) -> list[str]:
    """Returns the ids of the runs that tell the levels before confirmed changes.

    Args:
        older: Runs of the history that are not looked at otherwise, the oldest first.
        entries: Confirmations among other entries.
    """
    place = {run.run_id: index for index, run in enumerate(older)}
    changes = (one for one in entries if isinstance(one, Confirmation) and one.outcome == "confirmed")
    lasts = {place[one.before_run_id] for one in changes if one.before_run_id in place}
    wanted = {index for last in lasts for index in range(max(0, last + 1 - BEFORE), last + 1)}
    return [older[index].run_id for index in sorted(wanted)]


def _moved(past: Past, rows: list[int], others: list[int], one: Noted, runs: Indices) -> float | None:
    own = _steps(past, rows, one, runs)
    if not len(own):
        return None
    beside = _steps(past, others, one, runs)
    is_enough = len(beside) >= (LEAST_SERIES - 1 if len(rows) == 1 else 1)
    return float(np.median(own)) - (float(np.median(beside)) if is_enough else 0.0)


def _steps(past: Past, rows: list[int], one: Noted, runs: Indices) -> Floats:
    """Returns the median log value of each series in some runs less that before a change, of those that have both."""
    before = past.former[rows, max(0, one.before + 1 - BEFORE) : one.before + 1]
    steps = nanmedian(past.former[rows][:, runs], axis=1) - nanmedian(before, axis=1)
    return np.asarray(steps[np.isfinite(steps)])
