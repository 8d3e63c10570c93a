"""Forests by NumPy alone, where numba is not installed.

One architecture: each rank of each column has, tree by tree, the bits of the nodes that it sends to the right; a few rows of
bits joined together are the answers of all nodes of all trees, and tables lead from a tree's bits to its leaf.

Many architectures: see :mod:`hwcost.cost_models.compiled.forest_planes`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwcost._cached import cached_property
from hwcost._types import Floats
from hwcost.cost_models.compiled.forest import Bytes, Forest
from hwcost.cost_models.compiled.forest_planes import Planes
from hwcost.cost_models.compiled.ranks import OneByOne, Ranks
from hwcost.cost_models.features.joint import JointTables

__all__ = ["ArrayEngine"]

TABLED = 4
"""Levels of a tree that one table leads through: 15 nodes, 15 bits."""


class ArrayEngine:
    """A forest by NumPy.

    Args:
        forest: The forest.
    """

    name = "arrays"

    def __init__(self, forest: Forest) -> None:
        self._forest, self._depth, nodes = forest, forest.depth, forest.columns.shape[1]
        kind = np.uint16 if nodes <= 15 else np.uint32 if nodes <= 31 else np.uint64
        powers = np.left_shift(np.ones(nodes, dtype=kind), np.arange(nodes, dtype=kind))
        counts = [len(known) + 1 for known in forest.thresholds]
        self._starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
        self._bits = np.zeros((sum(counts), len(forest.leaves)), dtype=kind)
        for place, (start, count) in enumerate(zip(self._starts.tolist(), counts, strict=True)):
            asked = forest.columns == place
            for rank in range(count):
                self._bits[start + rank] = ((asked & (forest.cuts <= rank)) * powers).sum(axis=1, dtype=kind)
        self._paths = _paths(min(self._depth, TABLED))
        self._leaves = forest.leaves.ravel()
        self._first = np.arange(len(forest.leaves), dtype=np.intp) * forest.leaves.shape[1]

    def many(self, ranks: Bytes, count: int) -> Floats:
        """Returns the sums of the first ``count`` architectures by their ranks (columns, n), shape (count,)."""
        return self._planes(ranks[:, :count])

    @cached_property
    def _planes(self) -> Planes:
        return Planes(self._forest)

    def one(self, ranks: bytes) -> float:
        """Returns the sum of one architecture by its ranks."""
        rows = np.frombuffer(ranks, np.uint8, len(self._starts)) + self._starts
        bits = np.bitwise_or.reduce(self._bits[rows], axis=0)
        leaf = self._paths[bits & bits.dtype.type(len(self._paths) - 1)]
        for level in range(TABLED, self._depth):
            node = leaf + bits.dtype.type(2**level - 1)
            leaf = 2 * leaf + ((bits >> node.astype(bits.dtype)) & bits.dtype.type(1)).astype(np.intp)
        return float(np.add.accumulate(self._leaves[self._first + leaf])[-1])

    def question(self, ranks: Ranks, table: JointTables | None = None) -> Callable[[tuple[Any, ...]], Any] | None:
        """Returns the function of one architecture's values; None with a table, which this engine does not add up."""
        if table is not None:
            return None
        row = OneByOne(ranks)

        def one(genes: tuple[Any, ...]) -> float | None:
            try:
                found = row(genes)
            except (KeyError, TypeError):
                return None
            return self.one(found)

        return one


def _paths(depth: int) -> NDArray[np.intp]:
    """Returns the leaf that each combination of the nodes' answers leads to, shape (2 ** nodes,)."""
    answers = np.arange(2 ** (2**depth - 1))
    leaf = np.zeros(len(answers), dtype=np.intp)
    for level in range(depth):
        leaf = 2 * leaf + ((answers >> (2**level - 1 + leaf)) & 1)
    return leaf
