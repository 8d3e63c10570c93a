"""What blocks say that were timed slice by slice: the seconds of a call between the loads of others, and what those took.

On a crowded machine other loads come and go within the blocks, so that hardly any block is uncontended as a whole, though
many of its calls are. Every block tells the seconds per call of its quick slices, those that were at most a fifth slower
than its quickest one (``block_quick_s``; see :func:`hwcost.agent.timer.sliced_timing`); the latency of a workload is theirs.

Where blocks show that loads come and go within them, these do so within slices too, of which many are slowed by less than a
fifth. Then the latency is that of the quickest slices, within a tenth (``block_quickest_s``). It is not elsewhere: it would
be too short by a part of the noise of noisy slices.

Some calls are slow on any machine: each tenth one, say, that tidies memory up. Slices cannot tell them from a neighbour that
never pauses for as long as a block. What even the least disturbed blocks of a workload lose may be its own, and widens the
interval.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hwcost._types import Floats, Indices

if TYPE_CHECKING:
    from hwcost.timing.measurement import Visit

LOSING, LOSS = 0.75, 0.02
"""Loads come and go within blocks where this quantile of the log delays that quick slices leave out is larger than that."""

LEAST = 0.05
"""Quantile of the blocks of a workload, by what they lose, which are the least disturbed ones."""

LEAST_OF_ALL = 0.005
"""The same of the blocks of all workloads."""

SEVERAL = 4
"""Number of workloads from which they show how little neighbours take from the least disturbed blocks."""


@dataclass(frozen=True, slots=True)
class SlicedBlocks:
    """The blocks of a campaign, visit by visit.

    Attributes:
        y: Log seconds per call, shape (blocks,): of the quick slices or of the quickest ones; of whole blocks where those of
            a workload were not all timed slice by slice.
        left_out: Log delay that is left out of each of them, shape (blocks,).
    """

    y: Floats
    left_out: Floats


def sliced_blocks(visits: Sequence[Visit]) -> SlicedBlocks:
    """Takes what the slices of the blocks say: the quick ones, or the quickest ones where loads come and go within blocks.

    Args:
        visits: Usable visits; where former records among them have quick slices alone, these are taken.
    """
    quick = _of_slices(visits, "block_quick_s")
    is_known = all(visit.conditions.get("block_quickest_s") for visit in visits if visit.conditions.get("block_quick_s"))
    return _of_slices(visits, "block_quickest_s") if is_known and come_and_go(quick.left_out) else quick


def _of_slices(visits: Sequence[Visit], fact: str) -> SlicedBlocks:
    """Takes what some of the slices say.

    Args:
        visits: Usable visits.
        fact: Name of the fact that holds their seconds per call.
    """
    item = np.unique([visit.workload_key for visit in visits], return_inverse=True)[1]
    whole = np.array([not visit.conditions.get(fact) for visit in visits])
    is_whole = np.bincount(item, whole)[item] > 0
    seconds = [
        visit.samples_s if apart else visit.conditions[fact]
        for visit, apart in zip(visits, is_whole.tolist(), strict=True)
    ]
    y = np.log(np.concatenate(seconds))
    left_out = np.maximum(0.0, np.log(np.concatenate([visit.samples_s for visit in visits])) - y)
    return SlicedBlocks(y, left_out)


def come_and_go(left_out: Floats) -> bool:
    """Says whether other loads came and went within the blocks of a campaign.

    Args:
        left_out: Log delay that the quick slices of each block leave out, shape (blocks,).
    """
    return float(np.quantile(left_out, LOSING)) > LOSS


def own_part(left_out: Floats, item: Indices) -> Floats:
    """Returns the log delay that may be the own one of each block's workload, shape (blocks,).

    A neighbour disturbs all workloads alike: what the least disturbed blocks of one lose beyond those of the others may be
    its own, and so may be what hardly a block of any does not lose.

    Args:
        left_out: Log delay that the slices of each block show and no counter explains, shape (blocks,).
        item: Index of its workload, shape (blocks,), without gaps.
    """
    least = np.array([np.quantile(left_out[item == k], LEAST) for k in range(int(item.max()) + 1)])
    if len(least) >= SEVERAL:
        least = np.maximum(0.0, least - np.median(least)) + min(float(np.quantile(left_out, LEAST_OF_ALL)), np.median(least))
    return np.asarray(least[item])
