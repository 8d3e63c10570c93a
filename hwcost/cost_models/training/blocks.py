"""Blocks of a table that was measured one value of a column after another, such as all nets on one device, then on others.

Between blocks, the machine's level is indistinguishable from what the column does. Within them it shows wherever the
order of the rows has nothing to do with the architectures.
"""

from __future__ import annotations

import numpy as np

from hwcost._types import Floats, Indices

FEWEST_ROWS = 20
"""Mean number of rows of a block from which a level within it can be estimated."""


def blocks_of(genes: Floats) -> Indices:
    """Returns the number of the block of each row, shape (n,); zero throughout where no column stands in blocks.

    Args:
        genes: Encoded architectures in the order of measurement, shape (n, genes).
    """
    n = len(genes)
    changes = np.diff(genes, axis=0) != 0
    is_slow = changes.sum(axis=0) < n / FEWEST_ROWS
    ends = changes[:, is_slow].any(axis=1)
    if 1 + ends.sum() > n / FEWEST_ROWS:
        return np.zeros(n, dtype=np.intp)
    return np.concatenate([[0], np.cumsum(ends)]).astype(np.intp)


def within(values: Floats, blocks: Indices) -> Floats:
    """Returns values (n,) less the middle of their block; as they are where there is one block alone.

    The middle is the mean of the middle half, which lies between two levels of equal shares, where a median is one of them.
    """
    if not blocks.any():
        return values
    middles = np.array([_middle(np.sort(values[blocks == number])) for number in range(int(blocks.max()) + 1)])
    return np.asarray(values - middles[blocks])


def _middle(ascending: Floats) -> float:
    """Returns the mean of the middle half of some values (Tukey's midmean)."""
    cut = len(ascending) // 4
    return float(ascending[cut : len(ascending) - cut].mean())
