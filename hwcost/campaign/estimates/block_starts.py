"""Log latencies of items, and noise, at which a search for the uncontended ones begins."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from hwcost._stats import quantile_of_each
from hwcost._types import Floats
from hwcost.campaign.estimates.block_table import BlockTable

QUANTILES = (0.2, 0.04)
"""Quantiles at which the search for the uncontended latency begins: of an item's blocks, or of what all have in common."""

COMMON_BLOCKS = 7
"""Neighbouring blocks whose median shows what all items have in common."""

FEW_BLOCKS = 25
"""Blocks of an item up to which its quickest one is a start: quantiles of so few miss a state that is rare for it."""

RARE = ((0.01, 7), (0.004, 3))
"""Quantiles and neighbouring blocks for a machine that is hardly ever uncontended: the rarer, the shorter it lasts."""

PASSES = 3
"""Times that items and what they have in common are determined by turns."""


def usual_starts(table: BlockTable) -> Iterator[Floats]:
    """Yields log latencies of all items, shape (items,), for one search after another.

    A machine that is uncontended for a small part of the time looks at first like a slower one that is all the time, so one
    start is not enough.

    Args:
        table: The blocks.
    """
    yield item_quantiles(table, QUANTILES[0])
    for quantile in QUANTILES:
        yield common_quantile(table, quantile, COMMON_BLOCKS)
    if np.bincount(table.item).min() <= FEW_BLOCKS:
        yield item_quantiles(table, 0.0)


def rare_starts(table: BlockTable) -> Iterator[Floats]:
    """Yields the same for a machine that is hardly ever uncontended.

    Args:
        table: The blocks.
    """
    for quantile, neighbours in RARE:
        yield common_quantile(table, quantile, neighbours)


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


def first_noise(table: BlockTable) -> float:
    """Returns the scale of noise by the differences between successive blocks of one item."""
    order = np.argsort(table.item, kind="stable")
    same = np.diff(table.item[order]) == 0
    steps = np.abs(np.diff(table.y[order]))[same]
    return max(1e-3, float(np.median(steps)) / 0.95) if len(steps) else 0.01
