"""Forests by NumPy alone, where numba is not installed.

One architecture: each rank of each column has, tree by tree, the bits of the nodes that it sends to the right; a few rows of
bits joined together are the answers of all nodes of all trees, and tables lead from a tree's bits to its leaf.

Many architectures: every question that the trees ask is answered once, eight architectures in a byte. A tree is a network of
selections by such answers, one for each bit of the number of the leaf, and the leaves' values are added tree by tree.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwcost._types import Floats
from hwcost.cost_models.forest import Bytes, Forest
from hwcost.cost_models.joint import JointTables
from hwcost.cost_models.ranks import OneByOne, Ranks

__all__ = ["ArrayEngine"]

ROWS = 8192
"""Architectures of a block, whose answers stay in the cache."""

CELLS = 2**16
"""Leaves that are looked up at a time: of so many architectures by so many trees."""

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
        blocks = [ranks[:, start : min(start + ROWS, count)] for start in range(0, max(count, 1), ROWS)]
        return np.concatenate([self._sums(block) for block in blocks])

    def _sums(self, ranks: Bytes) -> Floats:
        columns, cuts, asked = self._forest.questions
        answers = np.packbits(ranks[columns] >= cuts[:, None], axis=1, bitorder="little")
        count, width = ranks.shape[1], self._forest.leaves.shape[1]
        sums, some = np.zeros(count, dtype=self._leaves.dtype), max(1, CELLS // max(count, 1))
        for first in range(0, len(asked), some):
            numbers = _numbers(answers[asked[first : first + some].T], self._depth, count)
            numbers += width * np.arange(first, first + len(numbers))[:, None]
            values = self._leaves[numbers]
            values[0] += sums
            sums = np.add.accumulate(values, axis=0)[-1]  # in order, by its definition
        return sums.astype(np.float64)

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


def _numbers(answers: NDArray[np.uint8], depth: int, count: int) -> NDArray[np.intp]:
    """Returns the leaves of trees (trees, count) by the packed answers of their nodes (nodes, trees, bytes)."""
    found = np.zeros((answers.shape[1], 8 * answers.shape[2]), dtype=np.uint8)
    for bits in _bits(answers, depth):
        found <<= 1
        found |= np.unpackbits(bits, axis=1, bitorder="little")
    return found[:, :count].astype(np.intp)


def _bits(answers: NDArray[np.uint8], depth: int, node: int = 0) -> list[NDArray[np.uint8]]:
    """Selects the bits of the number of the leaf below a node, the highest first."""
    here = answers[node]
    if depth == 1:
        return [here]
    left, right = (_bits(answers, depth - 1, 2 * node + side) for side in (1, 2))
    return [here, *(one ^ ((one ^ other) & here) for one, other in zip(left, right, strict=True))]


def _paths(depth: int) -> NDArray[np.intp]:
    """Returns the leaf that each combination of the nodes' answers leads to, shape (2 ** nodes,)."""
    answers = np.arange(2 ** (2**depth - 1))
    leaf = np.zeros(len(answers), dtype=np.intp)
    for level in range(depth):
        leaf = 2 * leaf + ((answers >> (2**level - 1 + leaf)) & 1)
    return leaf
