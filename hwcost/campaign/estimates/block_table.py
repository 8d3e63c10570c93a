"""The blocks of a campaign as columns, and the segments of time in which the machine's level is taken to stand."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hwcost._types import Floats, Indices

SEGMENT_S = 15.0
"""Seconds of a process after which its level may have moved."""


@dataclass(frozen=True, slots=True)
class BlockTable:
    """The blocks of a campaign in the order they ran.

    Attributes:
        y: Log latency, shape (n,).
        item: Index of its workload, shape (n,), without gaps.
        round: Index of its process, shape (n,), without gaps.
        time: Seconds at which it began, ascending, shape (n,).
    """

    y: Floats
    item: Indices
    round: Indices
    time: Floats

    @property
    def visit(self) -> Indices:
        """Index of the visit of each block, ``item * rounds + round``, shape (n,)."""
        return self.item * self.rounds + self.round

    @property
    def items(self) -> int:
        """Number of items."""
        return int(self.item.max()) + 1

    @property
    def rounds(self) -> int:
        """Number of processes."""
        return int(self.round.max()) + 1


def segments(time: Floats, round: Indices) -> Indices:
    """Divides every process into stretches of some ``SEGMENT_S`` seconds.

    Args:
        time: Seconds at which each block began, ascending, shape (n,).
        round: Index of its process, shape (n,).

    Returns:
        Index of each block's segment, ascending over time and without gaps, shape (n,).
    """
    found, first = np.zeros(len(time), dtype=np.intp), 0
    for number in dict.fromkeys(round.tolist()):
        rows = np.flatnonzero(round == number)
        since = time[rows] - time[rows[0]]
        count = max(1, int(np.rint(since[-1] / SEGMENT_S)))
        _, inside = np.unique(np.minimum(since / max(since[-1], 1e-9) * count, count - 1).astype(int), return_inverse=True)
        found[rows] = first + inside
        first += int(inside.max()) + 1
    return found
