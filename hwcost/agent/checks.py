"""What is found of a workload once a round: whether twice the calls cost twice, and what calls with empty caches cost."""

from __future__ import annotations

import statistics
from typing import Any, Optional

from .timer import Timing, time_block

CHEAP = 0.17
"""Share of a visit's least time that a check may take in every round."""

LEAST_RATIO = 1.3
"""Twice the calls that cost less than this times as much were not all executed."""

TRIES = 4
"""Pairs of blocks before a low ratio is believed: a machine may be slowed while the single block runs."""

COLD_CALLS = 3
"""Calls that are timed right after the caches were emptied."""


def repeat_ratio(timing: Timing, calls: int, block_s: float) -> float:
    """Times twice the calls of a block and returns the cost relative to the quickest block: about 2 for real work.

    Args:
        timing: Function that times a number of calls.
        calls: Calls of an ordinary block.
        block_s: Seconds of such a block; further ones are timed where twice the calls seem to cost too little.
    """
    twice_s = time_block(timing, 2 * calls).seconds
    for _ in range(TRIES - 1):
        if twice_s >= LEAST_RATIO * block_s:
            break
        block_s = min(block_s, time_block(timing, calls).seconds)
        twice_s = max(twice_s, time_block(timing, 2 * calls).seconds)
    return twice_s / block_s


def cold_call_s(runner: Any, cache_bytes: int) -> Optional[float]:
    """Times single calls, each right after the device's caches were emptied; None where they cannot be."""
    found = []
    for _ in range(COLD_CALLS):
        if not runner.empty_caches(cache_bytes):
            return None
        found.append(time_block(runner.time_block, 1).seconds)
    return statistics.median(found)
