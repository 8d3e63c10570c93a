"""The blocks of a campaign as columns, and the segments of time in which the machine's level is taken to stand."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hwcost._types import Floats, Indices

SEGMENT_S = 15.0
"""Seconds of a process after which its level may have moved."""

LEVEL_STEP = 0.004
"""Usual movement of the level from one segment to the next, before a campaign shows its own."""


@dataclass(frozen=True, slots=True)
class BlockTable:
    """The blocks of a campaign in the order they ran.

    Attributes:
        y: Log latency, shape (n,).
        item: Index of its workload, shape (n,), without gaps.
        round: Index of its process, shape (n,), without gaps.
        time: Seconds at which it began, ascending, shape (n,).
        whole: Index of the workload that each item is a part of, shape (items,), where rows are parts of blocks; None where
            items are workloads.
        call: Index of the block that each row is a part of, shape (n,), without gaps; None likewise.
    """

    y: Floats
    item: Indices
    round: Indices
    time: Floats
    whole: Indices | None = None
    call: Indices | None = None

    @property
    def visit(self) -> Indices:
        """Index of the visit of each block, ``item * rounds + round``, shape (n,)."""
        return self.item * self.rounds + self.round

    @property
    def items(self) -> int:
        """Number of items."""
        return int(self.item.max()) + 1

    @property
    def workload(self) -> Indices:
        """Index of the workload of each row, shape (n,)."""
        return self.item if self.whole is None else self.whole[self.item]

    @property
    def workloads(self) -> int:
        """Number of workloads."""
        return self.items if self.whole is None else int(self.whole.max()) + 1

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


def companions(table: BlockTable, segment: Indices) -> Indices:
    """Counts the workloads that tell the level at each block: those of its segment, or those that ran in turn with it.

    Workloads of a process ran in turn where one's blocks begin before the other's have ended. The fewer there are, the less
    can the level that all of them met be distinguished from what the process does to each of them.

    Args:
        table: The blocks.
        segment: Segment of each block, from :func:`segments`, shape (n,).

    Returns:
        Number of workloads, the block's own included, whichever count is larger, shape (n,).
    """
    n = len(segment)
    _, first, visit = np.unique(table.visit, return_index=True, return_inverse=True)
    last = n - 1 - np.unique(table.visit[::-1], return_index=True)[1]
    order = np.argsort(first)
    is_apart = first[order][1:] > np.maximum.accumulate(last[order])[:-1]
    group = np.empty(len(first), dtype=np.intp)
    group[order] = np.append(0, np.cumsum(is_apart))
    inside = np.unique(segment * len(first) + visit) // len(first)
    return np.asarray(np.maximum(np.bincount(group)[group[visit]], np.bincount(inside)[segment]))
