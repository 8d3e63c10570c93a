"""What the blocks of a visit say of its latency: the uncontended ones, and the contended ones less their delays.

Contended blocks tell little about a workload that was seen uncontended, since how strongly it feels contention is not known
well. Of one that was hardly ever seen uncontended they tell most: all workloads together show how long the delay was.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hwcost._types import Floats, Indices
from hwcost.campaign.estimates.block_delays import LEAST_DELAY
from hwcost.campaign.estimates.block_model import SCATTER, BlockModel

LEAST_PRECISION = 1e-9
"""Precision below which a visit says nothing."""

LEAST_BLOCKS = 0.5
"""Number of uncontended blocks from which their mean says something."""

OUTLYING = 2.0
"""A block that deviates by more scales of the noise than this counts less."""


@dataclass(frozen=True, slots=True)
class Means:
    """What blocks of one kind say of the visits.

    Attributes:
        y: Log latency of each visit, shape (visits,).
        precision: One over its variance, shape (visits,); 0 where there are no such blocks.
        count: Expected number of such blocks of each visit, shape (visits,).
    """

    y: Floats
    precision: Floats
    count: Floats


def uncontended_means(y: Floats, number: Indices, model: BlockModel) -> Means:
    """Takes the mean of every visit's uncontended blocks; which blocks they are is known with some probability.

    Args:
        y: Log latency of the blocks less their level, shape (n,).
        number: Index of each block's visit, shape (n,), without gaps.
        model: Block model of the blocks.
    """
    n = int(number.max()) + 1
    weight = np.maximum(model.uncontended, 1e-9) * _robust(model.residual, model.noise)
    counted = np.bincount(number, model.uncontended, n).astype(np.float64)
    means = np.bincount(number, weight * y, n) / np.bincount(number, weight, n)
    within = float((weight * (y - means[number]) ** 2).sum())
    variance = within / max(float(np.maximum(counted - 1.0, 0.0).sum()), 0.3 * float(counted.sum()), 1e-9)
    unsure = np.bincount(number, model.uncontended * (1.0 - model.uncontended) * model.residual**2, n)
    noise = (variance * counted + unsure) / np.maximum(counted, 1e-9) ** 2
    return Means(means, np.where(counted >= LEAST_BLOCKS, 1.0 / np.maximum(noise, 1e-18), 0.0), counted)


def contended_means(y: Floats, number: Indices, item: Indices, model: BlockModel) -> Means:
    """Takes the mean of every visit's contended blocks less their delays.

    All visits of a workload are wrong alike about how strongly it feels contention, so that they share what they say of it.

    Args:
        y: Log latency of the blocks less their level, shape (n,).
        number: Index of each block's visit, shape (n,), without gaps.
        item: Index of each block's item, shape (n,), without gaps.
        model: Block model of the blocks.
    """
    n, slowed = int(number.max()) + 1, 1.0 - model.uncontended
    counted = np.bincount(number, slowed, n).astype(np.float64)
    known = np.maximum(counted, 1e-9)
    delay = np.maximum(np.bincount(number, slowed * model.delay, n) / known, LEAST_DELAY)
    weight = np.maximum(slowed, 1e-9) * _robust(
        model.residual - model.delay, np.hypot(model.noise, SCATTER * delay[number])
    )
    means = np.bincount(number, weight * (y - model.delay), n) / np.bincount(number, weight, n)
    own = item[np.unique(number, return_index=True)[1]]
    alike = (model.spread[own] * delay) ** 2 * np.maximum(np.bincount(item, slowed)[own], 1.0) / known
    variance = alike + (model.noise**2 + (SCATTER * delay) ** 2) / known
    return Means(means, np.where(counted > 1e-6, 1.0 / variance, 0.0), counted)


def both(one: Means, other: Means) -> Means:
    """Returns the means of two kinds of blocks together, each by its precision."""
    precision = one.precision + other.precision
    y = (one.precision * one.y + other.precision * other.y) / np.maximum(precision, LEAST_PRECISION)
    return Means(np.where(precision > LEAST_PRECISION, y, one.y), precision, one.count + other.count)


def summed(parts: Means, visit: Indices) -> Means:
    """Adds the parts of calls up: the latency of a visit is the sum of what its parts take.

    What is not known of one part may be what is not known of the others, so that standard errors add up, not their squares.

    Args:
        parts: Means of every part of every visit, shape (parts,).
        visit: Index of each one's visit, shape (parts,), without gaps.
    """
    n = int(visit.max()) + 1
    total = np.bincount(visit, np.exp(parts.y), n)
    share = np.exp(parts.y) / total[visit]
    error = np.bincount(visit, share / np.sqrt(np.maximum(parts.precision, LEAST_PRECISION)), n)
    count = np.bincount(visit, share * parts.count, n).astype(np.float64)
    return Means(np.log(total), np.asarray(error**-2.0), count)


def _robust(residual: Floats, scale: Floats | float) -> Floats:
    """Returns the weight of every block by how outlying it is."""
    return np.asarray(np.minimum(1.0, OUTLYING * scale / np.maximum(np.abs(residual), 1e-300)))
