"""Rows whose latency is given in another unit than that of the others.

The log latency of a row is what its architecture costs, some noise, and a whole multiple of ``log 1000`` (seconds among
milliseconds or microseconds) or ``log 60`` (seconds among minutes). Cost and multiples are found together: given the
multiples, the cost is a ridge fit; given the fit, every row's multiple is the nearest one; both are repeated until they
stand still, from several starts and from few columns to many. The fit predicts each row without that row, so that it cannot
bend towards it.

A mixture is taken for one of units only where the levels stand apart with hardly a row between them, and their distance is
that of a unit: a badly fitted law, a kernel's floor or a noisy machine fill the space in between.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from hwcost._stats import robust_sd
from hwcost._types import Floats, Indices
from hwcost.cost_models.checks.smoothing import Smoother, smoothers
from hwcost.cost_models.features.extractor import Features
from hwcost.cost_models.features.groups import Groups

BASES = (1000.0, 60.0)
"""Ratios of neighbouring units of time: prefixes, and minutes and hours."""

MOST = 3
"""Steps between the largest and the smallest unit: nanoseconds among seconds."""

FEWEST_ROWS = 10
"""Rows below which a law and a change of unit cannot be distinguished."""

SEARCHED = 800
"""Rows that levels are looked for in, where there are more; all of them are then assigned."""

PHASES = 4
"""Positions of the levels that are tried for every start, evenly over one step."""

ITERATIONS = 15

BETWEEN = 0.35
"""A row that is further than this share of a step from its level lies between levels."""

MOST_BETWEEN, MOST_BETWEEN_FAULTS = 0.03, 0.2
"""Share of all rows, and share of the rows in another unit, that may lie between levels."""

WIDEST = 0.12
"""Robust standard deviation of the errors, as a share of a step, above which levels do not stand apart."""

OFF_STEP = 0.12
"""Distance of a level from where its unit would put it, as a share of a step, that is still taken for the unit."""

LEAST_GAIN = 1.5
"""Nats per row in another unit by which several levels must describe the table better than one."""

NARROW, NARROW_GAIN = 0.06, 1.0
"""Share of a step below which errors are so small that half the rows may be in another unit: a smaller gain is enough."""

WIDEST_OF_ALL, LARGE_GAIN = 0.17, 4.0
"""Gain from which the law may fit this badly, if no row lies between."""

FEW_BETWEEN, FEW_BETWEEN_FAULTS = 0.02, 0.3
"""Share of rows that may lie between, where gain and distance are that large and the law fits well."""

LEAST_SHARE = 0.002
"""Share of rows in another unit below which they are outliers."""

FEW = 5
"""Number of rows in another unit below which those whose columns lie beyond the others' do not count."""

WIDER = 3.0
"""Rows in another unit scatter about their law at most this much more than the others."""

LONE = 50
"""A table with fewer rows has a unit fault even where a single row is off."""

MANY_REPEATS = 0.2
"""Share of rows that repeat others from which architectures are compared too."""

SMALLEST_ERROR = 1e-3
"""Errors of log latency below this are equal: rounded latencies allow no better."""


@dataclass(frozen=True)
class UnitFault:
    """Rows whose latency stands a unit's factor apart from the others.

    Attributes:
        factor: Latency of these rows over that of the others, as the ratio of their units: 1000, 1e-6 or 60, for example.
        rows: Positions of these rows, ascending.
    """

    factor: float
    rows: NDArray[np.intp]


@dataclass(frozen=True)
class _Levels:
    """How many steps of log latency each row stands above the lowest law.

    Attributes:
        score: Length of the table's description in nats per row; smaller is better.
        steps: Shape (n,).
        step: Log of the base.
        errors: Errors of log latency that the law and the steps leave, shape (n,).
    """

    score: float
    steps: Indices
    step: float
    errors: Floats


