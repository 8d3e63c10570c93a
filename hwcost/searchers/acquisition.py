"""What the next architecture promises, under independent normal beliefs; everything is minimised.

A belief with deviation 0 is knowledge: a latency table's value enters as it is.
"""

from __future__ import annotations

import numpy as np
from scipy.special import log_ndtr, ndtr

from hwcost import pareto
from hwcost._types import Floats


def improvement(below: Floats, mean: Floats, deviation: Floats) -> Floats:
    """Returns ``E[max(0, below - value)]``; shapes broadcast."""
    gap = below - mean
    sure = deviation <= 0
    scale = np.where(sure, 1.0, deviation)
    z = np.where(np.isfinite(gap), gap / scale, 0.0)
    density = np.exp(-0.5 * z**2) / np.sqrt(2 * np.pi)
    expected = np.where(sure, np.maximum(gap, 0.0), scale * (z * ndtr(z) + density))
    return np.asarray(np.where(np.isneginf(below), 0.0, expected))


def log_dominates(references: Floats, means: Floats, deviations: Floats) -> Floats:
    """Returns the logarithm of the probability that all objectives are below their references.

    Args:
        references: Shape (objectives,).
        means: Shape (n, objectives).
        deviations: Shape (n, objectives).

    Returns:
        Shape (n,).
    """
    sure = deviations <= 0
    z = (references - means) / np.where(sure, 1.0, deviations)
    chance = np.where(sure, np.where(means < references, 0.0, -np.inf), log_ndtr(z))
    return np.asarray(chance.sum(axis=1))


def hypervolume_improvement(front: Floats, corner: Floats, means: Floats, deviations: Floats) -> Floats:
    """Returns the expected gain of hypervolume for two objectives, exactly.

    What a point (a, b) gains is the integral, over the first objective z from a to the corner, of how far b lies below the
    front's staircase h(z). Beliefs are independent, so that the expectation is a sum over the stairs of two expected
    improvements.

    Args:
        front: Points that no other one dominates, shape (m, 2); m may be 0.
        corner: The reference point, shape (2,).
        means: Shape (n, 2).
        deviations: Shape (n, 2).

    Returns:
        Shape (n,).
    """
    inside = front[(front < corner).all(axis=1)]
    inside = inside[pareto.front(inside)] if len(inside) else inside.reshape(0, 2)
    inside = inside[np.argsort(inside[:, 0], kind="stable")]
    left = np.concatenate([[-np.inf], inside[:, 0]])
    right = np.concatenate([inside[:, 0], [corner[0]]])
    height = np.concatenate([[corner[1]], inside[:, 1]])
    first, second = ((means[:, i, None], deviations[:, i, None]) for i in (0, 1))
    widths = improvement(right, *first) - improvement(left, *first)
    return np.asarray((widths * improvement(height, *second)).sum(axis=1))
