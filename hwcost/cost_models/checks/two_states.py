"""Latencies of two states of the machine, or of two settings, that no column tells apart.

A row in the slower state has the log latency of its architecture, some noise, and a step that is the same for all such rows:
a neighbour on the machine, a throttled clock, or another batch size in every third row. A fit lies between the two. Law,
step and states are found together: given the states, the law is a ridge fit; given the fit, a row belongs to the state that
it is nearer to; both are repeated until they stand still, from several starts and from few columns to many.

Two groups are taken for states only where they stand apart with hardly a row between them, where each is as narrow as the
other, and where the columns do not tell which row is in which: a cliff in the law (a cache, a kernel's tile) is a property
of architectures, and heavy tails fill the space in between.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from hwcost._stats import median, ranks, robust_sd
from hwcost._types import Floats
from hwcost.cost_models.checks.smoothing import Smoother, smoothers
from hwcost.cost_models.features.extractor import Features
from hwcost.levels.von_neumann import critical, von_neumann

FEWEST_ROWS, FEWEST_SLOW, LEAST_SHARE = 40, 6, 0.05
"""Rows of a table, and rows and share of the rarer state, below which states and outliers cannot be distinguished."""

SEARCHED = 800
"""Rows that states are looked for in, where there are more."""

LEAST_STEP = 0.1
"""Step (log) between the states below which a fit that lies between them is hardly wrong."""

NARROW = 0.5 * LEAST_STEP * math.sqrt(LEAST_SHARE * (1.0 - LEAST_SHARE))
"""Errors (log) of one state that leave no room for two: half of what the smallest step leaves in the rarest states."""

WIDEST, BETWEEN, MOST_BETWEEN = 0.2, 0.35, 0.05
"""Robust standard deviation of the errors, distance from its state from which a row lies between them, both as shares of the
step, and share of such rows."""

ALIKE = 2.0
"""The errors of one state are at most so many times as wide as those of the other."""

LEAST_GAIN = 0.2
"""Nats per row by which two states must describe the table better than one."""

CHANCE = 0.01
"""Chance that columns that do not tell the states are said to."""

TILES = (2, 8, 16, 32, 64, 128, 256)
"""Numbers whose remainders tell sizes that fit a kernel's tile from others."""

STARTS = (0.5, 0.65, 0.8, 0.92)
"""Shares of rows that are in the quicker state in the starts."""

ITERATIONS, SWALLOWED, NEIGHBOURS = 15, 3, 5
"""Rounds until the states stand still, rounds in each that give the step back what the law swallowed of it, and rows most
similar to each."""

SMALLEST_ERROR = 1e-3
"""Errors of log latency below this are equal: rounded latencies allow no better."""


@dataclass(frozen=True)
class TwoStates:
    """Two states of the machine among the rows of a table.

    Attributes:
        factor: Latency in the slower state over that in the quicker one.
        slow: Positions of the rows in the slower state, ascending.
    """

    factor: float
    slow: NDArray[np.intp]


@dataclass(frozen=True)
class _Split:
    """Assignment of n rows to two states.

    Attributes:
        law: The law that it was found with.
        score: Length of the table's description in nats per row; smaller is better.
        is_slow: Whether each row is in the slower state, shape (n,).
        step: Distance (log) between the states.
        errors: Errors of log latency that law and states leave, shape (n,).
    """

    law: Smoother
    score: float
    is_slow: NDArray[np.bool_]
    step: float
    errors: Floats


def two_states(features: Features, genes: Floats, latency_s: Floats) -> TwoStates | None:
    """Looks for two states among the rows of a table.

    Args:
        features: The feature extractor of the table's space.
        genes: Encoded architectures, shape (n, genes).
        latency_s: Latencies, shape (n,).

    Returns:
        None where one state describes the rows as well, or the columns tell the states apart.
    """
    n = len(latency_s)
    if n < FEWEST_ROWS:
        return None
    rows = np.arange(n) if n <= SEARCHED else np.sort(np.random.default_rng(0).choice(n, SEARCHED, replace=False))
    logs = np.log(latency_s[rows])
    stages = smoothers(features, genes, rows)
    lone = min(math.log(_size(stage.left_out_errors(logs))) for stage in stages)
    if lone < math.log(NARROW):
        return None
    found = min((_settled(stage, logs, one) for one in _starts(stages, logs) for stage in stages), key=lambda s: s.score)
    if not _stands_apart(found, lone) or _is_told(stages, genes[rows], found):
        return None
    return TwoStates(math.exp(found.step), np.flatnonzero(_everywhere(found, np.log(latency_s), rows)))


def states_in_no_order(features: Features, genes: Floats, latency_s: Floats) -> TwoStates | None:
    """Looks for two states that change from row to row, and not with the level of the machine; see :func:`two_states`.

    Args:
        features: The feature extractor of the table's space.
        genes: Encoded architectures in the order measured, shape (n, genes).
        latency_s: Latencies, shape (n,).
    """
    found = two_states(features, genes, latency_s)
    if found is None:
        return None
    is_slow = np.isin(np.arange(len(latency_s)), found.slow).astype(np.float64)
    return found if von_neumann(is_slow) >= critical(len(is_slow)) else None


