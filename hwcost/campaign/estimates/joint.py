"""Items, rounds and a level of known structure, fitted all at once.

Taking turns between items and level converges slowly where the level moves far, because every item's mean holds some of it.
So the penalised least squares of ``item + round + level`` are solved together, by conjugate gradients: the level is the
random walk of :mod:`hwcost.levels.random_walk` with the memory and the jumps that were chosen for it.
"""

from __future__ import annotations

import numpy as np

from hwcost._stats import median_deviation
from hwcost._types import Floats, Indices
from hwcost.campaign.estimates.effects import HUBER
from hwcost.levels.level import Level
from hwcost.levels.random_walk import LEAST_GAP

STILL = 1e3
"""Memory, in mean spacings, of a level that does not move between its jumps."""

PASSES = 4
"""Times that outlying visits are identified anew."""

TOLERANCE = 1e-7
MAX_STEPS = 300


def joint_level(y: Floats, item: Indices, round: Indices, weight: Floats, level: Level) -> Floats:
    """Fits a level's values anew, together with items and rounds.

    Args:
        y: Log latency of the visits in the order measured, shape (n,).
        item: Index of each visit's item, shape (n,), without gaps.
        round: Index of its round, shape (n,), without gaps.
        weight: Share of a full visit that each one counts as, shape (n,).
        level: Its times are those of the visits; its memory and jumps are kept.

    Returns:
        Log level of each visit, shape (n,).
    """
    coupling = _coupling(level)
    used, found = weight, np.zeros(len(y))
    for _ in range(PASSES):
        found, residual = _solve(y, item, round, used, coupling)
        size = np.sqrt(weight) * np.abs(residual)
        scale = median_deviation(size)
        used = weight * np.minimum(1.0, HUBER * scale / np.maximum(size, 1e-300)) if scale > 0 else weight
    return found


def _coupling(level: Level) -> Floats:
    """Returns how strongly each visit's level is tied to the next one's; 0 where it may jump."""
    gaps = np.diff(level.times) * (len(level.times) - 1) / float(np.ptp(level.times))
    coupling = (level.memory or STILL) ** 2 / np.maximum(gaps, LEAST_GAP)
    coupling[[cut - 1 for cut in level.cuts]] = 0.0
    return np.asarray(coupling)


def _solve(y: Floats, item: Indices, round: Indices, weight: Floats, coupling: Floats) -> tuple[Floats, Floats]:
    """Solves the normal equations; returns the level and what is left of each visit."""
    from scipy.linalg import solveh_banded
    from scipy.sparse.linalg import LinearOperator, cg

    n, n_items = len(y), int(item.max()) + 1
    ends = (n_items, n_items + int(round.max()) + 1)
    tied = np.append(coupling, 0.0)
    tied[1:] += coupling
    bands = np.vstack([np.append(0.0, -coupling), weight + tied])
    counts = np.concatenate([np.bincount(item, weight), np.bincount(round, weight)])

    def gathered(values: Floats) -> Floats:
        return np.concatenate([np.bincount(item, values), np.bincount(round, values), values])

    def predicted(x: Floats) -> Floats:
        return np.asarray(x[: ends[0]][item] + x[ends[0] : ends[1]][round] + x[ends[1] :])

    def normal(x: Floats) -> Floats:
        found = gathered(weight * predicted(x))
        steps = coupling * np.diff(x[ends[1] :])
        found[ends[1] :] -= np.diff(np.concatenate([[0.0], steps, [0.0]]))
        return found

    def preconditioned(x: Floats) -> Floats:
        return np.concatenate([x[: ends[1]] / counts, solveh_banded(bands, x[ends[1] :])])

    shape = (ends[1] + n, ends[1] + n)
    solution, _ = cg(
        LinearOperator(shape, normal, dtype=np.float64),
        gathered(weight * y),
        rtol=TOLERANCE,
        maxiter=MAX_STEPS,
        M=LinearOperator(shape, preconditioned, dtype=np.float64),
    )
    return solution[ends[1] :], y - predicted(solution)
