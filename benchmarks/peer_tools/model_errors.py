"""How soon the measurements of a tool make a good cost model."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

import numpy as np
from peer_tools.asked import Found
from peer_tools.runs import Run
from peer_tools.tools import REFERENCE

WANTED = 0.03
"""Mean relative error of a good model."""


def mape(found: Found, reference: Found) -> float:
    """Returns the mean relative error of predictions against the latencies of the reference; NaN without any of them."""
    both = [(found.predicted[key], one.latency_s) for key, one in reference.readings.items() if key in found.predicted]
    return float(np.mean([abs(seconds / true_s - 1) for seconds, true_s in both])) if both else math.nan


def errors(runs: Iterable[Run]) -> dict[tuple[str, bool], dict[float, float]]:
    """Returns the error by seconds of measuring, for each tool with and without the neighbour; empty without a reference."""
    models = [run for run in runs if run.piece.tested]
    truth = next((run.found for run in models if run.piece.tool == REFERENCE), None)
    found: dict[tuple[str, bool], dict[float, float]] = {}
    for run in models if truth else ():
        if run.piece.tool != REFERENCE:
            found.setdefault((run.piece.tool, run.piece.has_bursts), {})[run.piece.seconds] = mape(run.found, truth)
    return found


def time_to(ladder: Mapping[float, float], wanted: float = WANTED) -> float | None:
    """Returns the smallest seconds from which on every longer run meets the wanted error; None where the longest fails."""
    found = None
    for seconds in sorted(ladder, reverse=True):
        if not ladder[seconds] <= wanted:
            break
        found = seconds
    return found
