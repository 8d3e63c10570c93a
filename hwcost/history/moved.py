"""By how much a level differs from that before a confirmed change: whether the change still stands, or was undone since.

A confirmed change that lies before the nights that are looked at is known by what measuring again said of it. Whether it is
still there, the nights before it tell: their values beside the present ones, without what other series moved by meanwhile.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from hwcost._types import Floats, Indices
from hwcost.history.common import LEAST_SERIES, Common
from hwcost.history.nights import nanmedian
from hwcost.history.past import Past
from hwcost.history.trace import Moved, Noted

__all__ = ["BEFORE", "moved_device", "moved_series"]

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
    steps = nanmedian(past.former[np.ix_(rows, runs)], axis=1) - nanmedian(before, axis=1)
    return np.asarray(steps[np.isfinite(steps)])
