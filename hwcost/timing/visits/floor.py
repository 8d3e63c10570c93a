"""The quickest blocks of a workload: a neighbour that computes in bursts leaves them as they are, a trend does not."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

HEIGHT = 0.03
"""Blocks slower than the quickest ones by this share at most are on the floor; more than noise, less than a neighbour."""

LEAST_SHARE = 0.3
"""Least share of the blocks on a floor: what swings, rises or falls leaves any height sooner."""

QUICKEST = 10
"""One in so many blocks is quicker than what counts as the quickest."""


def is_level(blocks: Sequence[float], tolerance: float) -> bool:
    """Says whether many blocks are about as quick as the quickest, and the quickest of each third show no trend.

    One third may be slower than the others, by a burst that lasts as long; a trend goes on from the first to the second and
    from the second to the last.

    Args:
        blocks: Seconds per call, in the order measured; at least three.
        tolerance: Relative change from one third to the next that does not count as a trend.
    """
    floor = _quickest(blocks)
    share = statistics.fmean(block <= (1.0 + HEIGHT) * floor for block in blocks)
    third = len(blocks) // 3
    first, middle, last = (_quickest(part) for part in (blocks[:third], blocks[third:-third], blocks[-third:]))
    steps = sorted([(middle - first) / floor, (last - middle) / floor])
    return share >= LEAST_SHARE and not steps[0] > tolerance and not steps[1] < -tolerance


def _quickest(blocks: Sequence[float]) -> float:
    return sorted(blocks)[len(blocks) // QUICKEST]