def unit_faults(features: Features, genes: Floats, latency_s: Floats) -> list[UnitFault]:
    """Finds the rows of a table that are in another unit than most.

    Rows are compared with each other first, and then architectures, by the medians of their rows: an architecture whose
    repeats are all in another unit agrees with itself.

    Args:
        features: The feature extractor of the table's space.
        genes: Encoded architectures, shape (n, genes).
        latency_s: Latencies in any unit, shape (n,).

    Returns:
        One entry per other unit, the most rows first; empty where all rows agree.
    """
    logs = np.log(latency_s)
    faults = _faults_among(features, genes, logs)
    groups = Groups.of(features, genes)
    if len(logs) - len(groups) < MANY_REPEATS * len(logs):
        return faults
    log_factors = np.zeros(len(logs))
    for fault in faults:
        log_factors[fault.rows] = math.log(fault.factor)
    medians = np.array([np.median(logs[rows] - log_factors[rows]) for rows in groups.rows])
    more = _faults_among(features, genes[groups.first], medians)
    if not more:
        return faults
    for fault in more:
        log_factors[groups.rows_of(fault.rows)] += math.log(fault.factor)
    return _by_factor(log_factors)


def _by_factor(log_factors: Floats) -> list[UnitFault]:
    """Returns the rows of every factor that is not 1, the most rows first."""
    rounded = np.round(log_factors, 12)
    others = [one for one in np.unique(rounded).tolist() if one != 0]
    faults = [UnitFault(math.exp(one), np.flatnonzero(rounded == one)) for one in others]
    return sorted(faults, key=lambda one: -len(one.rows))


def _faults_among(features: Features, genes: Floats, logs: Floats) -> list[UnitFault]:
    """Finds the rows in another unit; ``logs`` (n,) are log latencies."""
    if len(logs) < FEWEST_ROWS or np.ptp(logs) < (1.0 - 2 * OFF_STEP) * math.log(min(BASES)):
        return []
    rows = _searched(len(logs))
    stages = smoothers(features, genes, rows)
    found = [_search(stages, logs[rows], math.log(base)) for base in BASES]
    names = np.array([gene.categorical for gene in features.space.genes], dtype=bool)
    accepted = [one for one in found if one is not None and _is_evident(one.steps, genes[rows], names)]
    if not accepted:
        return []
    best = min(accepted, key=lambda one: one.score)
    steps = best.steps if len(rows) == len(logs) else _assigned(stages[-1], logs, rows, best)
    return _as_faults(steps, best.step)


def _searched(n: int) -> NDArray[np.intp]:
    if n <= SEARCHED:
        return np.arange(n)
    return np.sort(np.random.default_rng(0).choice(n, SEARCHED, replace=False))


def _search(stages: Sequence[Smoother], logs: Floats, step: float) -> _Levels | None:
    """Returns the best mixture of levels; None where one level is as good, or the levels do not stand apart."""
    one = min(_described(stage.left_out_errors(logs), np.zeros(len(logs), np.intp), step).score for stage in stages)
    best: _Levels | None = None
    for start in _starts(stages, logs, step):
        steps = start
        for stage in stages:
            levels = _steady_levels(stage, logs, steps, step)
            steps = levels.steps
            if best is None or levels.score < best.score:
                best = levels
    best = None if best is None else _without_strays(best)
    return best if best is not None and _stands_apart(best, one) else None


def _starts(stages: Sequence[Smoother], logs: Floats, step: float) -> Iterator[Indices]:
    """Yields assignments to start from: errors of plain laws cut at several phases, and jumps from row to row."""
    errors = [logs - np.median(logs), *(stage.left_out_errors(logs) for stage in stages)]
    seen: set[bytes] = set()
    for error in errors:
        for phase in range(PHASES):
            steps = np.round(error / step - phase / PHASES).astype(np.intp)
            if (key := (steps - steps.min()).tobytes()) not in seen:
                seen.add(key)
                yield steps
    yield np.cumsum(np.round(np.diff(logs, prepend=logs[0]) / step)).astype(np.intp)


def _steady_levels(stage: Smoother, logs: Floats, steps: Indices, step: float) -> _Levels:
    """Alternates between the law and the assignment until the assignment stands still."""
    errors = np.zeros(len(logs))
    for _ in range(ITERATIONS):
        steps = _limited(steps)
        rest = logs - step * steps
        errors = stage.left_out_errors(rest)
        errors = errors - np.median(errors)
        moved = np.round(errors / step).astype(np.intp)
        if not moved.any():
            break
        steps = steps + moved
    return _described(errors, _limited(steps), step)


def _limited(steps: Indices) -> Indices:
    common = int(np.median(steps))
    return np.asarray(np.clip(steps - common, -MOST, MOST))


def _described(errors: Floats, steps: Indices, step: float) -> _Levels:
    counts = np.unique(steps, return_counts=True)[1] / len(steps)
    entropy = float(-(counts * np.log(counts)).sum())
    size = math.sqrt(float(np.mean(errors**2)) + SMALLEST_ERROR**2)
    return _Levels(math.log(size) + entropy, steps, step, errors)


