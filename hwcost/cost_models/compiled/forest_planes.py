"""The sums of many architectures' leaves, by the bits of the numbers of the leaves, each in a plane of its own.

Every question that the trees ask is answered once, eight architectures in a byte. A tree is a network of selections by such
answers, one for each bit of the number of the leaf. The bits of trees that follow each other make one byte; eight by eight
bits are exchanged, so that a byte is no longer one bit of eight architectures, but all bits of one, and leads to the values
of these trees. They are added tree by tree, for the sum to be the library's to the last bit. NumPy does that here, and
:mod:`hwcost.cost_models.compiled.forest_kernels` as machine code.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwcost._types import Floats
from hwcost.cost_models.compiled.forest import Bytes, Forest

__all__ = ["BITS", "LOWER", "Planes", "by_bytes"]

ROWS = 8192
"""Architectures of a block, whose sums stay in the cache; a multiple of 64."""

TOGETHER = 64
"""Bytes of leaves' numbers that are found at a time for each architecture of a block."""

BITS = 8
"""Bits of a byte, and architectures whose answers a byte holds."""

Words = NDArray[np.uint64]

LOWER = {4: 0x0F0F0F0F0F0F0F0F, 2: 0x3333333333333333, 1: 0x5555555555555555}
"""The lower bits of each pair of neighbours that are so many bits wide, in eight bytes."""


def by_bytes(forest: Forest) -> tuple[NDArray[np.intp], NDArray[Any]]:
    """Divides trees among the bytes that hold the numbers of their leaves, the first tree in the lowest bits.

    Returns:
        Question of each node, shape (bytes, trees of a byte, nodes), and values of the leaves, shape (bytes, trees of a
        byte, leaves). Trees that fill the last byte up add nothing: minus zero.
    """
    asked, together = forest.questions[2], BITS // forest.depth
    missing = -len(asked) % together
    nodes = np.pad(asked, ((0, missing), (0, 0)))
    leaves = np.pad(forest.leaves, ((0, missing), (0, 0)), constant_values=-0.0)
    return nodes.reshape(-1, together, nodes.shape[1]), leaves.reshape(-1, together, leaves.shape[1])


class Planes:
    """The sums of a forest for many architectures.

    Args:
        forest: The forest.
    """

    def __init__(self, forest: Forest) -> None:
        self._columns, self._cuts, _ = forest.questions
        nodes, leaves = by_bytes(forest)
        self._depth, self._trees = forest.depth, nodes.shape[1]
        self._asked = np.ascontiguousarray(nodes.transpose(2, 1, 0))  # nodes, trees of a byte, bytes
        self._tables = _by_byte(leaves, self._depth)

    def __call__(self, ranks: Bytes) -> Floats:
        """Returns the sums by ranks (columns, n), shape (n,)."""
        blocks = [ranks[:, start : start + ROWS] for start in range(0, max(ranks.shape[1], 1), ROWS)]
        return np.concatenate([self._sums(block) for block in blocks])

    def _sums(self, ranks: Bytes) -> Floats:
        count = ranks.shape[1]
        answers = _packed(ranks[self._columns] >= self._cuts[:, None])
        shape = (BITS, BITS * answers.shape[1])
        places, kind = np.empty(shape, dtype=np.intp), self._tables.dtype
        values, sums = np.empty(shape, dtype=kind), np.zeros(shape, dtype=kind)
        for first in range(0, len(self._tables), TOGETHER):
            numbers = self._numbers(answers, slice(first, first + TOGETHER))
            for trees, found in zip(self._tables[first:], numbers, strict=False):
                np.copyto(places, found)
                for table in trees:
                    table.take(places, out=values, mode="clip")
                    np.add(sums, values, out=sums)
        return sums.T.ravel()[:count].astype(np.float64)

    def _numbers(self, answers: Words, which: slice) -> Bytes:
        """Returns bytes of leaves' numbers, shape (bytes, 8, n / 8): architecture 8 j + i stands in row i and column j."""
        asked = self._asked[..., which]
        planes = np.zeros((BITS, asked.shape[2], answers.shape[1]), dtype=np.uint64)
        by_tree = planes[: self._trees * self._depth].reshape(self._trees, self._depth, *planes.shape[1:])
        for place, bits in enumerate(reversed(_bits(answers, asked, self._depth))):
            by_tree[:, place] = bits
        _exchange(planes)
        return planes.view(np.uint8).swapaxes(0, 1)


def _by_byte(leaves: NDArray[Any], depth: int) -> NDArray[Any]:
    """Returns the values of the trees of each byte by the byte, shape (bytes, trees, different bytes)."""
    trees = np.arange(leaves.shape[1])[:, None]
    numbers = np.arange(2 ** (len(trees) * depth)) >> (depth * trees) & (2**depth - 1)
    return np.ascontiguousarray(leaves[:, trees, numbers])


def _packed(answers: NDArray[np.bool_]) -> Words:
    """Packs answers (questions, n) into bits, shape (questions, n / 64 rounded up)."""
    found = np.packbits(answers, axis=1, bitorder="little")
    return np.pad(found, ((0, 0), (0, -found.shape[1] % BITS))).view(np.uint64)


def _bits(answers: Words, asked: NDArray[np.intp], depth: int, node: int = 0) -> list[Words]:
    """Selects the bits of the number of the leaf below a node, the highest first.

    Args:
        answers: Answers to every question, shape (questions, words).
        asked: Question of each node of several trees, shape (nodes, ...).
        depth: Levels of nodes from this one on.
        node: Node that the network begins with.
    """
    here = answers.take(asked[node], axis=0)
    if depth == 1:
        return [here]
    left, right = (_bits(answers, asked, depth - 1, 2 * node + side) for side in (1, 2))
    return [here, *(_selected(here, *both) for both in zip(right, left, strict=True))]


def _selected(test: Words, right: Words, left: Words) -> Words:
    """Takes the bits of ``right`` where those of ``test`` are set, and of ``left`` where they are not."""
    found = left ^ right
    found &= test
    found ^= left
    return found


def _exchange(planes: Words) -> None:
    """Exchanges the planes and the bits of every byte: bit k of byte b in plane p becomes bit p of byte b in plane k."""
    for width, lower in LOWER.items():
        pairs = planes.reshape(-1, 2, width, *planes.shape[1:])
        low, high = pairs[:, 0], pairs[:, 1]
        moved = low >> np.uint64(width)
        moved ^= high
        moved &= np.uint64(lower)
        high ^= moved
        moved <<= np.uint64(width)
        low ^= moved
