"""A clock that moves only when a runner says how long something took."""

from __future__ import annotations


class VirtualClock:
    """Nanoseconds that pass on command.

    All runners of one backend share one clock, so that visits follow each other in time.
    """

    def __init__(self) -> None:
        self._now_ns = 0.0

    def __call__(self) -> int:
        """Returns the time in nanoseconds."""
        return round(self._now_ns)

    def advance(self, seconds: float) -> None:
        """Lets time pass."""
        self._now_ns += seconds * 1e9
