"""How to measure: all numbers of the protocol, in one place, each with its reason."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from hwcost.agent.rules import LEAST_BLOCKS, Rules
from hwcost.devices import device_kind as _kind
from hwcost.errors import UsageError
from hwcost.quantities import Quantity, quantity, selected
from hwcost.timing.arrival import BACK_TO_BACK, Arrival
from hwcost.timing.measurement import PERCENTILE_CALLS
from hwcost.timing.stopping import MedianError, StoppingCriterion, from_plan

PROTOCOL_ID = "rounds"
PROTOCOL_VERSION = 1

CACHES = ("hot", "cold")
"""Policies for the device's caches: left as the call before leaves them, or emptied before every call, each timed alone."""


@dataclass(frozen=True, slots=True)
class Protocol(Rules):
    """The settings of a campaign.

    Attributes:
        tier: Name of the preset it comes from.
        half_width: Wanted relative half-width of the 95 % interval; items above it get further rounds.
        rounds: Rounds that every workload gets, each in a fresh process.
        max_rounds: Rounds after which an item is given up as imprecise.
        most_rounds: Rounds after which an item is given up that too few processes show uncontended, where a budget has room
            for more than ``max_rounds``. A quiet machine needs none of them.
        min_block_s: Least seconds of a block, so that the clock and the loop cost nothing.
        min_blocks: Least number of blocks in a visit; below ten a median and a trend mean little.
        max_blocks: Largest number of blocks in a visit.
        min_visit_s: Least timed seconds of a visit.
        max_visit_s: Timed seconds after which a visit that is steady stops, precise or not.
        steady_cap_s: Timed seconds after which a visit that is not steady is given up, see also :meth:`cap_s`.
        steady_tolerance: Relative difference within which two halves of the window, and its slope, agree.
        stopping: Criterion by which a steady visit stops before its limits.
        arrival: Arrival of calls, as :class:`hwcost.timing.arrival.Arrival` is written. With pauses every block is one
            call, and seconds of a visit include the pauses.
        cache: Policy for the device's caches, one of ``CACHES``. With ``cold`` every block is one call.
        quantities: Names of the quantities that are asked for beside latency; some take time of their own.
    """

    tier: str = "standard"
    half_width: float = 0.01
    rounds: int = 4
    max_rounds: int = 12
    most_rounds: int = 12
    min_block_s: float = 0.020
    min_blocks: int = 10
    max_blocks: int = 200
    min_visit_s: float = 0.25
    max_visit_s: float = 3.0
    steady_cap_s: float = 10.0
    steady_tolerance: float = 0.01
    stopping: StoppingCriterion = field(default_factory=MedianError)
    arrival: str = BACK_TO_BACK
    cache: str = "hot"
    quantities: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.cache not in CACHES:
            raise UsageError(f"unknown cache policy '{self.cache}'. Known: {', '.join(CACHES)}")

    @property
    def calls(self) -> Arrival:
        """See the base class."""
        return Arrival.parse(self.arrival)

    @property
    def has_pauses(self) -> bool:
        """See the base class."""
        return self.arrival != BACK_TO_BACK

    def is_met(self, samples: Sequence[float]) -> bool:
        """See the base class."""
        return self.stopping.is_met(samples)

    @property
    def asked(self) -> tuple[Quantity, ...]:
        """The quantities that are asked for.

        Raises:
            UnknownNameError: When one is unknown; lists the known ones.
        """
        return tuple(map(quantity, self.quantities))

    @property
    def uninterrupted_s(self) -> float:
        """Seconds of calls without a pause that a workload makes in every round, for quantities that need them."""
        return max((one.uninterrupted_s for one in self.asked), default=0.0)

    @property
    def watches_memory(self) -> bool:
        """Whether memory is watched while a workload is prepared, which then has weights of its own."""
        return any(one.watches_memory for one in self.asked)

    def to_dict(self) -> dict[str, Any]:
        """Returns plain JSON that :meth:`from_dict` turns back into an equal protocol."""
        return asdict(self) | {"stopping": self.stopping.to_dict(), "quantities": list(self.quantities)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Protocol:
        """Makes a protocol of what :meth:`to_dict` returned, now or in version 0.1.0 (``visit_error`` for ``stopping``).

        Raises:
            TypeError: When a field is unknown.
        """
        given = dict(data)
        if "visit_error" in given:
            given["stopping"] = {"name": MedianError.name, "most": given.pop("visit_error")}
        stopping = from_plan(given.get("stopping", {"name": MedianError.name}))
        if "max_rounds" in given:
            given.setdefault("most_rounds", given["max_rounds"])  # plans of before have no further rounds
        return cls(**{**given, "stopping": stopping, "quantities": tuple(given.get("quantities", ()))})


TIERS = {
    "quick": Protocol("quick", half_width=0.05, rounds=2, max_rounds=2, stopping=MedianError(0.02)),
    "standard": Protocol(),
    "strict": Protocol("strict", half_width=0.005, rounds=8, max_rounds=20, most_rounds=20, stopping=MedianError(0.002)),
}
"""Presets: 5 %, 1 % and 0.5 % half-width. Four rounds are the knee of the error at equal total time."""


def protocol(
    tier: str,
    device_kind: str = "cpu",
    rounds: int | None = None,
    blocks: int | None = None,
    arrival: str = BACK_TO_BACK,
    cache: str = "hot",
    stopping: StoppingCriterion | None = None,
    quantities: Sequence[str] = (),
) -> Protocol:
    """Returns a preset for a kind of device.

    Args:
        tier: ``quick``, ``standard`` or ``strict``.
        device_kind: Name of the kind of device, which has the length of blocks (2 ms on CUDA, else 20 ms).
        rounds: Number of rounds in place of the tier's; there are no further ones then.
        blocks: Least number of blocks in a visit, in place of the tier's. With pauses between calls, blocks are calls; by
            default there are then as many as give a 95th percentile in the protocol's rounds.
        arrival: ``back-to-back``, ``gap=TIME`` or ``poisson=RATE``.
        cache: ``hot`` or ``cold``.
        stopping: Stopping criterion in place of the tier's.
        quantities: Names of the quantities that are asked for beside latency.

    Raises:
        UsageError: When the tier, the arrival or the cache policy is unknown, the rounds are below 1, or the blocks below 4.
        UnknownNameError: When there is no such kind of device, or no such quantity.
    """
    if tier not in TIERS:
        raise UsageError(f"unknown tier '{tier}'. Known: {', '.join(TIERS)}")
    chosen = replace(TIERS[tier], min_block_s=_kind(device_kind).min_block_s, cache=cache)
    chosen = replace(chosen, quantities=selected(quantities))
    chosen = chosen if stopping is None else replace(chosen, stopping=stopping)
    if rounds is not None:
        if rounds < 1:
            raise UsageError(f"a campaign needs at least 1 round, got {rounds}")
        chosen = replace(chosen, rounds=rounds, max_rounds=rounds, most_rounds=rounds)
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