def _everywhere(found: _Split, logs: Floats, rows: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Returns whether each of all rows is in the slower state, by a fit on those that were looked at."""
    heights = logs - found.law.everywhere(logs[rows] - found.step * found.is_slow)
    is_slow = np.asarray(heights - np.median(heights[rows][~found.is_slow]) > found.step / 2)
    is_slow[rows] = found.is_slow
    return is_slow


def _starts(stages: Sequence[Smoother], logs: Floats) -> Iterator[NDArray[np.bool_]]:
    for stage in stages:
        errors = stage.left_out_errors(logs)
        for share in STARTS:
            yield errors > np.quantile(errors, share)


def _settled(stage: Smoother, logs: Floats, is_slow: NDArray[np.bool_]) -> _Split:
    """Alternates between law, step and states until the states stand still."""
    best = _Split(stage, math.inf, is_slow, 0.0, np.zeros(len(logs)))
    step = 0.0
    for _ in range(ITERATIONS):
        if not 0 < is_slow.sum() < len(logs):
            return best
        for _ in range(SWALLOWED):
            step += _apart(stage.left_out_errors(logs - step * is_slow), is_slow)
        errors = stage.left_out_errors(logs - step * is_slow)
        share = float(is_slow.mean())
        entropy = -share * math.log(share) - (1 - share) * math.log(1 - share)
        score = math.log(_size(errors)) + entropy
        if score < best.score:
            best = _Split(stage, score, is_slow, step, errors)
        height = errors + step * is_slow - median(errors[~is_slow])
        moved = height > step / 2
        if bool((moved == is_slow).all()):
            break
        is_slow = moved
    return best


def _apart(errors: Floats, is_slow: NDArray[np.bool_]) -> float:
    return median(errors[is_slow]) - median(errors[~is_slow])


def _size(errors: Floats) -> float:
    return math.sqrt(float(np.mean(errors**2)) + SMALLEST_ERROR**2)


def _stands_apart(found: _Split, lone: float) -> bool:
    n, slow = len(found.errors), found.is_slow
    fewest = max(FEWEST_SLOW, LEAST_SHARE * n)
    if min(int(slow.sum()), int((~slow).sum())) < fewest or found.step < LEAST_STEP or lone - found.score < LEAST_GAIN:
        return False
    between = float((np.abs(found.errors) > BETWEEN * found.step).mean())
    one, other = robust_sd(found.errors[slow]), robust_sd(found.errors[~slow])
    is_alike = max(one, other) <= ALIKE * min(one, other)
    return robust_sd(found.errors) <= WIDEST * found.step and between <= MOST_BETWEEN and is_alike


def _is_told(stages: Sequence[Smoother], genes: Floats, found: _Split) -> bool:
    """Whether the columns predict the states of rows that are left out.

    Three ways are tried: a smooth law, the most similar rows, and the rows with the same value of a column, or with the same
    remainder of a whole number, as sizes that fit a kernel's tile have.
    """
    state = found.is_slow.astype(np.float64)
    varied = genes[:, np.ptp(genes, axis=0) > 0]
    predicted = [stage.left_out(state) for stage in stages]
    predicted += [_of_similar(varied, state)] if varied.size else []
    predicted += [_of_equal(values, state) for column in varied.T for values in (column, *_remainders(column))]
    limit = NormalDist().inv_cdf(1.0 - CHANCE / len(predicted)) / math.sqrt(len(state))
    return any(float(np.corrcoef(one, state)[0, 1]) > limit for one in predicted if np.ptp(one) > 0)


def _of_similar(genes: Floats, state: Floats) -> Floats:
    """Returns the mean state of the rows whose ranks in all columns differ least from a row's own, shape (n,)."""
    places = np.column_stack([ranks(one) for one in genes.T])
    apart = np.zeros((len(state), len(state)))
    for one in places.T:
        apart += np.abs(one[:, None] - one[None, :])
    np.fill_diagonal(apart, np.inf)
    return np.asarray(state[np.argsort(apart, axis=1, kind="stable")[:, :NEIGHBOURS]].mean(axis=1))


def _of_equal(values: Floats, state: Floats) -> Floats:
    """Returns the mean state of the other rows with the same value, drawn to that of all rows; shape (n,)."""
    group = np.unique(values, return_inverse=True)[1].ravel()
    counts, sums = np.bincount(group)[group], np.bincount(group, weights=state)[group]
    return np.asarray((sums - state + state.mean()) / counts)


def _remainders(column: Floats) -> Iterator[Floats]:
    """Yields the remainders of a column of whole numbers that vary."""
    if bool(np.all(column == np.round(column))):
        found = (column % tile for tile in TILES)
        yield from (one for one in found if np.ptp(one) > 0)
