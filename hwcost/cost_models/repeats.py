"""Several measurements of one architecture: their middle, how far apart they lie, and what a fit makes of them.

Fits see every architecture once. A net that was measured ten times says no more about other nets than one that was measured
once and well, and none of the ways in which a model chooses by rows left out may meet an architecture again.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from hwcost._stats import median_deviation
from hwcost._types import Floats, Indices
from hwcost.cost_models.groups import Groups

FAR_OFF = float(np.log(1.5))
"""A measurement this far (log) from the middle of at least three, and further off than the others disagree, is left out."""

OUTLIER = 4.0
"""Robust standard deviations of the others within which a measurement still agrees with them."""

MISFIT = 0.05
"""Relative error that a fit is granted beside that of a net's middle: well measured nets count alike, doubtful ones less."""

FEW = 5
"""From so many repeated architectures on, their usual disagreement is known."""

MEDIAN_VARIANCE = 1.57
"""Variance of a median over that of a mean, for normal noise."""


@dataclass(frozen=True)
class Middles:
    """The measurements of each architecture, merged.

    Attributes:
        groups: The architectures of the n rows.
        seconds: Median of three measurements or more, weighted mean of fewer, shape (architectures,).
        is_kept: Whether a row is no gross outlier among at least three of its architecture, shape (n,).
        deviations: Log deviation of each kept row from the middle, as large as that of a single measurement from the truth;
            0 where there is no other row, shape (n,).
    """

    groups: Groups
    seconds: Floats
    is_kept: NDArray[np.bool_]
    deviations: Floats

    @classmethod
    def of(cls, groups: Groups, latency_s: Floats, weights: Floats) -> Middles:
        """Merges seconds (n,) with weights (n,)."""
        seconds = latency_s[groups.first]
        is_kept = np.ones(len(latency_s), dtype=bool)
        deviations = np.zeros(len(latency_s))
        for i, rows in groups.repeated.items():
            seconds[i] = _middle(latency_s[rows], weights[rows])
            off = np.log(latency_s[rows] / seconds[i])
            is_kept[rows] = _is_kept(off)
            k = int(is_kept[rows].sum())
            deviations[rows] = np.where(is_kept[rows], off * np.sqrt(k / (k - 1)), 0.0)
        return cls(groups, seconds, is_kept, deviations)

    @cached_property
    def counts(self) -> Indices:
        """Kept measurements of each architecture, shape (architectures,)."""
        return np.bincount(self.groups.numbers, self.is_kept).astype(np.intp)

    @cached_property
    def spreads(self) -> Floats:
        """Standard deviation (log) of the measurements of each architecture; 0 for a single one, shape (architectures,)."""
        return np.asarray(np.sqrt(np.bincount(self.groups.numbers, self.deviations**2) / self.counts))

    @property
    def trust(self) -> Floats:
        """Weight of each architecture in a fit, mean 1, shape (architectures,): smaller where its measurements disagree."""
        is_repeated = self.counts > 1
        spreads = self.spreads
        if is_repeated.sum() >= FEW:
            spreads = np.maximum(spreads, np.median(spreads[is_repeated]))
        trust = MISFIT**2 / (MISFIT**2 + spreads**2 / self.counts)
        return np.asarray(trust / trust.mean())


def _middle(seconds: Floats, weights: Floats) -> float:
    return float(np.median(seconds) if len(seconds) > 2 else np.average(seconds, weights=weights))


def _is_kept(off: Floats) -> NDArray[np.bool_]:
    """Returns which log deviations from a middle are no gross outliers; of two, either may be one, so both are kept."""
    if len(off) < 3:
        return np.ones(len(off), dtype=bool)
    return np.asarray(np.abs(off) <= max(FAR_OFF, OUTLIER * median_deviation(off)))


def merged(groups: Groups, genes: Floats, latency_s: Floats, weights: Floats) -> tuple[Floats, Floats, Floats]:
    """Returns genes, seconds and weights with one row per architecture; rows without repeats come back as they are.

    Args:
        groups: The architectures of the n rows.
        genes: Encoded, shape (n, genes).
        latency_s: Shape (n,).
        weights: Shape (n,), mean about 1.
    """
    if not groups.has_repeats:
        return genes, latency_s, weights
    middles = Middles.of(groups, latency_s, weights)
    even = np.bincount(groups.numbers, weights) / groups.sizes
    return genes[groups.first], middles.seconds, even * middles.trust


def without_own(groups: Groups, errors: Floats) -> Floats:
    """Returns left-out errors less the error that the other rows of the same architecture share; shape (n,).

    A model's error on an architecture is the same in all its rows. The rest is noise and the machine's level, as far as the
    architectures differ by more than their rows do.

    Args:
        groups: The architectures of the n rows.
        errors: Of log latency, from fits that have not seen the architecture, shape (n,).
    """
    if not groups.has_repeats:
        return errors
    others, middle = np.zeros(len(errors)), float(np.median(errors))
    for rows in groups.repeated.values():
        others[rows] = [np.median(np.delete(errors[rows], i)) - middle for i in range(len(rows))]
    means = np.bincount(groups.numbers, errors) / groups.sizes
    within = float(((errors - means[groups.numbers]) ** 2).sum()) / (len(errors) - len(groups))
    between = max(0.0, float(means.var()) - within * float((1.0 / groups.sizes).mean()))
    doubt = MEDIAN_VARIANCE * within / np.maximum(groups.sizes - 1, 1)
    kept = between / np.maximum(between + doubt, 1e-300)
    return np.asarray(errors - kept[groups.numbers] * others)
