"""The rules of a visit: how long it lasts, and when it has enough blocks."""

from __future__ import annotations

from typing import Any, Dict, Optional, Sequence, Tuple

from .arrival import Arrival
from .steady import WINDOW, first_steady, relative_error

LEAST_BLOCKS = 4
"""Fewest blocks of a visit: fewer do not show whether it is steady."""

LEAST_GROUP = 4
"""Fewest workloads measured in turn that tell what slowed them all; in a smaller group each is judged by itself."""

PATIENCE = 2.0
"""A visit of slow calls is given up as unsteady after this many times the blocks that a steady one needs."""


class Rules:
    """What a protocol says of a visit.

    Attributes:
        min_block_s: Least seconds of a block.
        min_blocks: Least number of blocks in a visit.
        max_blocks: Largest number of blocks in a visit.
        min_visit_s: Least timed seconds of a visit.
        max_visit_s: Timed seconds after which a visit that is steady stops, precise or not.
        steady_cap_s: Timed seconds after which a visit that is not steady is given up, see also :meth:`cap_s`.
        steady_tolerance: Relative difference within which two halves of the window, and its slope, agree.
        cache: Policy for the device's caches, ``hot`` or ``cold``.
    """

    @property
    def calls(self) -> Arrival:
        """When calls arrive."""
        raise NotImplementedError

    def is_met(self, samples: Sequence[float]) -> bool:
        """Says whether the stopping criterion is met by the seconds per call of the blocks since the steady state."""
        raise NotImplementedError

    @property
    def times_single_calls(self) -> bool:
        """Whether every block is one call, timed by itself."""
        return self.cache == "cold" or self.has_pauses

    @property
    def has_pauses(self) -> bool:
        """Whether calls come with pauses; such workloads are measured one after another, never in turn."""
        return self.calls.has_pauses

    @property
    def window(self) -> int:
        """Number of blocks that are judged together for whether a visit is steady."""
        return min(WINDOW, max(LEAST_BLOCKS, self.min_blocks))

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
        return call_s + max(self.min_visit_s, self.min_blocks * self.block_s(call_s))

    def block_s(self, call_s: float) -> float:
        """Returns the seconds from one block to the next, pauses included.

        Args:
            call_s: Seconds of one call.
        """
        if self.has_pauses:
            return self.calls.wall_s(call_s)
        return call_s if self.times_single_calls else max(self.min_block_s, call_s)

    def decide(self, samples: Sequence[float], spent_s: float, steady_from: Optional[int]) -> Tuple[bool, int]:
        """Decides after a block whether a visit ends: when it is steady and its criterion is met, or at a limit.

        Args:
            samples: Seconds per call of all blocks so far.
            spent_s: Seconds so far, pauses between calls included.
            steady_from: Index of the first steady block, if it was found before; None while there is none.

        Returns:
            Whether the visit ends, and the number of its first blocks that are warm-up: all of them while it was never
            steady.
        """
        if steady_from is None:
            steady_from = first_steady(samples, self.steady_tolerance, self.window)
        if steady_from is None:
            return spent_s >= self.cap_s(spent_s / len(samples)) or len(samples) >= self.max_blocks, len(samples)
        counting = samples[steady_from:]
        if len(counting) < self.min_blocks or sum(counting) == 0 or spent_s < self.min_visit_s:
            return len(samples) >= self.max_blocks, steady_from
        is_out = spent_s >= self.max_visit_s or len(samples) >= self.max_blocks
        return is_out or self.is_met(counting), steady_from


class JobRules(Rules):
    """The rules of a job.

    Args:
        protocol: The protocol, as the job holds it.
        calls: Arrival of calls.
    """

    def __init__(self, protocol: Dict[str, Any], calls: Arrival) -> None:
        self._calls, self._stopping, self.cache = calls, protocol["stopping"], protocol["cache"]
        self.min_block_s, self.min_blocks, self.max_blocks = (
            protocol["min_block_s"], protocol["min_blocks"], protocol["max_blocks"],
        )  # fmt: skip
        self.min_visit_s, self.max_visit_s = protocol["min_visit_s"], protocol["max_visit_s"]
        self.steady_cap_s, self.steady_tolerance = protocol["steady_cap_s"], protocol["steady_tolerance"]

    @property
    def calls(self) -> Arrival:
        """See the base class."""
        return self._calls

    def is_met(self, samples: Sequence[float]) -> bool:
        """See the base class."""
        if self._stopping["name"] == "fixed-count":
            return len(samples) >= self._stopping["blocks"]
        return relative_error(samples) <= self._stopping["most"]
