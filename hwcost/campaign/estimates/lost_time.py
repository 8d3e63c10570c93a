"""Time that counters say others took, and that no block shows: what the latency may be too long by.

A hypervisor that takes a fifth of every block slows all of them alike, so that no model of blocks can tell it from a slower
machine. Its counter tells. What it took in blocks that look uncontended widens the interval; what the model of blocks found
as delay at that time is known already, and widens nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from hwcost._types import Floats, Indices
from hwcost.campaign.estimates.block_delays import LEAST_DELAY

if TYPE_CHECKING:
    from hwcost.campaign.estimates.block_model import BlockModel
    from hwcost.campaign.estimates.block_table import BlockTable
    from hwcost.timing.measurement import Visit

CLEAR = LEAST_DELAY
"""Log delay from which lost time leaves a workload unconfirmed: a smaller delay makes no contended state."""

MOST = 0.95
"""Share of a block's time that may be lost at most; of more, nothing is known."""

TOGETHER_S = 1.0
"""Seconds in which blocks share the delay that explains lost time: counters are read about twice as often."""


def lost_of_blocks(visits: Sequence[Visit]) -> Floats:
    """Returns the log delay that counters tell of every block, visit by visit, shape (blocks,); 0 where nothing was lost."""
    shares = [visit.conditions.get("block_lost_fraction") or np.zeros(len(visit.samples_s)) for visit in visits]
    return np.asarray(-np.log1p(-np.minimum(np.concatenate(shares), MOST)))


def lost_by_visit(visits: Sequence[Visit]) -> Floats:
    """Returns the mean log delay that counters tell of every visit, shape (visits,), where no model tells blocks apart."""
    number = np.repeat(np.arange(len(visits)), [len(visit.samples_s) for visit in visits])
    return np.asarray(np.bincount(number, lost_of_blocks(visits)) / np.bincount(number))


def unexplained(lost: Floats, table: BlockTable, number: Indices, model: BlockModel) -> Floats:
    """Returns the mean log delay that counters tell of every visit's uncontended blocks, shape (visits,).

    Args:
        lost: Log delay that counters tell of every block, shape (n,).
        table: The blocks.
        number: Index of each block's visit, shape (n,), without gaps.
        model: Block model that was fitted to them.
    """
    _, stretch = np.unique((table.time // TOGETHER_S).astype(np.int64), return_inverse=True)
    explained = np.bincount(stretch, -np.expm1(-model.delay)) / np.bincount(stretch)
    rest = np.maximum(0.0, lost + np.log1p(-explained)[stretch])
    weight = np.maximum(model.uncontended, 1e-9)
    return np.asarray(np.bincount(number, weight * rest) / np.bincount(number, weight))
