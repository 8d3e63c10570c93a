"""Another process that computes in bursts on the same core, and how long work takes beside it."""

from __future__ import annotations

from bisect import bisect_right

import numpy as np

AHEAD = 256
"""Bursts that are drawn at once."""


class Neighbour:
    """Bursts of random length with pauses between, uniform from half to one and a half times their mean.

    Args:
        seed: Seed of the bursts.
        slowing: Share by which work takes longer during a burst.
        busy_s: Mean length of a burst.
        idle_s: Mean length of a pause.
    """

    def __init__(self, seed: int, slowing: float, busy_s: float, idle_s: float) -> None:
        self._rng = np.random.default_rng([seed, 5])
        self._pace, self._means_s = (1.0, 1.0 / (1.0 + slowing)), (idle_s, busy_s)
        self._changes = [0.0]
        self._done = [0.0]

    def ends_s(self, start_s: float, work_s: float) -> float:
        """Returns when work is done.

        Args:
            start_s: Second at which it begins.
            work_s: Seconds that it takes on a machine of its own.
        """
        return self._at(self._done_at(start_s) + work_s)

    def _done_at(self, time_s: float) -> float:
        """Returns the work that could have been done until a time."""
        while self._changes[-1] <= time_s:
            self._draw()
        index = bisect_right(self._changes, time_s) - 1
        return self._done[index] + (time_s - self._changes[index]) * self._pace[index % 2]

    def _at(self, done_s: float) -> float:
        """Returns the time until which so much work could have been done."""
        while self._done[-1] <= done_s:
            self._draw()
        index = bisect_right(self._done, done_s) - 1
        return self._changes[index] + (done_s - self._done[index]) / self._pace[index % 2]

    def _draw(self) -> None:
        """Draws further pauses and bursts; a pause is first."""
        for share in self._rng.uniform(0.5, 1.5, (AHEAD, 2)):
            for kind in (0, 1):
                length_s = float(share[kind]) * self._means_s[kind]
                self._changes.append(self._changes[-1] + length_s)
                self._done.append(self._done[-1] + length_s * self._pace[kind])
