"""Whether the quickest state of a contended machine is the uncontended one: what the blocks say for it and against it.

A machine that pauses between its neighbours' bursts shows many blocks of one latency and few that are slightly slower. Where
blocks thin out evenly towards the quick end, the quickest of them are the end of a range, and whatever is uncontended may be
quicker still, by a share of the distance in which they thin out. And nothing speeds a block up: where several are far
quicker than the quickest state, that state was not the uncontended one, however well it describes all others.
"""

from __future__ import annotations

import numpy as np

from hwcost._types import Floats

NEAR = 0.02
"""Log latencies about that of the uncontended state within which a block counts as its own."""

ABOVE = (0.03, 0.11)
"""Log delays whose blocks show how many would lie near the uncontended state without it."""

RATIO = 2.0
"""Least number of blocks near an evident uncontended state over those of an equal stretch above it."""

BLOCKS = 40.0
"""Least number of uncontended blocks where the state is evident: fewer may be some neighbour's quiet state."""

UNSEEN, QUICK_PART = 0.3, 0.25
"""Share of the distance from the quickest state to this quantile of the blocks that is a standard deviation of how much
quicker the machine may be; by simulated hosts whose neighbours slow blocks by any amount."""

CLEAR = 0.04
"""Log time by which a rare state must be quicker than the one before it: what is closer is a step of the level."""

RARE_BLOCKS = 3.0
"""Least number of blocks of a rare state: one without any is none, however well delays about it describe others."""

MEDIAN = 0.6745
"""Median of the absolute values of a standard normal distribution."""

QUICKER = 4.0
"""Scales of the noise beyond which a block is quicker than the uncontended state."""

QUICKER_BLOCKS, QUICKER_SHARE = 3, 0.003
"""Least number of such blocks, and least share of them, that is not taken for an accident."""


def is_evident(residual: Floats, uncontended: Floats, blocks: int) -> bool:
    """Says whether the uncontended state stands out from what is slightly slower.

    Args:
        residual: Log latency of each row less its uncontended one, shape (n,).
        uncontended: Probability that each row is uncontended, shape (n,).
        blocks: Number of blocks, of which rows may be parts.
    """
    rows = len(residual) / blocks
    near = int((np.abs(residual) <= NEAR).sum()) / (2 * NEAR)
    above = int(((residual > ABOVE[0]) & (residual <= ABOVE[1])).sum()) / (ABOVE[1] - ABOVE[0])
    return float(uncontended.sum()) >= BLOCKS * rows and near >= RATIO * above


def unseen(residual: Floats, noise: float) -> float:
    """Returns the standard deviation of what the machine may be quicker than its quickest state, where that is not evident.

    It is a share of the distance in which blocks thin out towards the quick end.

    Args:
        residual: Log latency of each row less its uncontended one, shape (n,).
        noise: Scale of the noise of a block.
    """
    return UNSEEN * max(0.0, float(np.quantile(residual, QUICK_PART)) - noise)


def is_rare_state(shift: Floats, uncontended: Floats, blocks: int) -> bool:
    """Says whether a quicker machine, that explains the blocks better, may be the uncontended one.

    Args:
        shift: Log latency of every item on that machine less the one of before, shape (items,).
        uncontended: Probability that each row saw that machine, shape (n,).
        blocks: Number of blocks, of which rows may be parts.
    """
    return float(np.median(shift)) < -CLEAR and float(uncontended.sum()) >= RARE_BLOCKS * len(uncontended) / blocks


def quicker_by(residual: Floats, noise: float, blocks: int) -> float:
    """Returns by how much the quickest blocks are quicker than the uncontended state on the log scale; 0 where none are.

    Args:
        residual: Log latency of each row less its uncontended one, shape (n,).
        noise: Scale of the noise, of which that of quick blocks may be larger.
        blocks: Number of blocks, of which rows may be parts.
    """
    quick = -residual[residual < 0]
    if not len(quick):
        return 0.0
    scale = max(noise, float(np.median(quick)) / MEDIAN)
    depth = quick[quick > max(QUICKER * scale, NEAR)]
    least = max(QUICKER_BLOCKS, QUICKER_SHARE * blocks) * len(residual) / blocks
    return float(depth.max()) if len(depth) >= least else 0.0
