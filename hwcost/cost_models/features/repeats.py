"""Several measurements of one architecture: their middle, how far apart they lie, and what a fit makes of them.

Fits see every architecture once. A net that was measured ten times says no more about other nets than one that was measured
once and well, and none of the ways in which a model chooses by rows left out may meet an architecture again.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hwcost._cached import cached_property
from hwcost._stats import MEDIAN_VARIANCE, median_deviation
from hwcost._types import Floats, Indices
from hwcost.cost_models.features.groups import Groups

FAR_OFF = float(np.log(1.5))
"""A measurement this far (log) from the middle of at least three, and further off than the others disagree, is left out."""

OUTLIER = 4.0
"""Robust standard deviations of the others within which a measurement still agrees with them."""

MISFIT = 0.05
"""Relative error that a fit is granted beside that of a net's middle: well measured nets count alike, doubtful ones less."""

FEW = 5
"""Fewest repeated architectures from which the usual disagreement of repeats is known."""


@dataclass(frozen=True)
class Middles:
    """The measurements of each architecture, merged.

    Attributes:
        groups: The architectures of the n rows.
        values: Median of three measurements or more, weighted mean of fewer, shape (architectures,).
        is_kept: Whether a row is anything but a gross outlier among at least three of its architecture, shape (n,).
        deviations: Log deviation of each kept row from the middle, as large as that of a single measurement from the truth;
            0 where there is no other row, shape (n,).
    """

    groups: Groups
    values: Floats
    is_kept: NDArray[np.bool_]
    deviations: Floats

    @classmethod
    def of(cls, groups: Groups, rows: Floats, weights: Floats) -> Middles:
        """Merges measured values (n,) with weights (n,)."""
        values = rows[groups.first]
        is_kept = np.ones(len(rows), dtype=bool)
        deviations = np.zeros(len(rows))
        pairs, of_pairs = groups.pairs
        first, second = of_pairs.T
        values[pairs] = (rows[first] * weights[first] + rows[second] * weights[second]) / (weights[first] + weights[second])
        deviations[of_pairs] = np.log(rows[of_pairs] / values[pairs, None]) * np.sqrt(2.0)
        for i, same in groups.repeated.items():
            if len(same) == 2:  # done above; either may be the outlier, so both are kept
                continue
            values[i] = np.median(rows[same])
            off = np.log(rows[same] / values[i])
            is_kept[same] = _is_kept(off)
            k = int(is_kept[same].sum())
            deviations[same] = np.where(is_kept[same], off * np.sqrt(k / (k - 1)), 0.0)
        return cls(groups, values, is_kept, deviations)

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


def _is_kept(off: Floats) -> NDArray[np.bool_]:
    """Returns which of three log deviations from a middle, or more, are small enough."""
    return np.asarray(np.abs(off) <= max(FAR_OFF, OUTLIER * median_deviation(off)))


def merged(groups: Groups, genes: Floats, values: Floats, weights: Floats) -> tuple[Floats, Floats, Floats]:
    """Returns genes, values and weights with one row per architecture; rows without repeats come back as they are.

    Args:
        groups: The architectures of the n rows.
        genes: Encoded genes, shape (n, genes).
        values: Measured values, shape (n,).
        weights: Weights of mean about 1, shape (n,).
    """
    if not groups.has_repeats:
        return genes, values, weights
    middles = Middles.of(groups, values, weights)
    even = np.bincount(groups.numbers, weights) / groups.sizes
    return genes[groups.first], middles.values, even * middles.trust


def without_own(groups: Groups, errors: Floats) -> Floats:
    """Returns left-out errors less the error that the other rows of the same architecture share; shape (n,).

    A model's error on an architecture is the same in all its rows. The rest is noise and the machine's level, as far as the
    architectures differ by more than their rows do.

    Args:
        groups: The architectures of the n rows.
        errors: Errors of log latency from fits that have not seen the architecture, shape (n,).
    """
    if not groups.has_repeats:
        return errors
    others, middle = np.zeros(len(errors)), float(np.median(errors))
    _, of_pairs = groups.pairs
    others[of_pairs] = errors[of_pairs[:, ::-1]] - middle
    for rows in (same for same in groups.repeated.values() if len(same) > 2):
        others[rows] = [np.median(np.delete(errors[rows], i)) - middle for i in range(len(rows))]
    means = np.bincount(groups.numbers, errors) / groups.sizes
    within = float(((errors - means[groups.numbers]) ** 2).sum()) / (len(errors) - len(groups))
    between = max(0.0, float(means.var()) - within * float((1.0 / groups.sizes).mean()))
    doubt = MEDIAN_VARIANCE * within / np.maximum(groups.sizes - 1, 1)
    kept = between / np.maximum(between + doubt, 1e-300)
    return np.asarray(errors - kept[groups.numbers] * others)
