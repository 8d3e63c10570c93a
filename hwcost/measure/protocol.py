"""How to measure: all numbers of the protocol, in one place, each with its reason."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

from hwcost.errors import UsageError

PROTOCOL_ID = "rounds"
PROTOCOL_VERSION = 1


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
        steady_cap_s: Timed seconds after which a visit that is not steady is given up.
        steady_tolerance: Two halves of the window, and its slope, agree within this share.
        visit_error: A visit stops once the standard error of its median is below this share of the median.
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

    def to_dict(self) -> dict[str, Any]:
        """Returns plain JSON."""
        return asdict(self)


TIERS = {
    "quick": Protocol("quick", half_width=0.05, rounds=2, max_rounds=2, visit_error=0.02),
    "standard": Protocol(),
    "strict": Protocol("strict", half_width=0.005, rounds=8, max_rounds=20, visit_error=0.002),
}
"""Presets: 5 %, 1 % and 0.5 % half-width. Four rounds are the knee of the error at equal total time."""


def protocol(tier: str, device_kind: str = "cpu", rounds: int | None = None) -> Protocol:
    """Returns a preset for a kind of device.

    Args:
        tier: ``quick``, ``standard`` or ``strict``.
        device_kind: CUDA blocks are 2 ms, others 20 ms.
        rounds: Overrides the number of rounds; no topping-up then.

    Raises:
        UsageError: When the tier is unknown or the rounds are below 1.
    """
    if tier not in TIERS:
        raise UsageError(f"unknown tier '{tier}'. Known: {', '.join(TIERS)}")
    chosen = replace(TIERS[tier], min_block_s=0.002 if device_kind == "cuda" else 0.020)
    if rounds is None:
        return chosen
    if rounds < 1:
        raise UsageError(f"a campaign needs at least 1 round, got {rounds}")
    return replace(chosen, rounds=rounds, max_rounds=rounds)
