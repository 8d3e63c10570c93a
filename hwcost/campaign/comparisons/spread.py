"""How far repeated values lie apart, pooled over groups that share their spread.

From few repeats it is the pooled standard deviation, from more a robust one, which single outliers hardly change.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hwcost._stats import median_deviation
from hwcost._types import Floats

FEWEST_REPEATS = 3
"""Values beyond the first of each group below which their spread is unknown."""

FEWEST_ROBUST = 10
"""Values beyond the first of each group from which outliers are clipped; of fewer it is not known which are."""

CLIP = 1.5
"""Standard deviations at which values are clipped (Huber)."""

KEPT = 0.7783
"""Mean square of clipped standard normal values: makes the clipped standard deviation right for normal noise."""

EFFICIENCY = 0.725
"""Variance of the logarithm of the plain standard deviation over that of the clipped one, for normal noise."""

PASSES = 50


@dataclass(frozen=True, slots=True)
class Spread:
    """A standard deviation and how well it is known.

    Attributes:
        sd: Standard deviation of one value about its group.
        dof: Degrees of freedom of ``sd``.
    """

    sd: float
    dof: float


def spread_of(groups: Sequence[Sequence[float]], robust_from: int = FEWEST_ROBUST) -> Spread | None:
    """Estimates the standard deviation that groups of values share, each about a mean of its own; None with too few values.

    The robust one is Huber's proposal 2 with the groups' means, or the medians of large groups, taken out; it has the
    degrees of freedom of a plain one that is known as exactly.

    Args:
        groups: Values of each group.
        robust_from: Degrees of freedom from which the spread, and values from which the centre of a group, is robust.

    Source: P. J. Huber and E. M. Ronchetti, Robust Statistics, 2nd edition, section 6.4 (proposal 2).
    """
    repeated = [np.asarray(values, dtype=np.float64) for values in groups if len(values) > 1]
    dof = sum(len(values) - 1 for values in repeated)
    if dof < FEWEST_REPEATS:
        return None
    centres = [np.median(values) if len(values) >= robust_from else values.mean() for values in repeated]
    rest = np.concatenate([values - centre for values, centre in zip(repeated, centres, strict=True)])
    if dof < robust_from:
        return Spread(float(np.sqrt((rest**2).sum() / dof)), float(dof))
    share = np.concatenate([np.full(len(values), 1.0 - 1.0 / len(values)) for values in repeated])
    return Spread(_clipped_sd(rest / np.sqrt(share), share), EFFICIENCY * dof)


def _clipped_sd(values: Floats, weight: Floats) -> float:
    """Returns the standard deviation about zero of which clipped values have the mean square that they should have.

    Args:
        values: Shape (n,).
        weight: Degrees of freedom that each one counts as, shape (n,).
    """
    found = median_deviation(values) or float(np.sqrt((weight * values**2).sum() / weight.sum()))
    for _ in range(PASSES):
        clipped = np.minimum(values**2, (CLIP * found) ** 2)
        found, last = float(np.sqrt((weight * clipped).sum() / (KEPT * weight.sum()))), found
        if abs(found - last) <= 1e-6 * found:
            break
    return found
