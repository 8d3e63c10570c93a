"""Whether a visit goes on after a block: it ends when it is steady and its criterion is met, or at a limit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hwcost.timing import steady
from hwcost.timing.protocol import Protocol


@dataclass(frozen=True, slots=True)
class Decision:
    """The decision after a block.

    Attributes:
        finished: Whether the visit ends here.
        warmup: Number of the first blocks that are warm-up; all of them when it was never steady.
    """

    finished: bool
    warmup: int


def decide(blocks: Sequence[float], spent_s: float, protocol: Protocol, steady_from: int | None) -> Decision:
    """Decides whether a visit goes on.

    Args:
        blocks: Seconds per call of all blocks so far.
        spent_s: Seconds so far, pauses between calls included.
        protocol: Limits and stopping criterion.
        steady_from: Index of the first steady block, if it was found before; None while there is none.
    """
    if steady_from is None:
        steady_from = steady.first_steady(blocks, protocol.steady_tolerance, protocol.window)
    if steady_from is None:
        given_up = spent_s >= protocol.cap_s(spent_s / len(blocks)) or len(blocks) >= protocol.max_blocks
        return Decision(given_up, len(blocks))
    samples = blocks[steady_from:]
    if len(samples) < protocol.min_blocks or sum(samples) == 0 or spent_s < protocol.min_visit_s:
        return Decision(len(blocks) >= protocol.max_blocks, steady_from)
    out = spent_s >= protocol.max_visit_s or len(blocks) >= protocol.max_blocks
    return Decision(out or protocol.stopping.is_met(samples), steady_from)
