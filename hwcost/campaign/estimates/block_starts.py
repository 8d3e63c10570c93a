"""Log latencies of items at which a search for the uncontended ones begins."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from hwcost._stats import quantile_of_each
from hwcost._types import Floats
from hwcost.campaign.estimates.block_table import BlockTable

USUAL = ((0.2, 7), (0.04, 7))
"""Quantiles of what all items have in common at which the search for the uncontended latency begins, and the neighbouring
blocks whose median shows it."""

RARE = ((0.01, 7), (0.004, 3))
"""The same for a machine that is hardly ever uncontended: the rarer that is, the shorter it lasts."""

CLEAR = 0.04
"""Log time by which such a machine must be quicker than one that explains the blocks less well: a rare state that is closer to
others is a step of the level, or noise."""

FEW_BLOCKS = 40
"""Blocks of an item up to which its quickest one is a start too: the quantiles of so few miss a state that is rare for it."""

PASSES = 3
"""Times that items and what they have in common are determined by turns."""


def starts(table: BlockTable) -> Iterator[tuple[Floats, float]]:
    """Yields where one search after another begins: log latencies of all items, shape (items,), and the log time by which what
    it finds must be quicker than what was found before.

    A machine that is uncontended for a small part of the time looks at first like a slower one that is all the time, so one
    start is not enough. The quickest block of every item is among them where items have few blocks: items differ in how
    strongly they feel contention, which what they have in common leaves out.

    Args:
        table: The blocks.
    """
    for quantile, neighbours in USUAL:
        yield common_quantile(table, quantile, neighbours), 0.0
    for quantile, neighbours in RARE:
        yield common_quantile(table, quantile, neighbours), CLEAR
    if np.bincount(table.item).min() <= FEW_BLOCKS:
        yield item_quantiles(table, 0.0), CLEAR


def item_quantiles(table: BlockTable, quantile: float) -> Floats:
    """Returns a quantile of every item's blocks.

    Args:
        table: The blocks.
        quantile: Quantile, between 0 and 1.
    """
    return quantile_of_each(table.y, table.item, quantile)


def common_quantile(table: BlockTable, quantile: float, neighbours: int) -> Floats:
    """Returns items as they are at a quantile of what all of them have in common over time.

    Few blocks of an item meet a rare state, but all items together do.

    Args:
        table: The blocks.
        quantile: Quantile, between 0 and 1.
        neighbours: Number of neighbouring blocks whose median is what they have in common, odd.
    """
    from scipy.ndimage import median_filter

    common = np.zeros(len(table.y))
    for _ in range(PASSES):
        item = item_quantiles(replace(table, y=table.y - common), 0.5)
        common = median_filter(table.y - item[table.item], neighbours, mode="nearest")
    return np.asarray(item + np.quantile(common, quantile))
