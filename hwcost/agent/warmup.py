"""How many calls after a switch to a workload are slower than those of a loop, found from a pilot."""

from __future__ import annotations

import math
import statistics
from typing import Sequence

LONG_S = 0.1
"""Calls of at least this many seconds need no warm-up after a switch: their caches are as cold in a loop."""

CHUNKS = 20
"""Parts of a block in which the calls after a switch are timed; each is a single call in blocks of up to so many calls."""

LOOK = 10
"""Most parts that are timed after a switch, half a block."""

AGREEMENT = 0.03
"""Relative difference within which a part is as quick as the block after it."""

SHARE = 0.35
"""Largest share of a block's calls that warm it up; one call at the least."""

CHEAP = 0.2
"""Share of a block's calls that warm it up in any case."""


def chunk(calls: int) -> int:
    """Returns the calls of one part of a block."""
    return math.ceil(calls / CHUNKS)


def looks(calls: int) -> int:
    """Returns how many parts are timed right after a switch, for blocks of so many calls; two at the least."""
    return max(2, min(LOOK, math.ceil(calls / chunk(calls))))


def warmup_calls(parts_s: Sequence[float], block_s: float, calls: int) -> int:
    """Returns the calls that go before each block.

    Parts are compared with the later ones of the same look and the block that follows, so that a change of the machine
    since then says nothing. One that changes within the look can only make the warm-up longer, up to its bound, or leave
    it at its least: a first part that is quicker than what follows proves nothing, and one part is taken then.

    Args:
        parts_s: Seconds per call of the parts right after a switch.
        block_s: Seconds per call of the block after them.
        calls: Calls in a block.
    """
    size = chunk(calls)
    steady_s = statistics.median([*parts_s[len(parts_s) // 2 :], block_s])
    slow = next((index for index, part_s in enumerate(parts_s) if part_s <= (1 + AGREEMENT) * steady_s), len(parts_s))
    is_sure = slow > 0 or parts_s[0] >= (1 - AGREEMENT) * steady_s
    least = size if size <= CHEAP * calls or not is_sure else 0
    return min(max(least, slow * size), max(size, math.floor(SHARE * calls)))
