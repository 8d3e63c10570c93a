"""When calls arrive: back to back, after a fixed idle time, or at random; see ``hwcost.timing.arrival``."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Callable, Literal, Optional

Kind = Literal["back-to-back", "gap", "poisson"]

LONGEST_MEANS = 25.0
"""Mean times between random arrivals within which the next one comes: the probability of more is 1e-11."""


@dataclass(frozen=True)
class Arrival:
    """When the calls of a visit arrive.

    Attributes:
        kind: ``back-to-back``, ``gap`` or ``poisson``.
        every_s: Idle seconds between a call's end and the next call (``gap``), or the mean time from one arrival to the next
            (``poisson``); 0 for back to back.
    """

    kind: Kind = "back-to-back"
    every_s: float = 0.0

    @property
    def has_pauses(self) -> bool:
        """Whether calls come with pauses, so that each is timed by itself."""
        return self.kind != "back-to-back"

    @property
    def longest_s(self) -> float:
        """Longest idle time between two calls, in seconds; 0 for back to back."""
        return self.every_s * (LONGEST_MEANS if self.kind == "poisson" else 1.0)

    def wall_s(self, call_s: float) -> float:
        """Returns the mean seconds from one call's start to the next one's, for calls that take ``call_s``."""
        return max(self.every_s, call_s) if self.kind == "poisson" else self.every_s + call_s

    def due(self, seed: str) -> Callable[[float], float]:
        """Returns a function that gives the time at which a visit's next call is due.

        Args:
            seed: Seed of random arrivals; equal ones give equal arrivals.

        Returns:
            A function from the end of the last call to the start of the next, both in seconds on one clock. A random arrival
            that falls into a call waits for its end: the queue is kept, and its calls then follow back to back.
        """
        if self.kind != "poisson":
            return lambda ended_s: ended_s + self.every_s
        rng = random.Random(seed)
        arrives_s: Optional[float] = None

        def next_s(ended_s: float) -> float:
            nonlocal arrives_s
            arrives_s = (ended_s if arrives_s is None else arrives_s) + rng.expovariate(1 / self.every_s)
            return max(arrives_s, ended_s)

        return next_s
