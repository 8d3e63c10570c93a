"""When a visit stops: precise enough, or out of time. Knows numbers only, no clock and no workload."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hwcost.timing import steady
from hwcost.timing.protocol import Protocol


@dataclass(frozen=True, slots=True)
class Verdict:
    """What to do after a block.

    Attributes:
        finished: Whether the visit ends here.
        warmup: How many of the first blocks are warm-up; all of them when it never settled.
    """

    finished: bool
    warmup: int


def judge(blocks: Sequence[float], spent_s: float, protocol: Protocol, settled: int | None) -> Verdict:
    """Decides whether a visit goes on.

    Args:
        blocks: Seconds per call of all blocks so far.
        spent_s: Seconds so far, pauses between calls included.
        protocol: The limits.
        settled: Where the steady state began, if it was found at an earlier block.

    Returns:
        The visit ends when it is steady and the error of its median is small enough, or when a limit is reached.
    """
    if settled is None:
        settled = steady.first_steady(blocks, protocol.steady_tolerance, protocol.window)
    if settled is None:
        given_up = spent_s >= protocol.cap_s(spent_s / len(blocks)) or len(blocks) >= protocol.max_blocks
        return Verdict(given_up, len(blocks))
    samples = blocks[settled:]
    if len(samples) < protocol.min_blocks or sum(samples) == 0 or spent_s < protocol.min_visit_s:
        return Verdict(len(blocks) >= protocol.max_blocks, settled)
    out = spent_s >= protocol.max_visit_s or len(blocks) >= protocol.max_blocks
    return Verdict(out or steady.relative_error(samples) <= protocol.visit_error, settled)
