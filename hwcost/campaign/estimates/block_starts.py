"""Log latencies of items at which a search for the uncontended ones begins."""

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
"""Blocks of an item up to which its quickest one is a start: the quantiles of so few miss a state that is rare for it."""

PASSES = 3
"""Times that items and what they have in common are determined by turns."""


def starts(table: BlockTable) -> Iterator[Floats]:
    """Yields log latencies of all items, shape (items,), for one search after another.

    A machine that is hardly ever uncontended looks at first like a slower one that is, so one start is not enough.

    Args:
        table: The blocks.
    """
    yield item_quantiles(table, QUANTILES[0])
    for quantile in QUANTILES:
        yield common_quantile(table, quantile)
    if np.bincount(table.item).min() <= FEW_BLOCKS:
        yield item_quantiles(table, 0.0)


def item_quantiles(table: BlockTable, quantile: float) -> Floats:
    """Returns a quantile of every item's blocks.

    Args:
        table: The blocks.
        quantile: Quantile, between 0 and 1.
    """
    return quantile_of_each(table.y, table.item, quantile)


def common_quantile(table: BlockTable, quantile: float) -> Floats:
    """Returns items as they are at a quantile of what all of them have in common over time.

    Few blocks of an item meet a rare state, but all items together do.

    Args:
        table: The blocks.
        quantile: Quantile, between 0 and 1.
    """
    from scipy.ndimage import median_filter

    common = np.zeros(len(table.y))
    for _ in range(PASSES):
        item = item_quantiles(replace(table, y=table.y - common), 0.5)
        common = median_filter(table.y - item[table.item], COMMON_BLOCKS, mode="nearest")
    return np.asarray(item + np.quantile(common, quantile))