def _stands_apart(levels: _Levels, one: float) -> bool:
    """Whether a mixture is one of units, rather than a law that one level fits badly.

    Args:
        levels: The mixture; levels of stray rows already taken back.
        one: Score of the best single level.
    """
    n, step, errors = len(levels.steps), levels.step, levels.errors
    faults = levels.steps != _common(levels.steps)
    count = int(faults.sum())
    if count < _fewest(n) or not _is_clear(levels, count, (one - levels.score) * n / count):
        return False
    usual = max(_size(errors[~faults]), OFF_STEP / WIDER * step)
    return _size(errors[faults]) <= WIDER * usual and not _off_step(levels)


def _is_clear(levels: _Levels, count: int, gain: float) -> bool:
    """Whether levels describe a table so much better than one that hardly a row between them is left to doubt.

    Either the law fits well and a fair gain is enough, or gain and distance are so large that the law may fit worse.

    Args:
        levels: The mixture.
        count: Indices in another unit.
        gain: Nats per such row.
    """
    n, width = len(levels.steps), robust_sd(levels.errors) / levels.step
    between = int((np.abs(levels.errors) > BETWEEN * levels.step).sum())
    if width <= WIDEST and gain >= LEAST_GAIN and between <= min(max(1.0, MOST_BETWEEN * n), MOST_BETWEEN_FAULTS * count):
        return True
    is_far = (width <= NARROW and gain >= NARROW_GAIN) or (width <= WIDEST_OF_ALL and gain >= LARGE_GAIN)
    return is_far and between <= (min(FEW_BETWEEN * n, FEW_BETWEEN_FAULTS * count) if width <= WIDEST else 0)


def _without_strays(levels: _Levels) -> _Levels:
    """Takes back the levels of a few rows that are not where a unit would put them."""
    steps = levels.steps.copy()
    for one in _off_step(levels):
        is_stray = levels.steps == one
        if is_stray.sum() <= MOST_BETWEEN * len(steps):
            steps[is_stray] = _common(levels.steps)
    return replace(levels, steps=steps, errors=levels.errors + levels.step * (levels.steps - steps))


def _off_step(levels: _Levels) -> list[int]:
    """Returns the levels whose distance from the most common one is not a whole number of steps."""
    common = _common(levels.steps)
    middle = float(np.median(levels.errors[levels.steps == common]))
    others = [int(one) for one in np.unique(levels.steps) if one != common]
    off = [abs(float(np.median(levels.errors[levels.steps == one])) - middle) for one in others]
    return [one for one, far in zip(others, off, strict=True) if far > OFF_STEP * levels.step]


def _size(errors: Floats) -> float:
    return float(np.sqrt(np.mean(errors**2)))


def _is_evident(steps: Indices, genes: Floats, names: NDArray[np.bool_]) -> bool:
    """Whether columns do not account for the rows in another unit.

    A category that none of the others has, and, for a few rows, a number beyond the others', may cost what it costs.
    """
    faults = steps != _common(steps)
    others, rest = genes[~faults], genes[faults]
    is_known = np.ones(len(rest), dtype=bool)
    for i in np.flatnonzero(names):
        is_known &= np.isin(rest[:, i], others[:, i])
    if faults.sum() < FEW:
        is_known &= ((rest >= others.min(axis=0)) & (rest <= others.max(axis=0))).all(axis=1)
    return int(is_known.sum()) >= _fewest(len(steps))


def _fewest(n: int) -> float:
    return max(2 if n >= LONE else 1, LEAST_SHARE * n)


def _common(steps: Indices) -> int:
    values, counts = np.unique(steps, return_counts=True)
    return int(values[np.argmax(counts)])


def _assigned(stage: Smoother, logs: Floats, rows: NDArray[np.intp], found: _Levels) -> Indices:
    """Assigns all rows to the levels that were found among some of them."""
    rest = logs - stage.everywhere(logs[rows] - found.step * found.steps)
    rest = rest - np.median(rest[rows] - found.step * found.steps)
    steps: Indices = np.clip(np.round(rest / found.step), found.steps.min(), found.steps.max()).astype(np.intp)
    return steps


def _as_faults(steps: Indices, step: float) -> list[UnitFault]:
    return _by_factor(np.asarray(step * (steps - _common(steps)), dtype=np.float64))
