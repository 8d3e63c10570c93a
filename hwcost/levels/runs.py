"""Effects of measuring runs: what the rows of a run share, drawn towards zero as far as their number asks for.

How far rows of one run differ is estimated from all runs together, since a run of one or two rows says nothing of it. Where
hardly any rows share a run there are no effects: they would be the rows' own errors.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from hwcost._stats import MEDIAN_VARIANCE, median_deviation
from hwcost._types import Floats, Indices

LEAST_SHARED = 10
"""Fewest rows beside the first of their run from which runs have effects."""


@dataclass(frozen=True)
class RunEffects:
    """Effects of the runs of n rows.

    Attributes:
        effects: Effect of every run by its number, mean zero over rows; empty where there are none.
        left_out: Effect of each row's run as the other rows of that run tell it, 0 for the only row of a run; shape (n,).
    """

    effects: dict[int, float]
    left_out: Floats


def are_shared(runs: Indices) -> bool:
    """Whether enough rows share a run with others for effects of runs."""
    return len(runs) - len(np.unique(runs)) >= LEAST_SHARED


def run_effects(errors: Floats, runs: Indices) -> RunEffects:
    """Finds the median error of every run, shrunk.

    The variance of what rows of one run do not share follows from the steps from each row to the next of its run, which a
    level that drifts within the run does not move; that between runs follows from their medians, beyond it.

    Args:
        errors: Errors of log latency on left-out rows, in order of measurement, shape (n,).
        runs: Number of the run of each row, shape (n,).
    """
    if not are_shared(runs):
        return RunEffects({}, np.zeros(len(errors)))
    names, places, counts = np.unique(runs, return_inverse=True, return_counts=True)
    rows = np.split(np.argsort(places, kind="stable"), np.cumsum(counts)[:-1])
    middle = float(np.median(errors))
    medians = np.array([np.median(errors[own]) - middle for own in rows])
    within = median_deviation(np.concatenate([np.diff(errors[own]) for own in rows])) ** 2 / 2
    doubts = MEDIAN_VARIANCE * within / counts
    between = max(0.0, float(np.mean(medians**2) - np.mean(doubts)))
    kept = medians * _share(between, doubts)
    mean = float(np.average(kept, weights=counts))
    left_out = np.zeros(len(errors))
    for own in (own for own in rows if len(own) > 1):
        others = _medians_of_others(errors[own]) - middle
        left_out[own] = others * _share(between, MEDIAN_VARIANCE * within / (len(own) - 1)) - mean
    return RunEffects(dict(zip(map(int, names), (kept - mean).tolist(), strict=True)), left_out)


def _share(between: float, doubt: Floats | float) -> Floats:
    """Returns the share of an effect that is believed, from the variance between runs and that of the effect's estimate."""
    return np.asarray(between / np.maximum(between + np.asarray(doubt), math.ulp(0.0)))


def _medians_of_others(values: Floats) -> Floats:
    """Returns for each of at least two values the median of the others."""
    order, n = np.argsort(values, kind="stable"), len(values)
    place = np.empty(n, dtype=np.intp)
    place[order] = np.arange(n)
    low, high = (n - 2) // 2, (n - 1) // 2  # places of the middle ones among the others
    ranked = values[order]
    return np.asarray((ranked[low + (place <= low)] + ranked[high + (place <= high)]) / 2)
