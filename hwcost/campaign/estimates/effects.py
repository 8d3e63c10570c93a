"""The additive model of a campaign without its level: ``y = item + round + noise``.

Every round is one process with a layout and a level of its own, so round means are taken out; noise is pooled over all
items, which makes a handful of rounds enough. Outlying visits count less (Huber).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hwcost._stats import median_deviation
from hwcost._types import Floats, Indices

HUBER = 1.5
"""Residuals beyond this many robust standard deviations count less."""

PASSES = 30


@dataclass(frozen=True, slots=True)
class Effects:
    """The fitted additive model.

    Attributes:
        item: Log latency per item.
        round: Log level per round; its mean over visits is zero.
        residual: Residual of each visit, shape (n,).
        sd: Pooled standard deviation of the noise of a full visit; NaN without degrees of freedom.
        dof: Degrees of freedom of ``sd``.
    """

    item: Floats
    round: Floats
    residual: Floats
    sd: float
    dof: float


def fit_effects(y: Floats, item: Indices, round: Indices, weight: Floats | None = None) -> Effects:
    """Fits ``y = item + round + noise`` by backfitting with Huber weights.

    Args:
        y: Log latency per visit, shape (n,).
        item: Index of the item of each visit, shape (n,), without gaps.
        round: Index of the round of each visit, shape (n,), without gaps.
        weight: Share of a full visit that each one counts as, shape (n,); None for full visits.
    """
    n_items, n_rounds = int(item.max()) + 1, int(round.max()) + 1
    full = np.ones(len(y)) if weight is None else weight
    telling = shared(round)
    a, p, used = np.zeros(n_items), np.zeros(n_rounds), full
    for _ in range(PASSES):
        a = _means(y - p[round], item, used, n_items)
        p = _means(y - a[item], round, used, n_rounds)
        p -= np.average(p[round], weights=full)
        size = np.sqrt(full) * np.abs(y - a[item] - p[round])
        scale = median_deviation(size[telling])
        used = full * np.minimum(1.0, HUBER * scale / np.maximum(size, 1e-300)) if scale > 0 else full
    a = _means(y - p[round], item, used, n_items)
    residual = y - a[item] - p[round]
    dof = repeats(item, full) - (n_rounds - 1)
    return Effects(a, p, residual, noise(residual[telling], full[telling], dof), dof)


def shared(round: Indices) -> NDArray[np.bool_]:
    """Says of each visit whether its round holds others, shape (n,); all visits do where none does.

    A round's effect fits a lone visit exactly, so that what is left of it says nothing about the noise.
    """
    found = np.asarray(np.bincount(round)[round] > 1)
    return found if found.any() else np.ones(len(round), dtype=np.bool_)


def repeats(item: Indices, weight: Floats) -> float:
    """Returns the visits beyond the first of every item: from which the noise is estimated."""
    return float(np.maximum(np.bincount(item, weight) - 1, 0).sum())


def _means(values: Floats, group: Indices, weights: Floats, n: int) -> Floats:
    total = np.bincount(group, weights * values, n)
    return np.asarray(total / np.bincount(group, weights, n))


def noise(residual: Floats, weight: Floats, dof: float) -> float:
    """Returns the standard deviation that belongs to a Huber estimate: clipped residuals over the share not clipped.

    With as many parameters as a campaign has items, that is too small by Huber's factor, which is put right.

    Args:
        residual: Residual of each visit, shape (n,).
        weight: Share of a full visit that each one counts as, shape (n,).
        dof: Degrees of freedom; below 1 the answer is NaN.

    Source: Huber and Ronchetti, Robust Statistics, 2nd edition, section 7.6 (factor K in section 7.10).
    """
    if dof < 1:
        return math.nan
    scaled = np.sqrt(weight) * residual
    scale = median_deviation(scaled)
    if scale == 0:
        return float(np.sqrt((scaled**2).sum() / dof))
    clipped = np.clip(scaled, -HUBER * scale, HUBER * scale)
    kept = float((np.abs(scaled) <= HUBER * scale).mean())
    parameters = 1.0 - dof / max(float(weight.sum()), dof)
    factor = 1.0 + parameters * (1.0 - kept) / kept
    return factor * math.sqrt(float((clipped**2).sum()) / dof) / kept
