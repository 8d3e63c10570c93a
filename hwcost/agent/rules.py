"""The rules of a visit: warm-up calls after a switch, when it is steady, and when it has enough blocks.

They are those of ``hwcost.timing`` (``warmup``, ``steady``, ``visit_end``, ``guards``), in plain numbers; a test compares
the two.
"""

from __future__ import annotations

import itertools
import math
import statistics
from typing import Any, Dict, List, Optional, Sequence, Tuple

WINDOW, LEAST_BLOCKS, LEAST_GROUP, FEW = 10, 4, 4, 6
NOISE, MEDIAN_TO_MEAN, MAD_TO_SD = 3.0, 1.2533, 1.4826
PATIENCE = 2.0
CHUNKS, LOOK, AGREEMENT, WARM_SHARE, CHEAP = 20, 10, 0.03, 0.35, 0.2
SLOW_CLOCK, DISTURBED_SHARE = 0.75, 0.97
BLOCK_WAIT = 1 - DISTURBED_SHARE

Protocol = Dict[str, Any]
Block = Dict[str, Any]


def chunk(calls: int) -> int:
    """Returns the calls of one part of a block."""
    return math.ceil(calls / CHUNKS)


def looks(calls: int) -> int:
    """Returns how many parts are timed right after a switch; two at the least."""
    return max(2, min(LOOK, math.ceil(calls / chunk(calls))))


def warmup_calls(parts_s: Sequence[float], block_s: float, calls: int) -> int:
    """Returns the calls that go before each block, from parts right after a switch and the block after them."""
    size = chunk(calls)
    steady_s = statistics.median([*parts_s[len(parts_s) // 2 :], block_s])
    slow = next((index for index, part_s in enumerate(parts_s) if part_s <= (1 + AGREEMENT) * steady_s), len(parts_s))
    is_sure = slow > 0 or parts_s[0] >= (1 - AGREEMENT) * steady_s
    least = size if size <= CHEAP * calls or not is_sure else 0
    return min(max(least, slow * size), max(size, math.floor(WARM_SHARE * calls)))


def is_steady(window: Sequence[float], tolerance: float) -> bool:
    """Says whether blocks agree with each other from first to last, within a tolerance or their own noise."""
    half = len(window) // 2
    first, last = window[:half], window[-half:]
    edge = (len(window) - half) // 2
    middle, ends = window[edge : edge + half], [*window[:edge], *window[edge + half :]]
    allowed = max(
        tolerance * statistics.median(window), NOISE * MEDIAN_TO_MEAN * _spread(window) * (2 / half) ** 0.5
    )
    shift = abs(statistics.median(last) - statistics.median(first))
    bend = abs(statistics.median(middle) - statistics.median(ends))
    drift = abs(_slope(window)) * (len(window) - 1)
    return max(shift, bend, drift) <= allowed


def first_steady(blocks: Sequence[float], tolerance: float, window: int) -> Optional[int]:
    """Returns where the last window begins if it is steady, else None."""
    if len(blocks) < window or not is_steady(blocks[-window:], tolerance):
        return None
    return len(blocks) - window


def relative_error(samples: Sequence[float]) -> float:
    """Returns the standard error of the median as a share of it, from the median absolute deviation."""
    centre = statistics.median(samples)
    spread = MAD_TO_SD * statistics.median(abs(sample - centre) for sample in samples)
    return MEDIAN_TO_MEAN * spread / len(samples) ** 0.5 / centre


def has_pauses(protocol: Protocol) -> bool:
    """Whether calls come with pauses."""
    return bool(protocol["arrival"] != "back-to-back")


def cap_s(protocol: Protocol, block_s: float) -> float:
    """Returns the seconds after which a visit that is not steady is given up."""
    return max(protocol["steady_cap_s"], PATIENCE * protocol["min_blocks"] * block_s)


def visit_s(protocol: Protocol, call_s: float, wall_s: float) -> float:
    """Returns the least seconds of a visit of calls that take ``call_s``, and ``wall_s`` with their pauses."""
    alone = protocol["cache"] == "cold"
    block_s = wall_s if has_pauses(protocol) else call_s if alone else max(protocol["min_block_s"], call_s)
    return float(call_s + max(protocol["min_visit_s"], protocol["min_blocks"] * block_s))


def decide(
    samples: Sequence[float], spent_s: float, protocol: Protocol, steady_from: Optional[int]
) -> Tuple[bool, int]:
    """Decides whether a visit ends after a block, and how many of its first blocks are warm-up."""
    if steady_from is None:
        window = min(WINDOW, max(LEAST_BLOCKS, protocol["min_blocks"]))
        steady_from = first_steady(samples, protocol["steady_tolerance"], window)
    if steady_from is None:
        late = spent_s >= cap_s(protocol, spent_s / len(samples))
        return late or len(samples) >= protocol["max_blocks"], len(samples)
    counting = samples[steady_from:]
    if len(counting) < protocol["min_blocks"] or sum(counting) == 0 or spent_s < protocol["min_visit_s"]:
        return len(samples) >= protocol["max_blocks"], steady_from
    out = spent_s >= protocol["max_visit_s"] or len(samples) >= protocol["max_blocks"]
    return out or _is_met(protocol["stopping"], counting), steady_from


def uncontended(blocks: Sequence[Block]) -> int:
    """Counts the blocks that ran at the usual clock and kept the processor."""
    return sum(not (slow or lost) for slow, lost in zip(_slowed(blocks), _disturbed(blocks)))


def _is_met(stopping: Dict[str, Any], samples: Sequence[float]) -> bool:
    if stopping["name"] == "fixed-count":
        return len(samples) >= stopping["blocks"]
    return bool(relative_error(samples) <= stopping["most"])


def _disturbed(blocks: Sequence[Block]) -> List[bool]:
    shares = [0.0 if block.get("cpu_s") is None else block["cpu_s"] / block["seconds"] for block in blocks]
    usual = _usual(shares)
    waits = [(block.get("wait_s") or 0.0) > BLOCK_WAIT * block["seconds"] for block in blocks]
    return [wait or (usual >= 0.5 and share < DISTURBED_SHARE * usual) for wait, share in zip(waits, shares)]


def _slowed(blocks: Sequence[Block]) -> List[bool]:
    clocks = [block.get("clock_hz") for block in blocks]
    usual = _usual([clock for clock in clocks if clock is not None])
    return [clock is not None and clock < SLOW_CLOCK * usual for clock in clocks]


def _usual(values: Sequence[float]) -> float:
    """Returns the upper quartile; 0 for too few values."""
    return statistics.quantiles(values, n=4)[2] if len(values) >= 4 else 0.0


def _slope(values: Sequence[float]) -> float:
    pairs = itertools.combinations(enumerate(values), 2)
    return statistics.median((b - a) / (j - i) for (i, a), (j, b) in pairs)


def _spread(values: Sequence[float]) -> float:
    steps = [b - a for a, b in zip(values, values[1:])]
    if len(values) < FEW:
        return statistics.stdev(steps) / 2**0.5
    return MAD_TO_SD * statistics.median(map(abs, steps)) / 2**0.5
