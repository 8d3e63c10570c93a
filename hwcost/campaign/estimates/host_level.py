"""How far the mean level of a campaign may be from those of other minutes, where others share the machine's host.

Guests of one host share caches and memory: a guest sees of the others only that its own level moves, and the levels of two
campaigns a few minutes apart differ by more than either one shows within itself. Over time the level is taken for a
stationary process that forgets where it was (Ornstein and Uhlenbeck)::

    covariance of level(t), level(s) = variance * exp(-|t - s| / FORGOTTEN_S)

Steps from one segment to the next tell the variance; the longer a campaign takes, or the further apart its processes lie,
the more independent levels it has seen.

Source: G. E. Uhlenbeck and L. S. Ornstein, On the Theory of the Brownian Motion, Physical Review 36, 1930.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from hwcost._types import Floats, Indices
from hwcost.campaign.estimates.block_table import LEVEL_STEP, SEGMENT_S

FORGOTTEN_S = 40.0
"""Seconds after which a host's level hardly knows where it was.

On two-core guests of busy hosts, 124 pairs of campaigns of one minute, at most ten minutes apart, then agree within both
intervals in 95 % of their workloads, with half as many seconds in less than 90 %, with none in 72 %. Of 504 pairs some hours
apart it is 88 %.
"""


def level_error(time: Floats, segment: Indices, uncontended: Floats, step: float) -> float:
    """Returns the standard error of a campaign's mean level, as a sample of the levels of its host.

    Args:
        time: Seconds at which each block began, shape (n,).
        segment: Index of each block's segment, shape (n,), without gaps.
        uncontended: Probability that each block saw the uncontended machine, shape (n,).
        step: Standard deviation of a step of the level from one segment to the next.
    """
    seen = np.bincount(segment, uncontended + 1e-9)
    share, middle = seen / seen.sum(), np.bincount(segment, time) / np.bincount(segment)
    return _sd(step) * math.sqrt(_alike(share.tolist(), np.diff(middle, prepend=middle[0]).tolist()))


def usual_error(seconds: float, step: float = LEVEL_STEP) -> float:
    """Returns the same of a campaign that is yet to be made.

    Args:
        seconds: Seconds that it will take.
        step: Standard deviation of a step of the level, as is usual.
    """
    count = max(1, round(seconds / SEGMENT_S))
    return _sd(step) * math.sqrt(_alike([1.0 / count] * count, [seconds / count] * count))


def _sd(step: float) -> float:
    """Returns the standard deviation of a level that moves by such steps."""
    return step / math.sqrt(2.0 * (1.0 - math.exp(-SEGMENT_S / FORGOTTEN_S)))


def _alike(shares: Sequence[float], gaps_s: Sequence[float]) -> float:
    """Returns the mean correlation of the levels of all pairs of segments, each weighted by its share.

    Args:
        shares: Share of the campaign's blocks in each segment.
        gaps_s: Seconds since the segment before.
    """
    found = before = 0.0  # before: shares of all earlier segments, each as far as it is remembered
    for share, gap_s in zip(shares, gaps_s, strict=True):
        before *= math.exp(-gap_s / FORGOTTEN_S)
        found += share * (share + 2.0 * before)
        before += share
    return found
