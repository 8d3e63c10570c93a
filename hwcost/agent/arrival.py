"""When calls arrive: back to back, after a fixed idle time, or at random; see ``hwcost.timing.arrival``."""

from __future__ import annotations

import random
from typing import Callable, Dict, Optional

LONGEST_MEANS = 25.0
"""Mean times between random arrivals within which the next one comes: the probability of more is 1e-11."""


def wall_s(arrival: Dict[str, object], call_s: float) -> float:
    """Returns the mean seconds from one call's start to the next one's.

    Args:
        arrival: Kind (``back-to-back``, ``gap`` or ``poisson``) and mean seconds, ``every_s``.
        call_s: Seconds of a call.
    """
    every_s = float(str(arrival["every_s"]))
    return max(every_s, call_s) if arrival["kind"] == "poisson" else every_s + call_s


def longest_s(arrival: Dict[str, object]) -> float:
    """Returns the longest idle seconds between two calls; 0 for back to back."""
    return float(str(arrival["every_s"])) * (LONGEST_MEANS if arrival["kind"] == "poisson" else 1.0)


def due(arrival: Dict[str, object], seed: str) -> Callable[[float], float]:
    """Returns a function from the end of the last call to the start of the next one, in seconds on one clock.

    A random arrival that falls into a call waits for its end: the queue is kept, and its calls then follow back to back.
    """
    every_s = float(str(arrival["every_s"]))
    if arrival["kind"] != "poisson":
        return lambda ended_s: ended_s + every_s
    rng = random.Random(seed)
    arrives_s: Optional[float] = None

    def next_s(ended_s: float) -> float:
        nonlocal arrives_s
        arrives_s = (ended_s if arrives_s is None else arrives_s) + rng.expovariate(1 / every_s)
        return max(arrives_s, ended_s)

    return next_s
