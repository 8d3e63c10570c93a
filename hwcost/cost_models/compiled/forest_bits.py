"""The sum of one architecture's leaves, by the bits of the nodes that send it to the right.

Each rank of each column has, tree by tree, the bits of the nodes that it sends to the right. The rows of an architecture's
ranks joined together are the answers of all nodes of all trees; a table leads from a tree's bits to its leaf. The leaves are
added one after the other, for the sum to be the library's to the last bit. NumPy does that here, and
:mod:`hwcost.cost_models.compiled.native` with the same arrays.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwcost.cost_models.compiled.forest import Bytes, Forest

__all__ = ["TABLED", "TOGETHER", "NodeBits"]

TABLED = 4
"""Levels of a tree that one table leads through: 15 nodes, 15 bits."""

TOGETHER = 128
"""Trees whose bits machine code joins at a time. Trees that add nothing, minus zero, fill their number up to a multiple."""


class NodeBits:
    """A forest as bits of nodes.

    Args:
        forest: The forest.

    Attributes:
        depth: Depth of the trees.
        rows: Bits of the nodes, shape (ranks of all columns, trees).
        starts: Row of the lowest rank of each column.
        paths: Leaf of a tree, or node below the levels that are tabled, by the bits of the nodes above.
        leaves: Values of the leaves, shape (trees, leaves).
    """

    def __init__(self, forest: Forest) -> None:
        self.depth, nodes = forest.depth, forest.columns.shape[1]
        kind = np.uint16 if nodes <= 15 else np.uint32 if nodes <= 31 else np.uint64
        powers = np.left_shift(np.ones(nodes, dtype=kind), np.arange(nodes, dtype=kind))
        counts = [len(known) + 1 for known in forest.thresholds]
        missing = -len(forest.leaves) % TOGETHER
        self.starts = np.cumsum([0, *counts], dtype=np.int64)[:-1]
        self.rows = np.zeros((sum(counts), len(forest.leaves) + missing), dtype=kind)
        for place, (start, count) in enumerate(zip(self.starts.tolist(), counts, strict=True)):
            asked = forest.columns == place
            for rank in range(count):
                bits = ((asked & (forest.cuts <= rank)) * powers).sum(axis=1, dtype=kind)
                self.rows[start + rank, : len(bits)] = bits
        self.paths = _paths(min(self.depth, TABLED))
        self.leaves: NDArray[Any] = np.pad(forest.leaves, ((0, missing), (0, 0)), constant_values=-0.0)
        self._first = np.arange(len(self.leaves), dtype=np.intp) * self.leaves.shape[1]

    def __call__(self, ranks: bytes) -> float:
        """Returns the sum of one architecture by its ranks."""
        rows = np.frombuffer(ranks, np.uint8, len(self.starts)) + self.starts
        bits = np.bitwise_or.reduce(self.rows.take(rows, axis=0), axis=0)
        above = bits if self.depth <= TABLED else (bits & bits.dtype.type(len(self.paths) - 1)).astype(np.intp)
        leaf = self.paths.take(above, mode="clip")
        for level in range(TABLED, self.depth):
            node = leaf + bits.dtype.type(2**level - 1)
            leaf = 2 * leaf + ((bits >> node) & bits.dtype.type(1)).astype(np.uint8)
        return float(np.add.accumulate(self.leaves.take(self._first + leaf))[-1]) + 0.0  # never minus zero


def _paths(depth: int) -> Bytes:
    """Returns the leaf that each combination of the nodes' answers leads to, shape (2 ** nodes,)."""
    answers = np.arange(2 ** (2**depth - 1))
    leaf = np.zeros(len(answers), dtype=np.intp)
    for level in range(depth):
        leaf = 2 * leaf + ((answers >> (2**level - 1 + leaf)) & 1)
    return leaf.astype(np.uint8)
