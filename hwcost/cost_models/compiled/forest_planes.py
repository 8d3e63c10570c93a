"""The sums of many architectures' leaves, by the bits of the numbers of the leaves, each in a plane of its own.

Every question that the trees ask is answered once, eight architectures in a byte. A tree is a network of selections by such
answers, one for each bit of the number of the leaf. The bits of several architectures, which stand far apart, make one byte;
eight by eight bits are exchanged, so that a byte is no longer one bit of eight architectures, but all bits of a few, and
leads to their values. They are added tree by tree, for the sum to be the library's to the last bit. NumPy does that here,
and :mod:`hwcost.cost_models.compiled.forest_kernels` as machine code, with the bits of several trees in a byte.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hwcost._types import Floats
from hwcost.cost_models.compiled.forest import Bytes, Forest

__all__ = ["BITS", "LOWER", "Planes"]

ROWS = 16_384
"""Architectures of a block, whose sums stay in the cache; a multiple of 64 times ``SHARING``."""

TOGETHER = 64
"""Trees whose leaves' numbers are found at a time for a block."""

LANES = 64
"""Architectures of a word of answers."""

BITS = 8
"""Bits of a byte, and architectures whose answers a byte holds."""

SHARING = 4
"""Architectures that share a byte at the most: NumPy is quick to look up so many numbers of 64 bits at once."""

Words = NDArray[np.uint64]

LOWER = {4: 0x0F0F0F0F0F0F0F0F, 2: 0x3333333333333333, 1: 0x5555555555555555}
"""The lower bits of each pair of neighbours that are so many bits wide, in eight bytes."""


class Planes:
    """The sums of a forest for many architectures.

    Args:
        forest: The forest.
    """

    def __init__(self, forest: Forest) -> None:
        self._columns, self._cuts, asked = forest.questions
        self._depth, self._asked = forest.depth, np.ascontiguousarray(asked.T)  # nodes, trees
        self._parts = 1 << min(SHARING, BITS // forest.depth).bit_length() - 1
        self._rows = BITS // self._parts  # of a part in a byte of answers; and bits of each one's number
        numbers = np.arange(2**BITS)[:, None] >> self._rows * np.arange(self._parts) & (2**self._depth - 1)
        self._tables = np.ascontiguousarray(forest.leaves[:, numbers])  # trees, bytes, parts

    def __call__(self, ranks: Bytes) -> Floats:
        """Returns the sums by ranks (columns, n), shape (n,)."""
        blocks = [ranks[:, start : start + ROWS] for start in range(0, ranks.shape[1], ROWS)]
        return np.concatenate([np.empty(0), *(self._sums(block) for block in blocks)])

    def _sums(self, ranks: Bytes) -> Floats:
        """Adds up the leaves of a block, each byte of whose answers has rows of all parts."""
        count = ranks.shape[1]
        filled = np.pad(ranks, ((0, 0), (0, -count % (LANES * self._parts))))
        rows = filled.reshape(len(ranks), self._parts, -1, self._rows).swapaxes(1, 2).reshape(filled.shape)
        answers = np.packbits(rows[self._columns] >= self._cuts[:, None], axis=1, bitorder="little").view(np.uint64)
        shape, kind = (self._parts, self._rows, filled.shape[1] // LANES * BITS // self._parts), self._tables.dtype
        places = np.empty(shape, dtype=np.intp)
        values, sums = np.empty((*shape, self._parts), dtype=kind), np.zeros((*shape, self._parts), dtype=kind)
        for first in range(0, len(self._tables), TOGETHER):
            numbers = self._numbers(answers, slice(first, first + TOGETHER))
            for table, found in zip(self._tables[first:], numbers, strict=False):
                np.copyto(places, found)
                table.take(places, axis=0, out=values, mode="clip")
                np.add(sums, values, out=sums)
        return sums.transpose(3, 0, 2, 1).ravel()[:count].astype(np.float64)

    def _numbers(self, answers: Words, which: slice) -> Bytes:
        """Returns the bytes of leaves' numbers, which lead to the values of one row of every part.

        Returns:
            Shape (trees, groups of words, rows of a byte of answers, bytes of answers).
        """
        asked = self._asked[:, which]
        planes = np.zeros((self._parts, self._rows, asked.shape[1], answers.shape[1] // self._parts), dtype=np.uint64)
        for place, bits in enumerate(reversed(_bits(answers, asked, self._depth))):
            planes[:, place] = bits.reshape(len(bits), self._parts, -1).swapaxes(0, 1)
        _exchange(planes)
        return planes.view(np.uint8).transpose(2, 0, 1, 3)


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
    """Takes the bits of ``right``, which is written over, where those of ``test`` are set, and else those of ``left``."""
    right ^= left
    right &= test
    right ^= left
    return right


def _exchange(planes: Words) -> None:
    """Exchanges planes and bits: bit k of a part of a byte in plane p becomes bit p of that part in plane k.

    Args:
        planes: The planes, as many a group as a part has bits, shape (groups, planes, ...).
    """
    for width, lower in LOWER.items():
        if width >= planes.shape[1]:
            continue
        pairs = planes.reshape(-1, 2, width, *planes.shape[2:])
        low, high = pairs[:, 0], pairs[:, 1]
        moved = low >> np.uint64(width)
        moved ^= high
        moved &= np.uint64(lower)
        high ^= moved
        moved <<= np.uint64(width)
        low ^= moved
