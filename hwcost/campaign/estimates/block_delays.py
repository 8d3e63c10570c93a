"""The grid of delays that contended states may have: neighbours differ, come together, and meet a block in part."""

from __future__ import annotations

import math

import numpy as np

from hwcost._types import Floats

LEAST_DELAY = 0.02
"""Smallest log delay of a contended state; a smaller one is part of the level, or of noise."""

CLEAR_DELAY = 0.03
"""The same where few workloads run in turn: what a process does to one of them may look like a smaller delay."""

MOST_DELAY = 1.5
DELAY_RATIO = 1.1
"""Ratio between neighbouring delays of the grid."""

NO_DELAY: Floats = np.zeros(1)
"""The grid of a machine that is never contended."""


def delays_from(least: float) -> Floats:
    """Returns the log delay of every state of the machine: none, and those from the least one to ``MOST_DELAY``.

    Args:
        least: Smallest log delay of a contended state.
    """
    count = 1 + round(math.log(MOST_DELAY / least) / math.log(DELAY_RATIO))
    return np.concatenate([NO_DELAY, np.geomspace(least, MOST_DELAY, count)])
