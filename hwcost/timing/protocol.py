"""How to measure: all numbers of the protocol, in one place, each with its reason."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from typing import Any

from hwcost.errors import UsageError
from hwcost.timing import steady
from hwcost.timing.arrival import BACK_TO_BACK, Arrival
from hwcost.timing.measurement import PERCENTILE_CALLS

PROTOCOL_ID = "rounds"
PROTOCOL_VERSION = 1

LEAST_BLOCKS = 4
"""Fewest blocks of a visit: fewer do not show whether it is steady."""

PATIENCE = 2.0
"""A visit of slow calls is given up as unsteady after this many times the blocks that a steady one needs."""


@dataclass(frozen=True, slots=True)
class Protocol:
    """The settings of a campaign.

    Attributes:
        tier: Name of the preset it comes from.
        half_width: Wanted relative half-width of the 95 % interval; items above it are topped up.
        rounds: Rounds that every workload gets, each in a fresh process.
        max_rounds: Rounds after which an item is given up as imprecise.
        min_block_s: A block lasts at least this long, so that the clock and the loop cost nothing.
        min_blocks: Blocks in a visit at the least; below ten a median and a trend mean little.
        max_blocks: Blocks in a visit at the most.
        min_visit_s: Timed seconds in a visit at the least.
        max_visit_s: Timed seconds after which a visit that is steady stops, precise or not.
        steady_cap_s: Timed seconds after which a visit that is not steady is given up, see also :meth:`cap_s`.
        steady_tolerance: Two halves of the window, and its slope, agree within this share.
        visit_error: A visit stops once the standard error of its median is below this share of the median.
        arrival: When calls arrive, as :class:`hwcost.timing.arrival.Arrival` is written. With pauses every block is one
            call, and seconds of a visit include the pauses.
    """

    tier: str = "standard"
    half_width: float = 0.01
    rounds: int = 4
    max_rounds: int = 12
    min_block_s: float = 0.020
    min_blocks: int = 10
    max_blocks: int = 200
    min_visit_s: float = 0.25
    max_visit_s: float = 3.0
    steady_cap_s: float = 10.0
    steady_tolerance: float = 0.01
    visit_error: float = 0.004
    arrival: str = BACK_TO_BACK

    @property
    def window(self) -> int:
        """Number of blocks that are judged together for whether a visit is steady."""
        return min(steady.WINDOW, max(LEAST_BLOCKS, self.min_blocks))

    def cap_s(self, block_s: float) -> float:
        """Returns the seconds after which a visit that is not steady is given up.

        Args:
            block_s: Mean seconds from one block to the next, pauses included.
        """
        return max(self.steady_cap_s, PATIENCE * self.min_blocks * block_s)

    def visit_s(self, call_s: float) -> float:
        """Returns the least seconds of a visit, from its first call on; a noisy or unsteady one takes longer.

        Args:
            call_s: Seconds of one call.
        """
        arrival = Arrival.parse(self.arrival)
        block_s = arrival.wall_s(call_s) if arrival.has_pauses else max(self.min_block_s, call_s)
        return call_s + max(self.min_visit_s, self.min_blocks * block_s)

    def to_dict(self) -> dict[str, Any]:
        """Returns plain JSON."""
        return asdict(self)


TIERS = {
    "quick": Protocol("quick", half_width=0.05, rounds=2, max_rounds=2, visit_error=0.02),
    "standard": Protocol(),
    "strict": Protocol("strict", half_width=0.005, rounds=8, max_rounds=20, visit_error=0.002),
}
"""Presets: 5 %, 1 % and 0.5 % half-width. Four rounds are the knee of the error at equal total time."""


def protocol(
    tier: str,
    device_kind: str = "cpu",
    rounds: int | None = None,
    blocks: int | None = None,
    arrival: str = BACK_TO_BACK,
) -> Protocol:
    """Returns a preset for a kind of device.

    Args:
        tier: ``quick``, ``standard`` or ``strict``.
        device_kind: CUDA blocks are 2 ms, others 20 ms.
        rounds: Overrides the number of rounds; no topping-up then.
        blocks: Overrides the least number of blocks in a visit. With pauses between calls, blocks are calls; by default
            there are then as many as give a 95th percentile in the protocol's rounds.
        arrival: ``back-to-back``, ``gap=TIME`` or ``poisson=RATE``.

    Raises:
        UsageError: When the tier or the arrival is unknown, the rounds are below 1, or the blocks below 4.
    """
    if tier not in TIERS:
        raise UsageError(f"unknown tier '{tier}'. Known: {', '.join(TIERS)}")
    chosen = replace(TIERS[tier], min_block_s=0.002 if device_kind == "cuda" else 0.020)
    if rounds is not None:
        if rounds < 1:
            raise UsageError(f"a campaign needs at least 1 round, got {rounds}")
        chosen = replace(chosen, rounds=rounds, max_rounds=rounds)
    calls = Arrival.parse(arrival)
    if blocks is None:
        blocks = _calls(chosen) if calls.has_pauses else chosen.min_blocks
    if blocks < LEAST_BLOCKS:
        raise UsageError(
            f"a visit needs at least {LEAST_BLOCKS} blocks, got {blocks}: fewer do not show whether it is steady"
        )
    return replace(chosen, min_blocks=blocks, max_blocks=max(chosen.max_blocks, 2 * blocks), arrival=str(calls))


def _calls(chosen: Protocol) -> int:
    """Returns the calls of a visit of which all rounds together give a 95th percentile."""
    return max(chosen.min_blocks, math.ceil(PERCENTILE_CALLS[95] / chosen.rounds))
